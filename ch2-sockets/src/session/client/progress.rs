//! How far an exchange is: what a progress bar shows.

/// How far an exchange is, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Of the request, acknowledged.
    pub sent: usize,
    /// The request.
    pub to_send: usize,
    /// Of the response, here.
    pub received: usize,
    /// The response, once it has begun.
    pub to_receive: Option<usize>,
}
