//! The datagrams, as text: what is asked, and what is answered.
//!
//! ```text
//!   time? 7 100                 request 7, sent when the asker's clock showed 100
//!   time! 7 100 5250 5300       came at 5250 and left at 5300 by the answerer's clock
//!   set? 8 -5150                set your clock by so much
//!   set! 8                      done
//! ```
//!
//! The answer brings t1 along. So the asker keeps nothing for a request, and an answer that is late is still right, only worse.

use super::clock::Nanos;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// What does your clock show?
    Time { number: u64, t1: Nanos },
    /// Set your clock.
    Set { number: u64, by: Nanos },
}

/// What is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Response {
    /// Three of the four readings.
    Time { number: u64, t1: Nanos, t2: Nanos, t3: Nanos },
    /// It is set.
    Set { number: u64 },
}

impl Request {
    /// The datagram.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Request::Time { number, t1 } => format!("time? {number} {t1}"),
            Request::Set { number, by } => format!("set? {number} {by}"),
        }
        .into_bytes()
    }

    /// Reads one. An answer is no request: two answerers must not talk to each other.
    #[must_use]
    pub fn parse(datagram: &[u8]) -> Option<Request> {
        let (kind, fields) = fields(datagram)?;
        match (kind, &fields[..]) {
            ("time?", &[number, t1]) => Some(Request::Time { number: number.try_into().ok()?, t1 }),
            ("set?", &[number, by]) => Some(Request::Set { number: number.try_into().ok()?, by }),
            _ => None,
        }
    }
}

impl Response {
    /// The datagram.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Response::Time { number, t1, t2, t3 } => format!("time! {number} {t1} {t2} {t3}"),
            Response::Set { number } => format!("set! {number}"),
        }
        .into_bytes()
    }

    /// Reads one.
    #[must_use]
    pub fn parse(datagram: &[u8]) -> Option<Response> {
        let (kind, fields) = fields(datagram)?;
        match (kind, &fields[..]) {
            ("time!", &[number, t1, t2, t3]) => {
                Some(Response::Time { number: number.try_into().ok()?, t1, t2, t3 })
            }
            ("set!", &[number]) => Some(Response::Set { number: number.try_into().ok()? }),
            _ => None,
        }
    }
}

fn fields(datagram: &[u8]) -> Option<(&str, Vec<Nanos>)> {
    let mut words = str::from_utf8(datagram).ok()?.split(' ');
    let kind = words.next()?;
    let fields = words.take(5).map(|word| word.parse().ok()).collect::<Option<_>>()?;
    Some((kind, fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        for request in [Request::Time { number: 7, t1: -100 }, Request::Set { number: 8, by: -5 }] {
            assert_eq!(Request::parse(&request.encode()), Some(request));
            assert_eq!(Response::parse(&request.encode()), None);
        }
        for response in [Response::Time { number: 7, t1: -100, t2: 1, t3: 2 }, Response::Set { number: 8 }] {
            assert_eq!(Response::parse(&response.encode()), Some(response));
            assert_eq!(Request::parse(&response.encode()), None);
        }
        for senseless in
            ["", "time?", "time? 1", "time? 1 2 3", "time? x 2", "time? -1 2", "set? 1 \n2", "\u{e9}"]
        {
            assert_eq!(Request::parse(senseless.as_bytes()), None, "{senseless:?}");
        }
    }
}
