//! The whiteboard as its users meet it: the real binary, raw WebSocket clients, and two pages in a headless browser.

mod browser;
mod collisions;
mod everybodys_page;
mod in_the_browser;
mod limits;
mod lost_collisions;
mod models;
mod troubles;
mod user;

use crate::support::Server;

/// `cargo ch4 whiteboard` on any free port, with these further arguments.
fn serve(arguments: &[&str]) -> Server {
    Server::start(&[&["whiteboard"], arguments].concat())
}

/// A fresh one, which knows nothing, at the same address.
fn serve_anew(server: Server) -> Server {
    let port = server.address.port();
    assert!(server.stop().success());
    Server::start_at(port, &["whiteboard"])
}
