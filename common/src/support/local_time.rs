//! A point in time as the reader's wall clock shows it: `2026-11-21 12:36:54`.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::protocol::UnixTime;

/// Shown in the time zone of this process: `TZ`, or the system's.
#[derive(Debug, Clone, Copy)]
pub struct LocalTime(pub UnixTime);

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = i64::try_from(self.0.0.as_secs()).ok();
        match seconds.and_then(|seconds| Timestamp::from_second(seconds).ok()) {
            Some(time) => {
                write!(f, "{}", time.to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S"))
            }
            None => self.0.fmt(f), // after the year 9999: the number says as much
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn it_reads_like_a_clock_whatever_the_zone() {
        let shown = LocalTime(UnixTime(Duration::from_secs(1_795_198_052))).to_string();
        // 2026-11-20 in most of the world, and half an hour and quarters exist.
        assert!(shown.starts_with("2026-11-2") && shown.ends_with(":32") && shown.len() == 19, "{shown}");
    }

    #[test]
    fn a_time_beyond_all_calendars_is_shown_as_it_came() {
        let never = UnixTime(Duration::from_secs(u64::MAX));
        assert_eq!(LocalTime(never).to_string(), never.to_string());
    }
}
