//! The choices of one side of a session.

use std::time::Duration;

use super::batch::BATCH_BYTES;
use super::congestion::Congestion;
use super::datagram::{DATA_HEADER, MIN_BLOCK};

/// Bytes of the shortest full datagram.
pub const SHORTEST: usize = DATA_HEADER + MIN_BLOCK as usize;

/// Choices of one side.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// Bytes of a datagram with its header, 288 to 65 000; less where the path carries less. A server follows its client.
    pub datagram: usize,
    /// Never more blocks in flight than so many: 1 is stop-and-wait. `None`: congestion control alone decides.
    pub window: Option<usize>,
    /// The rule of congestion control.
    pub congestion: Congestion,
    /// Bytes beyond the first gap that this side takes: not more than the socket's receive buffer, or the kernel drops them.
    pub receive_window: usize,
    /// A client gives up when no datagram has come for so long.
    pub give_up: Duration,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            datagram: 1400,
            window: None,
            congestion: Congestion::default(),
            receive_window: 1 << 20,
            give_up: Duration::from_secs(10),
        }
    }
}

impl Config {
    /// Bytes of payload in a full datagram.
    pub fn block_size(&self) -> u16 {
        let size = self.datagram.clamp(SHORTEST, BATCH_BYTES) - DATA_HEADER;
        u16::try_from(size).expect("a batch is shorter than 64 KiB")
    }
}
