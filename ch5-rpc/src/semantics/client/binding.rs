//! What the server has bound a client to.

/// The id of this client, and the memory of calls in which it is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Binding {
    pub incarnation: u64,
    pub client: u64,
    pub slots: u64,
}
