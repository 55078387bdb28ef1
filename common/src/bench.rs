//! What the benches of all chapters need, by the rules they share: everybody in one run, in rounds of random order, compared with the
//! others of the same round, and watched for what other programs take of the machine.
//!
//! ```text
//!   arguments    how often, how long, which seed, which files
//!   machine      a processor for servers and one for clients; what others took of them
//!   peers        programs of others that take part
//!   undisturbed  one measurement, repeated when others took too much
//!   rounds       every contestant once per round ──► rows of samples ──► ratios
//!   results      rows in tables
//!   goal         a ratio that was to be reached
//!   table        cells in columns, for a terminal and as Markdown
//!   layout       results and goals as such tables
//!   session      all of it, from the first line to the files
//! ```
//!
//! A bench names its contestants, its loads and its goals, and how one sample is taken.

pub mod arguments;
pub mod goal;
pub mod layout;
pub mod machine;
pub mod peers;
pub mod results;
pub mod rounds;
pub mod session;
pub mod table;
pub mod undisturbed;

pub use crate::support::statistics::Spread;
