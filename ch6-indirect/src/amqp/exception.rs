//! How a broker says no. Specification 0-9-1, section 1.2 (the reply codes), and RabbitMQ's documented use of them.
//!
//! A *soft* error closes the channel, a *hard* error closes the connection. The reply text is `NAME - what was wrong`, as RabbitMQ
//! writes it, because programs and people search for it.

/// An error that ends a channel or a connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} {text}", *code as u16)]
pub struct Exception {
    /// What kind of error it is; this decides what is closed.
    pub code: ReplyCode,
    /// `NAME - what was wrong`; at most 255 bytes are sent.
    pub text: String,
    /// The class and the method that caused it, 0 and 0 where none did. The server fills it in where the broker leaves zeros.
    pub method: (u16, u16),
}

macro_rules! reply_codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal $name:literal $hard:literal),* $(,)?) => {
        /// The reply codes that are sent.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u16)]
        pub enum ReplyCode { $($(#[$doc])* $variant = $code),* }

        impl ReplyCode {
            /// The name in the specification.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(ReplyCode::$variant => $name),* }
            }

            /// Whether it closes the connection, and not only the channel.
            #[must_use]
            pub fn is_hard(self) -> bool {
                match self { $(ReplyCode::$variant => $hard),* }
            }
        }
    };
}

reply_codes! {
    /// A body is larger than the broker takes.
    ContentTooLarge = 311 "CONTENT_TOO_LARGE" false,
    /// A mandatory message reached no queue (`basic.return` only: nothing is closed).
    NoRoute = 312 "NO_ROUTE" false,
    /// An operator closed the connection.
    ConnectionForced = 320 "CONNECTION_FORCED" true,
    /// There is no such virtual host (RabbitMQ 4 and 3.10 send 530 for it).
    InvalidPath = 402 "INVALID_PATH" true,
    /// Not allowed for this user, or for nobody. RabbitMQ sends it on the connection for a bad login: see `Exception::login`.
    AccessRefused = 403 "ACCESS_REFUSED" false,
    /// There is no such exchange, queue or binding.
    NotFound = 404 "NOT_FOUND" false,
    /// Exclusive to another connection or consumer.
    ResourceLocked = 405 "RESOURCE_LOCKED" false,
    /// A condition of the method is not met.
    PreconditionFailed = 406 "PRECONDITION_FAILED" false,
    /// A frame that cannot be read.
    FrameError = 501 "FRAME_ERROR" true,
    /// A method that cannot be read.
    SyntaxError = 502 "SYNTAX_ERROR" true,
    /// A command that is not valid here.
    CommandInvalid = 503 "COMMAND_INVALID" true,
    /// A channel that is not open.
    ChannelError = 504 "CHANNEL_ERROR" true,
    /// A frame that is not expected here.
    UnexpectedFrame = 505 "UNEXPECTED_FRAME" true,
    /// The broker has no room for more of this.
    ResourceError = 506 "RESOURCE_ERROR" true,
    /// Not allowed, by what was agreed or by the settings.
    NotAllowed = 530 "NOT_ALLOWED" true,
    /// A part of the specification that is not there.
    NotImplemented = 540 "NOT_IMPLEMENTED" true,
    /// A fault of the broker.
    InternalError = 541 "INTERNAL_ERROR" true,
}

impl Exception {
    /// An exception with the text `NAME - why`.
    #[must_use]
    pub fn new(code: ReplyCode, why: impl std::fmt::Display) -> Exception {
        Exception { code, text: format!("{} - {why}", code.name()), method: (0, 0) }
    }

    /// Whether it closes the connection, and not only the channel.
    #[must_use]
    pub fn is_hard(&self) -> bool {
        self.code.is_hard()
    }
}
