//! As much of HTTP/1.1 as our servers and downloads need, sans-I/O: neither socket nor clock nor thread (RFC 9110, RFC 9112).
//!
//! ```text
//!   client ── GET /file-1.bin HTTP/1.1 ──────►  server          head: lines, ended by an empty one
//!             Host: 127.0.0.1:8080
//!
//!          ◄─ HTTP/1.1 200 OK ────────────────
//!             Content-Length: 2000000                            body: so many bytes
//!
//!             …
//!
//!   get ──► RequestHead ──► ResponseHead ──► Exchange            who writes and reads which
//! ```
//!
//! Why not a library for the client: a blocking one and an asynchronous one would be two programs, and a comparison of
//! them a comparison of libraries. Here both drive the same [`Exchange`], and differ in how they wait, and in nothing
//! else. The heads are parsed by `httparse`. Not here: TLS, redirections, compression, ranges.

mod authority;
mod body;
mod exchange;
mod fields;
mod keep;
mod percent;
mod request;
mod response;
mod url;

pub use body::{Body, Malformed};
pub use exchange::{Exchange, Fault, Progress, get};
pub use fields::{FIELD_LIMIT, Fields, HEAD_LIMIT};
pub use keep::Keep;
pub use request::{Accepts, Rejection, RequestHead, Version};
pub use response::{ResponseHead, Status};
pub use url::{Url, UrlError};
