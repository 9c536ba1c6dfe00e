//! When the API server was away. While it starts it does not know the rights of anybody yet, and refuses what
//! is allowed; a refusal at any other time is a right that is missing.

use jiff::Timestamp;
use parking_lot::Mutex;

/// From the first signal until it is ready again, each time.
#[derive(Default)]
pub struct Outages {
    all: Mutex<Vec<(Timestamp, Timestamp)>>,
}

impl Outages {
    /// Takes it away and brings it back.
    pub async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        let from = Timestamp::now();
        let done = work.await;
        self.all.lock().push((from, Timestamp::now()));
        done
    }

    /// Whether it was away or starting then.
    pub fn cover(&self, at: Timestamp) -> bool {
        let all = self.all.lock();
        all.iter().any(|(from, to)| (*from..=*to).contains(&at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_refused_meanwhile_is_known() {
        let outages = Outages::default();
        let before = Timestamp::now();
        let meanwhile = outages.during(async { Timestamp::now() }).await;
        let second = jiff::SignedDuration::from_secs(1);
        assert!(outages.cover(meanwhile));
        assert!(!outages.cover(before - second) && !outages.cover(meanwhile + second));
    }
}
