//! The time as the message boards write it: seconds since 1970 with two decimals, `1795198052.42`. Notes, chapter 2.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use thiserror::Error;

/// A point in time, counted from 1970-01-01 UTC.
///
/// It is written with two decimals, cut and not rounded: a message must not come from the future.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct UnixTime(pub Duration);

/// The text is not decimal seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a time: expected decimal seconds such as 1795198052.42")]
pub struct NotATime;

/// A clock set before 1970 reads as 1970: a board with a wrong clock is better than no board.
impl From<SystemTime> for UnixTime {
    fn from(time: SystemTime) -> UnixTime {
        UnixTime(time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0.as_secs(), self.0.subsec_millis() / 10)
    }
}

/// Takes any number of decimals, or none, because other servers of the course write more; keeps nine.
impl FromStr for UnixTime {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<UnixTime, NotATime> {
        let (seconds, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(seconds) || !digits(decimals) {
            return Err(NotATime);
        }
        let seconds = seconds.parse().map_err(|_| NotATime)?;
        let nanoseconds = decimals
            .bytes()
            .chain(std::iter::repeat(b'0'))
            .take(9)
            .fold(0, |n, d| n * 10 + u32::from(d - b'0'));
        Ok(UnixTime(Duration::new(seconds, nanoseconds)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_with_two_decimals_cut_off() {
        assert_eq!(UnixTime(Duration::new(1_795_198_052, 429_999_999)).to_string(), "1795198052.42");
        assert_eq!(UnixTime(Duration::new(7, 9_999_999)).to_string(), "7.00");
    }

    #[test]
    fn it_is_read_with_any_number_of_decimals() {
        let read = |text: &str| text.parse::<UnixTime>();
        assert_eq!(read("12343241.3241"), Ok(UnixTime(Duration::new(12_343_241, 324_100_000))));
        assert_eq!(read("7"), Ok(UnixTime(Duration::from_secs(7))));
        assert_eq!(read("7.1234567899"), Ok(UnixTime(Duration::new(7, 123_456_789))));
        for text in ["", ".", "7.", ".5", "-1.0", "+1", "1e9", "nan", "99999999999999999999"] {
            assert_eq!(read(text), Err(NotATime), "{text:?}");
        }
    }
}
