//! What a relay is told to do.

use std::net::SocketAddr;
use std::time::Duration;

use super::profile::Profile;
use super::recording::{LabelDecoder, no_label};

/// What a relay does.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where clients reach it; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// The server.
    pub to: SocketAddr,
    /// Whether datagrams are relayed.
    pub udp: bool,
    /// Whether connections are.
    pub tcp: bool,
    /// What goes wrong.
    pub profile: Profile,
    /// When it does.
    pub seed: u64,
    /// A client that sent and received no datagram for so long is forgotten.
    pub idle: Duration,
    /// What reads the labels of the events.
    pub label: LabelDecoder,
}

impl Settings {
    /// Both carriers, from a port that the system chooses on 127.0.0.1, and clients forgotten after a minute.
    #[must_use]
    pub fn new(to: SocketAddr, profile: Profile, seed: u64) -> Settings {
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        Settings {
            listen,
            to,
            udp: true,
            tcp: true,
            profile,
            seed,
            idle: Duration::from_secs(60),
            label: no_label,
        }
    }
}
