//! All that can keep a call from its result, and what the caller knows then.
//!
//! | error | was it executed? |
//! |---|---|
//! | no server, nothing sent | no |
//! | a status of HTTP other than 200 | no: it has come to no method |
//! | a fault | it was called, and says no |
//! | an end or the end of the time before the answer, an answer that is none | **unknown** |

use std::io;
use std::time::Duration;

use common::protocol::http::Fault as HttpFault;
use common::support::cli::human;

use crate::procedures::fault::Fault;

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The name of the host has no address.
    #[error("cannot find the host {0}: {1}")]
    NoHost(String, io::Error),
    /// No connection.
    #[error("no server at {0}: {1}")]
    NoServer(String, io::Error),
    /// The server has not understood as far as the method.
    #[error("the server refuses the request: {0}")]
    Refused(String),
    /// The method, or the server before it.
    #[error("{0}")]
    Fault(Fault),
    /// No answer, or not all of it.
    #[error("the call has not ended within {}; whether the method was executed is not known", human(*.0))]
    Late(Duration),
    /// The connection has ended.
    #[error("the connection ended before the answer ({0}); whether the method was executed is not known")]
    Broken(String),
    /// More than is taken.
    #[error("the answer is longer than {0} bytes (--limit); the method was executed")]
    TooLong(u64),
    /// Anything but an answer.
    #[error("the answer is not {wire}: {why}")]
    NotAnAnswer {
        /// XML-RPC or JSON-RPC.
        wire: &'static str,
        /// What it is instead.
        why: String,
    },
    /// Ctrl-C.
    #[error("interrupted; whether the method was executed is not known")]
    Interrupted,
}

impl Error {
    /// What an answer that is no whole answer of HTTP means.
    pub fn of_http(fault: HttpFault) -> Error {
        match fault {
            HttpFault::Status(status) => Error::Refused(status),
            HttpFault::TooLarge(limit) => Error::TooLong(limit),
            HttpFault::Cut(..) | HttpFault::CutAnywhere(_) => {
                Error::Broken("closed by the server".to_owned())
            }
            other => Error::NotAnAnswer { wire: "HTTP", why: other.to_string() },
        }
    }
}
