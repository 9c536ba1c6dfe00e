//! The two times of the simulator.
//!
//! *Wall time* is what OMS prints: `gmtCreate`, the `Date` header, checkpoints.
//! *Work time* is what projects spend in their steps. A client compares OMS's
//! dates with its own, so speeding the work up must not bend the dates: speed
//! and [`Clock::step`] move work time alone, and only [`Clock::advance`] moves
//! both (a jump of OMS's clock, and the way to drive a manual clock).

use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;

/// A reading of both times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Now {
    /// Since the Unix epoch, as OMS prints it.
    pub wall: Duration,
    /// Since the clock was made, as projects spend it.
    pub work: Duration,
}

/// A source of wall time with a scaled work time beside it.
pub struct Clock {
    source: Box<dyn Fn() -> Duration + Send + Sync>,
    inner: Mutex<Inner>,
}

struct Inner {
    /// What [`Clock::advance`] has added to the source.
    offset: Duration,
    /// Oldest first. Each says how work follows wall from its beginning on; the
    /// history is kept because a step's start is asked for long after it.
    segments: Vec<Segment>,
}

#[derive(Clone, Copy)]
struct Segment {
    wall: Duration,
    work: Duration,
    speed: f64,
}

impl Segment {
    fn work_at(&self, wall: Duration) -> Duration {
        self.work + wall.saturating_sub(self.wall).mul_f64(self.speed)
    }

    fn wall_at(&self, work: Duration) -> Duration {
        if self.speed > 0.0 {
            self.wall + work.saturating_sub(self.work).div_f64(self.speed)
        } else {
            self.wall
        }
    }
}

impl Clock {
    /// Follows the machine's clock; work runs `speed` times as fast.
    pub fn real(speed: f64) -> Self {
        // Anchored once: an adjustment of the machine's clock never turns the
        // simulator's time back.
        let origin = Instant::now();
        let epoch = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Self::from_source(move || epoch + origin.elapsed(), speed)
    }

    /// Stands still at `start` (since the Unix epoch) until it is advanced.
    pub fn manual(start: Duration) -> Self {
        Self::from_source(move || start, 1.0)
    }

    /// Follows any monotonic source of time since the Unix epoch, such as the
    /// paused time of a simulated runtime.
    pub fn from_source(source: impl Fn() -> Duration + Send + Sync + 'static, speed: f64) -> Self {
        let wall = source();
        Self {
            source: Box::new(source),
            inner: Mutex::new(Inner {
                offset: Duration::ZERO,
                segments: vec![Segment {
                    wall,
                    work: Duration::ZERO,
                    speed: sane(speed),
                }],
            }),
        }
    }

    /// Both times, now.
    pub fn now(&self) -> Now {
        self.read(&self.inner.lock())
    }

    /// The wall time at which work time was, or will be, `work`.
    pub fn wall_at(&self, work: Duration) -> Duration {
        let inner = self.inner.lock();
        let next = inner.segments.partition_point(|s| s.work <= work).max(1);
        let wall = inner.segments[next - 1].wall_at(work);
        // Work that a step jumped over was done at the moment of the jump.
        inner.segments.get(next).map_or(wall, |n| wall.min(n.wall))
    }

    /// From now on work runs `speed` times as fast as wall time; 0 stops it.
    pub fn set_speed(&self, speed: f64) {
        self.bend(|segment| segment.speed = sane(speed));
    }

    /// How many times as fast as wall time work runs.
    pub fn speed(&self) -> f64 {
        self.last(&self.inner.lock()).speed
    }

    /// Work time jumps forward; dates stay.
    pub fn step(&self, by: Duration) {
        self.bend(|segment| segment.work += by);
    }

    /// Wall time jumps forward, and work time with it by `by` times the speed.
    pub fn advance(&self, by: Duration) {
        self.inner.lock().offset += by;
    }

    fn bend(&self, change: impl FnOnce(&mut Segment)) {
        let mut inner = self.inner.lock();
        let now = self.read(&inner);
        let mut segment = Segment {
            wall: now.wall,
            work: now.work,
            speed: self.last(&inner).speed,
        };
        change(&mut segment);
        inner.segments.push(segment);
    }

    fn read(&self, inner: &Inner) -> Now {
        let wall = (self.source)() + inner.offset;
        Now {
            wall,
            work: self.last(inner).work_at(wall),
        }
    }

    fn last(&self, inner: &Inner) -> Segment {
        // A clock is made with one segment and only ever gains more.
        inner.segments[inner.segments.len() - 1]
    }
}

/// A speed that is no number, or negative, would turn time back.
fn sane(speed: f64) -> f64 {
    if speed.is_finite() && speed > 0.0 {
        speed
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::from_secs(1_700_000_000);

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn speed_moves_work_and_leaves_the_dates() {
        let clock = Clock::manual(START);
        clock.set_speed(60.0);
        clock.advance(secs(2));
        assert_eq!(clock.now().wall, START + secs(2));
        assert_eq!(clock.now().work, secs(120));
        assert_eq!(clock.wall_at(secs(60)), START + secs(1));
    }

    #[test]
    fn a_step_moves_work_alone_and_dates_it_at_the_jump() {
        let clock = Clock::manual(START);
        clock.advance(secs(1));
        clock.step(secs(3600));
        clock.advance(secs(1));
        assert_eq!(clock.now().work, secs(3602));
        assert_eq!(clock.wall_at(secs(1800)), START + secs(1));
        assert_eq!(clock.wall_at(secs(3602)), START + secs(2));
    }

    #[test]
    fn speed_zero_stops_the_work() {
        let clock = Clock::manual(START);
        clock.set_speed(0.0);
        clock.advance(secs(10));
        assert_eq!(clock.now().work, Duration::ZERO);
        clock.set_speed(f64::NAN);
        assert_eq!(clock.speed(), 0.0);
    }
}
