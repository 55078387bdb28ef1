//! As much of HTTP/1.1 as it takes to fetch a file, sans-I/O: neither socket nor clock nor thread (RFC 9110, RFC 9112).
//!
//! ```text
//!   client ── GET /file-1.bin HTTP/1.1 ──────►  server          head: lines, ended by an empty one
//!             Host: 127.0.0.1:8080
//!
//!          ◄─ HTTP/1.1 200 OK ────────────────
//!             Content-Length: 2000000                            body: so many bytes
//!
//!             …
//! ```
//!
//! Why not a library for the client: a blocking one and an asynchronous one would be two programs, and a comparison of
//! them a comparison of libraries. Here both drive the same [`Exchange`], and differ in how they wait, and in nothing
//! else. The heads are parsed by `httparse`. Not here: TLS, redirections, compression, ranges, requests with a body.

mod body;
mod exchange;
mod url;

pub use body::{Body, Malformed};
pub use exchange::{Exchange, Fault, Keep, Progress, get};
pub use url::{Url, UrlError};

/// The longest head that is taken from a peer, bytes. RFC 9112 section 3 asks for 8000 for the first line alone.
pub const HEAD_LIMIT: usize = 16 * 1024;

/// Most fields in a head.
pub const FIELD_LIMIT: usize = 64;
