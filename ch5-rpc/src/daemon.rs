//! A server of remote objects. Pyro calls it a daemon.
//!
//! | module | what it is |
//! |---|---|
//! | [`registry`] | the objects that a server has, by their ids |
//! | [`pyro_wire`] | the service that calls them in Pyro's wire |
//! | [`both_wires`] | both wires on one port, told apart by the first byte |
//! | [`serve`] | the service as a program, under any model whose handlers share memory |

pub mod both_wires;
pub mod pyro_wire;
pub mod registry;
pub mod serve;
