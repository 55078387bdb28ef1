//! The guess-word game. Notes, chapter 4: *shared state*.
//!
//! | module | what it is |
//! |---|---|
//! | [`wire`] | the bytes |
//! | [`game`] | the structure that alone decides |
//! | [`service`] | the game as a service of the core |
//! | [`server`], [`client`] | the programs |

pub mod client;
pub mod game;
pub mod server;
pub mod service;
pub mod wire;
