//! Who asks, and what is answered.

use common::protocol::http::Status;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::messages::Messages;
use crate::amqp::exception::{Exception, ReplyCode};
use crate::watch::{User, Watched};

/// The user that asks, and the broker.
pub struct Asker<'a> {
    /// The broker.
    pub broker: &'a dyn Watched,
    /// Who asks.
    pub user: &'a User,
}

/// What is answered.
pub struct Reply {
    /// How it went.
    pub status: Status,
    /// What is told.
    pub content: Content,
}

/// The content of an answer.
pub enum Content {
    /// Nothing.
    None,
    /// A value.
    Json(Value),
    /// The page.
    Page(&'static str),
    /// Messages, which may be long.
    Stream(Messages),
}

/// Why something could not be done.
#[derive(Debug)]
pub enum Failure {
    /// There is no such thing.
    NotFound,
    /// The user may not.
    Refused(String),
    /// What was asked makes no sense.
    Bad(String),
}

impl From<String> for Failure {
    fn from(why: String) -> Failure {
        Failure::Bad(why)
    }
}

impl From<Exception> for Failure {
    fn from(exception: Exception) -> Failure {
        match exception.code {
            ReplyCode::NotFound => Failure::NotFound,
            ReplyCode::AccessRefused => Failure::Refused(exception.text),
            _ => Failure::Bad(exception.text),
        }
    }
}

impl From<Failure> for Reply {
    fn from(failure: Failure) -> Reply {
        let (status, error, reason) = match failure {
            Failure::NotFound => (Status::NotFound, "Object Not Found", "Not Found".into()),
            Failure::Refused(why) => (Status::Unauthorized, "not_authorised", why),
            Failure::Bad(why) => (Status::BadRequest, "bad_request", why),
        };
        Reply { status, content: Content::Json(json!({"error": error, "reason": reason})) }
    }
}

impl Reply {
    /// A value.
    #[must_use]
    pub fn json(value: Value) -> Reply {
        Reply { status: Status::Ok, content: Content::Json(value) }
    }

    /// It has been made.
    #[must_use]
    pub fn created() -> Reply {
        Reply { status: Status::Created, content: Content::None }
    }

    /// It is done.
    #[must_use]
    pub fn done() -> Reply {
        Reply { status: Status::NoContent, content: Content::None }
    }
}

/// What `name` is in the path of an exchange: the default one has no name, and a path cannot say that.
#[must_use]
pub fn exchange_name(name: &str) -> &str {
    if name == "amq.default" { "" } else { name }
}

/// Reads the content of a request: an object. (Serde takes an array for one, too.)
///
/// # Errors
/// It is none, or not what it has to be.
pub fn read<T: DeserializeOwned>(content: &[u8]) -> Result<T, Failure> {
    if content.trim_ascii().first() != Some(&b'{') {
        return Err(Failure::Bad("the content has to be an object of JSON".into()));
    }
    serde_json::from_slice(content)
        .map_err(|error| Failure::Bad(format!("the content is not what it has to be: {error}")))
}
