//! Players of the guess-word game: they load a server with the game, and check that it is the game. Notes, chapter 4: *shared state*.
//!
//! ```text
//!   player ── S:; D:name; ──► server      S first: it need not space what it sends to who can tell frames apart
//!      ┌──── guess, or propose ─────►
//!      │ ◄── notices … notice, answer    each compared with what the others hear, and applied to the rules
//!      └──── at once, after --think, or when --rate says so
//! ```
//!
//! | file | what it is |
//! |---|---|
//! | [`plan`] | what is to be played |
//! | [`player`] [`seat`] | one of them: its connection, its requests; its name |
//! | [`words`] | what it proposes and guesses |
//! | [`referee`] | the one order of all notices, the rules, and what an answer must be |
//! | [`violation`] | what can be wrong |
//! | [`game`] | all of them as one workload |
//! | [`outcome`] | the figures |

pub mod game;
pub mod outcome;
pub mod plan;
pub mod player;
pub mod referee;
pub mod seat;
pub mod violation;
pub mod words;
