//! What may stand between a conversation and its socket: TLS, say. Sans-I/O, as both of its neighbours.
//!
//! ```text
//!   socket ──► receive ──► plain bytes ──► Conversation ──► plain bytes ──► seal ──► socket
//!                 └──────── the layer's own words (a handshake, an alert) ────────────▲
//! ```
//!
//! No model and no service knows of it. Its own memory is not charged to the server's budget: a layer has to bound it.

use std::io;

/// A layer below one conversation.
pub trait Layer: Send {
    /// Takes bytes that the client has sent, and appends what they carry to `plain`.
    ///
    /// # Errors
    /// They break the layer's protocol. What it has to say about that is in the next [`poll_transmit`](Layer::poll_transmit);
    /// then the connection ends.
    fn handle_bytes(&mut self, bytes: &[u8], plain: &mut Vec<u8>) -> io::Result<()>;

    /// Whether the client has said that it sends no more. The end of the socket alone is no such word: anybody on the way could have
    /// cut it.
    fn has_ended(&self) -> bool;

    /// Takes some of `plain` to be sent; says how many bytes. None before the handshake is over.
    ///
    /// # Errors
    /// The layer is broken.
    fn seal(&mut self, plain: &[u8]) -> io::Result<usize>;

    /// From now on nothing more is sealed: the layer tells the client so.
    fn close(&mut self);

    /// Appends what is to go to the socket.
    ///
    /// # Errors
    /// The layer is broken.
    fn poll_transmit(&mut self, sealed: &mut Vec<u8>) -> io::Result<()>;
}

/// While fewer sealed bytes wait for the socket, more are sealed.
const SEALED_AHEAD: usize = 16 * 1024;

/// A layer with what it has opened and sealed.
pub(super) struct Layered {
    layer: Box<dyn Layer>,
    plain: Vec<u8>,
    sealed: Vec<u8>,
    sent: usize,
    is_closed: bool,
}

impl Layered {
    pub fn new(layer: Box<dyn Layer>) -> Layered {
        Layered { layer, plain: Vec::new(), sealed: Vec::new(), sent: 0, is_closed: false }
    }

    /// What these bytes carry; to be given back with [`recycle`](Layered::recycle).
    pub fn open(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut plain = std::mem::take(&mut self.plain);
        self.layer.handle_bytes(bytes, &mut plain).map(|()| plain)
    }

    pub fn recycle(&mut self, mut plain: Vec<u8>) {
        plain.clear();
        self.plain = plain;
    }

    pub fn has_ended(&self) -> bool {
        self.layer.has_ended()
    }

    /// What is to go to the socket next.
    pub fn bytes(&self) -> &[u8] {
        &self.sealed[self.sent..]
    }

    /// Whether more may be sealed before some has gone.
    pub fn has_room(&self) -> bool {
        self.sealed.len() - self.sent < SEALED_AHEAD && !self.is_closed
    }

    /// Seals some of `plain`; says how many bytes.
    pub fn seal(&mut self, plain: &[u8]) -> io::Result<usize> {
        let count = if plain.is_empty() { 0 } else { self.layer.seal(plain)? };
        self.layer.poll_transmit(&mut self.sealed)?;
        Ok(count)
    }

    /// Says that nothing more is sent. Whether there is something to send because of it.
    pub fn close(&mut self) -> bool {
        if !self.is_closed {
            self.is_closed = true;
            self.layer.close();
            let _ = self.layer.poll_transmit(&mut self.sealed); // a broken layer has no last words
        }
        !self.bytes().is_empty()
    }

    /// `count` bytes have gone to the socket.
    pub fn advance(&mut self, count: usize) {
        self.sent += count;
        if self.sent == self.sealed.len() {
            self.sealed.clear();
            self.sent = 0;
        }
    }
}
