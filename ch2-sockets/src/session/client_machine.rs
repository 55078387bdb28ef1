//! A client as a state machine: both protocols have one, and both are driven by the same calls.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use super::batch::Batch;
use super::error::ExchangeError;
use super::statistics::Statistics;

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

/// One exchange after the other with one server. The order of the calls is that of [the loop](super#).
pub trait ClientMachine {
    /// Begins an exchange. One that is in work is given up: whether it runs is not known then.
    fn request(&mut self, now: Duration, request: Bytes);

    /// The longest datagram, in bytes, that the path carries in one piece, as the kernel knows it. Blocks of the next message fit it.
    fn handle_path_limit(&mut self, _now: Duration, _longest: usize) {}

    /// Takes in datagrams: each `segment` bytes long but the last, which may be shorter. `now` never goes back; datagrams that
    /// are not from the server are ignored.
    fn handle_datagram(&mut self, now: Duration, from: SocketAddr, segment: usize, bytes: &[u8]);

    /// Fills `batch` with datagrams to send now; `false` if there are none. Call until then.
    fn poll_transmit(&mut self, now: Duration, batch: &mut Batch) -> bool;

    /// The response, once, or why there is none. Without a response in the protocol an empty one says that the request is delivered.
    fn poll_response(&mut self) -> Option<Result<Vec<u8>, ExchangeError>>;

    /// When to call [`ClientMachine::handle_timeout`], if nothing comes before. Ask when [`ClientMachine::poll_transmit`] has
    /// said `false`.
    fn deadline(&self) -> Option<Duration>;

    /// The time has come, or some other time: then nothing happens.
    fn handle_timeout(&mut self, now: Duration);

    /// How far the exchange is.
    fn progress(&self) -> Progress;

    /// What was counted.
    fn statistics(&self) -> Statistics;
}
