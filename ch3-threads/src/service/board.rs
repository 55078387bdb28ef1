//! `board`: the message board over TCP, from chapter 2, unchanged.
//!
//! The one service of this chapter whose clients meet in memory: under a model that copies its memory, what one client
//! publishes another may never find.

pub use common::board::BoardService;
