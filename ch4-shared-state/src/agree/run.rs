//! All nodes together. Each ordered pair of nodes has a link of its own, with faults of its own.

mod udp;
mod virtual_time;

pub use udp::over_udp;
pub use virtual_time::in_virtual_time;
