//! What the machinery around the procedures says instead of an answer: the codec, the interceptor, the stop.
//!
//! It does not know which method was called, and so cannot make a result of the interface. tarpc has a place for it, `ServerError` with
//! a `kind` and a `detail`. The kind is useless: bincode writes it as a signed number and reads it as an unsigned one, so that
//! `PermissionDenied` arrives as `ConnectionRefused`. The detail arrives as it was, so the case stands there, as its first word:
//!
//! ```text
//!   kind: Other    detail: "busy: 256 calls of this client are in flight, which is the limit"
//!                           └─ the case                └─ for people
//! ```

use std::io::ErrorKind;

use tarpc::ServerError;
use thiserror::Error;

/// Why a call has no result.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The procedure has not been called, and will not be.
    #[error(transparent)]
    NotBegun(#[from] NotBegun),
    /// The procedure has run; its answer is longer than a frame may be.
    #[error("the answer is longer than the {0} bytes of a frame or datagram")]
    AnswerTooLong(u64),
    /// The procedure has run; answers that other clients do not read take all the memory that there is for them.
    #[error("it was executed, but the server has no room for an answer of this length at the moment")]
    NoRoomForAnswer,
    /// The procedure has been called and did not come to its end.
    #[error("the procedure has failed on the way: {0}")]
    Crashed(String),
}

/// Why a procedure was certainly not called: a call that may be repeated whatever it does.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotBegun {
    /// The deadline had passed when the call came to the procedure.
    #[error("the deadline had passed before the call was begun")]
    DeadlinePassed,
    /// The deadline is further away than any server holds a call.
    #[error("the deadline is more than a day away")]
    DeadlineTooFar,
    /// Too many calls of this client are in flight.
    #[error("{0} calls of this client are in flight, which is the limit")]
    Busy(u64),
    /// Too many connections come from this address.
    #[error("{0} connections come from this address, which is the limit")]
    TooManyConnections(u64),
    /// The server stops.
    #[error("the server is stopping")]
    Stopping,
    /// The request is longer than a frame may be.
    #[error("the request is longer than the {0} bytes of a frame or datagram")]
    RequestTooLong(u64),
    /// Unfinished requests and unread answers take all the memory that there is for them.
    #[error("the server has no room for a request of this length at the moment")]
    NoRoom,
    /// The request cannot be read: another interface, another version.
    #[error("the request cannot be read: {0}")]
    Unreadable(String),
    /// Over UDP: no server has answered before there was something to send.
    #[error("{0}")]
    NotSent(String),
    /// Something else answers there.
    #[error("{0}")]
    OtherServer(String),
    /// A front has not brought the call to the board behind it.
    #[error("{0}")]
    Behind(String),
}

impl NotBegun {
    /// Whether the same call may succeed a little later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(
            self,
            NotBegun::Busy(_)
                | NotBegun::TooManyConnections(_)
                | NotBegun::Stopping
                | NotBegun::NoRoom
                | NotBegun::Behind(_)
        )
    }
}

impl From<&Refusal> for ServerError {
    fn from(refusal: &Refusal) -> ServerError {
        let (word, rest) = match refusal {
            Refusal::AnswerTooLong(limit) => ("answer-too-long", limit.to_string()),
            Refusal::NoRoomForAnswer => ("no-room-for-answer", refusal.to_string()),
            Refusal::Crashed(why) => ("crashed", why.clone()),
            Refusal::NotBegun(why) => match why {
                NotBegun::DeadlinePassed => ("deadline-passed", why.to_string()),
                NotBegun::DeadlineTooFar => ("deadline-too-far", why.to_string()),
                NotBegun::Busy(limit) => ("busy", limit.to_string()),
                NotBegun::TooManyConnections(limit) => ("too-many-connections", limit.to_string()),
                NotBegun::Stopping => ("stopping", why.to_string()),
                NotBegun::RequestTooLong(limit) => ("request-too-long", limit.to_string()),
                NotBegun::NoRoom => ("no-room", why.to_string()),
                NotBegun::Unreadable(what) => ("unreadable", what.clone()),
                NotBegun::NotSent(why) => ("not-sent", why.clone()),
                NotBegun::OtherServer(what) => ("other-server", what.clone()),
                NotBegun::Behind(what) => ("behind", what.clone()),
            },
        };
        ServerError::new(ErrorKind::Other, format!("{word}: {rest}"))
    }
}

impl From<&ServerError> for Refusal {
    /// A case that we do not know, of a server that is not ours, is one that tells nothing about what has happened.
    fn from(error: &ServerError) -> Refusal {
        let (word, rest) = error.detail.split_once(": ").unwrap_or((&error.detail, ""));
        let limit = || rest.parse().unwrap_or(0);
        Refusal::NotBegun(match word {
            "answer-too-long" => return Refusal::AnswerTooLong(limit()),
            "no-room-for-answer" => return Refusal::NoRoomForAnswer,
            "crashed" => return Refusal::Crashed(rest.to_owned()),
            "deadline-passed" => NotBegun::DeadlinePassed,
            "deadline-too-far" => NotBegun::DeadlineTooFar,
            "busy" => NotBegun::Busy(limit()),
            "too-many-connections" => NotBegun::TooManyConnections(limit()),
            "stopping" => NotBegun::Stopping,
            "request-too-long" => NotBegun::RequestTooLong(limit()),
            "no-room" => NotBegun::NoRoom,
            "unreadable" => NotBegun::Unreadable(rest.to_owned()),
            "not-sent" => NotBegun::NotSent(rest.to_owned()),
            "other-server" => NotBegun::OtherServer(rest.to_owned()),
            "behind" => NotBegun::Behind(rest.to_owned()),
            _ => return Refusal::Crashed(error.detail.clone()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bincode::Options;

    /// All of them; a new one is added here, or `From<&ServerError>` forgets it unseen.
    fn all() -> Vec<Refusal> {
        let not_begun = [
            NotBegun::DeadlinePassed,
            NotBegun::DeadlineTooFar,
            NotBegun::Busy(256),
            NotBegun::TooManyConnections(7),
            NotBegun::Stopping,
            NotBegun::RequestTooLong(8 << 20),
            NotBegun::NoRoom,
            NotBegun::Unreadable("no such: method".into()),
            NotBegun::NotSent("nobody".into()),
            NotBegun::OtherServer("a teapot".into()),
            NotBegun::Behind("gone".into()),
        ];
        let begun =
            [Refusal::AnswerTooLong(9), Refusal::NoRoomForAnswer, Refusal::Crashed("it: panicked".into())];
        begun.into_iter().chain(not_begun.map(Refusal::from)).collect()
    }

    #[test]
    fn every_case_comes_back_through_bincode_and_json() {
        let options = bincode::DefaultOptions::new();
        for refusal in all() {
            let sent = ServerError::from(&refusal);
            let bytes = options.serialize(&sent).unwrap();
            let received: ServerError = options.deserialize(&bytes).unwrap();
            assert_eq!(Refusal::from(&received), refusal);
            let received: ServerError = serde_json::from_str(&serde_json::to_string(&sent).unwrap()).unwrap();
            assert_eq!(Refusal::from(&received), refusal);
        }
    }

    /// The trap: this is why no case is told by the kind. If a later tarpc repairs it, this test says so.
    #[test]
    fn the_kind_of_bare_tarpc_arrives_as_another() {
        let options = bincode::DefaultOptions::new();
        let bytes = options.serialize(&ServerError::new(ErrorKind::PermissionDenied, String::new())).unwrap();
        let received: ServerError = options.deserialize(&bytes).unwrap();
        assert_eq!(received.kind, ErrorKind::ConnectionRefused);
    }

    #[test]
    fn an_unknown_case_tells_nothing_about_what_has_happened() {
        let foreign = ServerError::new(ErrorKind::Other, "server throttled the request.".into());
        assert!(matches!(Refusal::from(&foreign), Refusal::Crashed(_)));
    }
}
