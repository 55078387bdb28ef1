//! The whiteboard as its users meet it: the real binary, raw WebSocket clients, and two pages in a headless browser.

mod browser;
mod collisions;
mod in_the_browser;
mod limits;
mod models;
mod server;
mod troubles;
mod user;
