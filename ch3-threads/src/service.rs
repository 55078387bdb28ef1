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

/// Which service: its name on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ServiceKind {
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

impl ServiceKind {
    /// All of them.
    pub const ALL: [ServiceKind; 7] = [
        ServiceKind::Hold,
        ServiceKind::Echo,
        ServiceKind::Heavy,
        ServiceKind::Factor,
        ServiceKind::Bytes,
        ServiceKind::Random,
        ServiceKind::Board,
    ];

    /// A fresh service; `delay` is how long a heavy request takes.
    #[must_use]
    pub fn build(self, delay: Duration) -> Arc<dyn AnyService> {
        match self {
            ServiceKind::Hold => Arc::new(hold::Hold),
            ServiceKind::Echo => Arc::new(echo::Echo),
            ServiceKind::Heavy => Arc::new(heavy::Heavy { delay }),
            ServiceKind::Factor => Arc::new(factor::Factor),
            ServiceKind::Bytes => Arc::new(bytes::Bytes),
            ServiceKind::Random => Arc::new(random::Random),
            ServiceKind::Board => Arc::new(board::BoardService::default()),
        }
    }
}
