//! The program of chapter 3: `cargo ch3 --help`.

fn main() {}
