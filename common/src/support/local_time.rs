//! A point in time as the reader's wall clock shows it: `2026-11-21 12:36:54`.

#![expect(unsafe_code, reason = "localtime_r(3): the standard library knows no time zones")]

use std::fmt;
use std::mem::MaybeUninit;

use nix::libc;

use crate::protocol::UnixTime;

/// To be shown in the time zone of this process: `TZ`, or the system's.
#[derive(Debug, Clone, Copy)]
pub struct LocalTime(pub UnixTime);

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = libc::time_t::try_from(self.0.0.as_secs()).map_err(|_| fmt::Error);
        let Some(t) = seconds.ok().and_then(broken_down) else {
            return self.0.fmt(f); // a year that no calendar has: the number says as much
        };
        let (year, month, day) = (i64::from(t.tm_year) + 1900, t.tm_mon + 1, t.tm_mday);
        write!(f, "{year}-{month:02}-{day:02} {:02}:{:02}:{:02}", t.tm_hour, t.tm_min, t.tm_sec)
    }
}

fn broken_down(seconds: libc::time_t) -> Option<libc::tm> {
    let mut parts = MaybeUninit::uninit();
    // SAFETY: both pointers are valid for the call; the parts are read only when the call says that it has written them.
    unsafe {
        (!libc::localtime_r(&raw const seconds, parts.as_mut_ptr()).is_null()).then(|| parts.assume_init())
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
