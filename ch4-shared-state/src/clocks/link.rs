//! Askers and answerers joined by the lossy link: in virtual time for tests, and over UDP sockets.

mod pair;
mod udp;
mod virtual_time;

pub use pair::{Link, Pair};
pub use udp::UdpLink;
pub use virtual_time::VirtualLink;
