//! What a comparison found, as a table for the terminal, as JSON and as one HTML file that needs no network.

mod data;

pub use data::*;
