//! Around every invocation: what the component's own code does not have to care for.
//!
//! ```text
//!   invocation ─► log ─► authorisation ─► rate ─► deadline ─► component
//!                                                                │ fails, or is too late
//!                                                                └─► undo: what it has done to others is taken back
//! ```
//!
//! Authorisation is the wiring: a component may call what the descriptor connects it with, and nothing else.

use std::time::{Duration, Instant};

use super::check::{Architecture, Link, Style};
use super::message::{Fault, Invocation, Outcome, Value};

/// Whether the descriptor connects the two, and the policy of the called one allows the method.
///
/// # Errors
/// It does not.
pub fn authorise(architecture: &Architecture, invocation: &Invocation) -> Result<(), Fault> {
    let Invocation { from, to, what, method, .. } = invocation;
    let link = match method {
        Some(_) => Link { style: Style::Call, from: from.clone(), what: what.clone(), to: to.clone() },
        None => Link { style: Style::Event, from: to.clone(), what: what.clone(), to: from.clone() },
    };
    if !architecture.links.contains(&link) {
        return Err(Fault::Refused(format!(
            "the descriptor does not connect `{from}` with {what} of `{to}`"
        )));
    }
    match (method, &architecture.component(to).policy.allow) {
        (Some(method), Some(allowed)) if !allowed.contains(method) => {
            Err(Fault::Refused(format!("the policy of `{to}` does not allow {method}")))
        }
        _ => Ok(()),
    }
}

/// So many calls in any second, and no more.
#[derive(Debug)]
pub struct Rate {
    limit: f64,
    /// How many may come at once, and since when it grows.
    room: f64,
    since: Instant,
}

impl Rate {
    /// `limit` calls a second; at the begin as many at once.
    pub fn new(limit: u32, now: Instant) -> Rate {
        Rate { limit: limit.into(), room: limit.into(), since: now }
    }

    /// Takes the room of one call.
    ///
    /// # Errors
    /// There is none.
    pub fn admit(&mut self, now: Instant) -> Result<(), Fault> {
        let grown = now.saturating_duration_since(self.since).as_secs_f64() * self.limit;
        (self.room, self.since) = ((self.room + grown).min(self.limit), now);
        if self.room < 1.0 {
            return Err(Fault::Refused(format!("more than {} calls a second", self.limit)));
        }
        self.room -= 1.0;
        Ok(())
    }
}

/// Until when an invocation may take: what its caller has left, and no longer than the component's policy says.
pub fn deadline(left: Option<Duration>, policy: Option<Duration>, now: Instant) -> Option<Instant> {
    let shortest = match (left, policy) {
        (Some(left), Some(policy)) => Some(left.min(policy)),
        (left, policy) => left.or(policy),
    };
    // A time that no clock reaches is no deadline.
    shortest.and_then(|time| now.checked_add(time))
}

/// Whether the deadline has come.
///
/// # Errors
/// It has.
pub fn in_time(deadline: Option<Instant>, now: Instant, what: &str) -> Result<(), Fault> {
    match deadline {
        Some(deadline) if now >= deadline => Err(Fault::Late(what.into())),
        _ => Ok(()),
    }
}

/// What takes a call back, where something does.
pub fn inverse(
    what: &str,
    method: &str,
    arguments: &[Value],
    outcome: &Outcome,
) -> Option<(String, Vec<Value>)> {
    match (what, method, arguments, outcome) {
        ("Store", "append", [key, _], Ok(id @ Value::Number(_))) => {
            Some(("remove".into(), vec![key.clone(), id.clone()]))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::check::check;
    use crate::container::descriptor::Descriptor;

    fn call(from: &str, to: &str, what: &str, method: Option<&str>) -> Invocation {
        Invocation {
            from: from.into(),
            to: to.into(),
            what: what.into(),
            method: method.map(String::from),
            arguments: Vec::new(),
            left: None,
        }
    }

    #[test]
    fn only_what_is_wired_is_authorised() {
        let architecture = check(Descriptor::read(crate::container::EXAMPLE).unwrap()).unwrap();
        for (from, to, what, method, may) in [
            ("page", "board", "Board", Some("publish"), true),
            ("board", "chat", "Posted", None, true),
            ("page", "store", "Store", Some("append"), false),
            ("chat", "board", "Board", Some("publish"), false),
            ("chat", "board", "Posted", None, false),
            ("board", "chat", "Posted", Some("publish"), false),
            ("nobody", "board", "Board", Some("publish"), false),
        ] {
            let authorised = authorise(&architecture, &call(from, to, what, method));
            assert_eq!(authorised.is_ok(), may, "{from} {to} {what}");
        }
    }

    #[test]
    fn a_policy_may_allow_some_methods_only() {
        let read_only =
            crate::container::EXAMPLE.replacen("rate = 100", "allow = [\"last\"]\n  rate = 100", 1);
        let architecture = check(Descriptor::read(&read_only).unwrap()).unwrap();
        let ask = |method| authorise(&architecture, &call("page", "board", "Board", Some(method)));
        assert_eq!(ask("last"), Ok(()));
        assert_eq!(
            ask("publish"),
            Err(Fault::Refused("the policy of `board` does not allow publish".into()))
        );
        assert_eq!(authorise(&architecture, &call("board", "chat", "Posted", None)), Ok(()));
    }

    #[test]
    fn a_rate_admits_so_many_in_any_second() {
        let begin = Instant::now();
        let at = |milliseconds| begin + Duration::from_millis(milliseconds);
        let mut rate = Rate::new(4, begin);
        let admitted = |rate: &mut Rate, now| (0..10).filter(|_| rate.admit(now).is_ok()).count();
        assert_eq!(admitted(&mut rate, at(0)), 4);
        assert_eq!(admitted(&mut rate, at(250)), 1);
        assert_eq!(admitted(&mut rate, at(750)), 2);
        assert_eq!(admitted(&mut rate, at(10_000)), 4);
    }

    #[test]
    fn the_shorter_deadline_counts() {
        let now = Instant::now();
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(deadline(seconds(1), seconds(2), now), Some(now + Duration::from_secs(1)));
        assert_eq!(deadline(seconds(3), seconds(2), now), Some(now + Duration::from_secs(2)));
        assert_eq!(deadline(None, seconds(2), now), Some(now + Duration::from_secs(2)));
        assert_eq!(deadline(None, None, now), None);
        assert_eq!(deadline(Some(Duration::MAX), None, now), None);
        assert!(in_time(Some(now), now, "x").is_err() && in_time(None, now, "x").is_ok());
    }
}
