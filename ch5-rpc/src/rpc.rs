//! The message board as remote procedures, on tarpc. Row 5.1; notes, chapter 5, *Remote Procedure Calls*.
//!
//! ```text
//!   client                                                       server
//!   caller ─► stub ─► codec ─► kernel ═══ network ═══ kernel ─► codec ─► transport ─► intercept ─► skeleton ─► board
//!     ▲        │                                                                                                │
//!     └────────┴────◄──────────────── the answer goes the same way back ◄───────────────────────────────────────┘
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | `interface` | the procedures with their arguments, results and errors: the IDL |
//! | `text` | how an argument of any bytes is written in each encoding |
//! | `board` | the board as a caller sees it, wherever it is; the skeleton; the board itself |
//! | `stub` | the client's end: connections, deadlines, what an error says, when to call again |
//! | `codec` | frames with a limit, in bincode or JSON, and a request read with care |
//! | `transport`, `flight` | the server's end of a connection, and its calls in flight |
//! | `memory`, `datagrams` | a connection without bytes, and bytes without a connection |
//! | `intercept` | around each procedure: deadline, limits, log, panic |
//! | `refusal` | what the machinery says instead of a result |
//! | `server` | the accept loop, a connection, `board-server` |
//! | `client` | `board-client` |
//! | `stop` | SIGTERM and Ctrl-C, for a runtime |
//!
//! tarpc makes the stub and the skeleton, carries many calls over one connection, sends the time left with each call, and tells the
//! server when a caller no longer waits. What it leaves to its user is here, and each file says what happens without it.

pub mod board;
pub mod client;
pub mod codec;
pub mod datagrams;
pub mod flight;
pub mod intercept;
pub mod interface;
pub mod memory;
pub mod refusal;
pub mod server;
pub mod stop;
pub mod stub;
pub mod text;
pub mod transport;
