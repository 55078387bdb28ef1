//! What becomes of a connection after the answer (RFC 9112 section 9.3).

/// Whether the connection stays open, and what the field `Connection` says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// It stays open for the next request: what HTTP/1.1 does when nothing is said.
    Open,
    /// It stays open, and `Connection: keep-alive` says so: without it, HTTP/1.0 closes.
    OpenSaid,
    /// The server closes it, and `Connection: close` says so (RFC 9112 section 9.6).
    Close,
}

impl Keep {
    /// The element of the field `Connection`.
    pub(super) fn option(self) -> Option<&'static str> {
        match self {
            Keep::Open => None,
            Keep::OpenSaid => Some("keep-alive"),
            Keep::Close => Some("close"),
        }
    }
}
