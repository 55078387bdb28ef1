//! The guess-word game: what it is to one player alone, and players who get in each other's way.

mod players;
mod rules;

pub use players::play;
pub use rules::{Action, Answer, GameState, Operation, Rules};
