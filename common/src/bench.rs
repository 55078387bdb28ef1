//! What the benches of all chapters need, by the rules they share: everybody in one run, in rounds of random order, compared with the
//! others of the same round, and watched for what other programs take of the machine.
//!
//! ```text
//!   arguments    how often, how long, which seed, which files
//!   machine      a processor for servers and one for clients; what others took of them
//!   undisturbed  one measurement, repeated when others took too much
//!   rounds       everybody once per round ──► rows of samples ──► ratios
//!   goal         a ratio that was to be reached
//!   table        for a terminal and as Markdown
//! ```

pub mod arguments;
pub mod goal;
pub mod machine;
pub mod rounds;
pub mod table;
pub mod undisturbed;

pub use crate::support::statistics::Spread;
