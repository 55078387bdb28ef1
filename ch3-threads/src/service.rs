//! What the servers of this chapter do: seven small services, one file each, none of which knows a socket.

pub mod board;
pub mod bytes;
pub mod echo;
pub mod factor;
pub mod heavy;
pub mod hold;
pub mod random;

use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use common::core::work::AnyService;

/// The services, by their names on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// One byte, "service offered", then busy for as long as the client stays
    Hold,
    /// Every byte back
    Echo,
    /// 36 bytes back after a delay
    Heavy,
    /// The prime factors of the numbers sent, a line each
    Factor,
    /// As many bytes as the number sent
    Bytes,
    /// 81 bytes, 16 of them random, to whoever connects
    Random,
    /// The message board over TCP
    Board,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 7] =
        [Kind::Hold, Kind::Echo, Kind::Heavy, Kind::Factor, Kind::Bytes, Kind::Random, Kind::Board];

    /// A fresh service of this kind; `delay` is how long a heavy request takes.
    #[must_use]
    pub fn build(self, delay: Duration) -> Arc<dyn AnyService> {
        match self {
            Kind::Hold => Arc::new(hold::Hold),
            Kind::Echo => Arc::new(echo::Echo),
            Kind::Heavy => Arc::new(heavy::Heavy { delay }),
            Kind::Factor => Arc::new(factor::Factor),
            Kind::Bytes => Arc::new(bytes::Bytes),
            Kind::Random => Arc::new(random::Random),
            Kind::Board => Arc::new(board::BoardService::default()),
        }
    }
}
