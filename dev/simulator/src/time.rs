//! Time in OMS's words. Times are durations since the Unix epoch.

use std::time::Duration;

use jiff::Timestamp;

/// `YYYY-MM-DDTHH:MM:SS`, UTC, without a zone: every time of a project.
pub(crate) fn gmt(wall: Duration) -> String {
    timestamp(wall).strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

/// The other form, which data sources use.
pub(crate) fn zoned(wall: Duration) -> String {
    timestamp(wall)
        .strftime("%Y-%m-%dT%H:%M:%S.%3f+00:00")
        .to_string()
}

/// The form of the HTTP `Date` header.
pub(crate) fn http_date(wall: Duration) -> String {
    timestamp(wall)
        .strftime("%a, %d %b %Y %H:%M:%S GMT")
        .to_string()
}

/// A time beyond what can be written is written as the last one that can.
pub(crate) fn timestamp(wall: Duration) -> Timestamp {
    i64::try_from(wall.as_nanos() / 1_000_000)
        .ok()
        .and_then(|millis| Timestamp::from_millisecond(millis).ok())
        .unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_oms_writes_them() {
        let wall = Duration::from_millis(1_689_280_048_250);
        assert_eq!(gmt(wall), "2023-07-13T20:27:28");
        assert_eq!(zoned(wall), "2023-07-13T20:27:28.250+00:00");
        assert_eq!(http_date(wall), "Thu, 13 Jul 2023 20:27:28 GMT");
    }
}
