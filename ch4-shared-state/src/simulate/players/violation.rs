//! What a server of the game has done that it must not do, in a sentence.

use super::seat::Seat;

/// One of them. A round is counted from 1, by its proposal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Check-then-act, for example.
    #[error("round {round}: {letter} scored for {first} and then for {second}, and a letter scores once")]
    ScoredTwice { round: u32, letter: char, first: Seat, second: Seat },
    /// It is not in the word, or there is none.
    #[error("round {round}: {letter} scored for {seat}, and it is not in the word")]
    NotInWord { round: u32, letter: char, seat: Seat },
    /// The letter was open from before the guess until after its answer.
    #[error("round {round}: {seat} was refused {letter}, which is in the word and which nobody had guessed")]
    RefusedToTheFirst { round: u32, letter: char, seat: Seat },
    /// There was no word from before the proposal until after its answer.
    #[error("after round {round}: {seat} was refused a word, and there was none")]
    WordRefused { round: u32, seat: Seat },
    /// The first proposal wins, and it alone.
    #[error("round {round}: {seat} proposed another word, and the first one was not guessed yet")]
    SecondWord { round: u32, seat: Seat },
    /// Not the word that was proposed, or not of its length, or not all of it.
    #[error("round {round}: everybody was told of the word of {seat} what is not true: {what}")]
    WrongWord { round: u32, seat: Seat, what: &'static str },
    /// (`heard` counts from the first notice of the run.)
    #[error(
        "after {heard} notices {seat} heard another one than the others: one is missing, double, or out of order"
    )]
    OtherOrder { heard: u64, seat: Seat },
    /// An answer overtook its notice, or there is none.
    #[error("{seat} was told yes ({what}) before everybody was told what had happened")]
    AnswerFirst { seat: Seat, what: &'static str },
    /// All were told that it happened, and who did it was told that it did not.
    #[error("{seat} was told no ({what}), and everybody was told that it had happened")]
    NoForYes { seat: Seat, what: &'static str },
    /// Somebody is said to have come, gone or played who did not.
    #[error("everybody was told: {what}; and that cannot be ({why})")]
    Impossible { what: String, why: &'static str },
    /// An answer that fits no request of this player.
    #[error("{seat} was told what it did not ask for: {what}")]
    NotAsked { seat: Seat, what: String },
    /// The scores are not what the answers add up to.
    #[error("{name}: points by `S:;` {}, by the answers to its guesses {}", points(.scored), points(.answered))]
    Points {
        name: String,
        /// By the scores; `None` when it is not among them.
        scored: Option<u64>,
        /// By the answers; `None` when it is not there, or not among the best.
        answered: Option<u64>,
    },
}

fn points(points: &Option<u64>) -> String {
    points.map_or("none, it is not there".into(), |points| points.to_string())
}
