//! What a comparison found, as a table for the terminal, as JSON and as one HTML file that needs no network.
//!
//! ```text
//! Comparison ──┬── section ── ranking            rows of one scenario, and who is ahead of whom
//!              │      │        └── workload       what its clients come for, and so what is compared
//!              │      │
//!              │      ├── columns ── table       aligned text for the terminal
//!              │      │         └── figures      the same columns in the page
//!              │      ├── bars  curves           one figure of all models, all figures of one
//!              │      ├── timeline  crowd        every client beside the server's lanes
//!              │      └── words                  the figures as sentences
//!              ├── json                          a list of rows
//!              └── html ── summary               one file: text, style and pictures
//! ```

mod bars;
mod columns;
mod crowd;
mod curves;
mod data;
mod figures;
mod html;
mod json;
mod lanes;
mod legend;
mod number;
mod ranking;
mod section;
mod summary;
pub mod svg;
mod table;
mod timeline;
mod words;
mod workload;

pub use data::*;
pub use html::{STYLE, html, page, write};
pub use json::{json, write_json};
pub use number::micros;
pub use ranking::ranks;
pub use section::warning;
pub use table::table;
