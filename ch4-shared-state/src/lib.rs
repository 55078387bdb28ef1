//! Chapter 4: notification boards, the guess-word game, shared state under concurrency.
//!
//! A module per command; `ch4-shared-state/README.md` is the chapter.

pub mod board_client;
pub mod board_server;
pub mod child_server;
pub mod connect;
pub mod connections;
pub mod download;
pub mod files_server;
pub mod game;
pub mod guessword_client;
pub mod guessword_server;
pub mod http;
pub mod locks;
pub mod notification;
pub mod patient;
pub mod simulate;
pub mod size;
pub mod spacing;
pub mod verify;
pub mod whiteboard;
