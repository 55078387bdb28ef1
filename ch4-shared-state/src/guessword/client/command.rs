//! What a player types: the same at the terminal and in a script.

/// A line, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A single character.
    Guess(char),
    /// `word hello`
    Propose(String),
    /// `scores`
    Scores,
    /// `state`, or an empty line: the picture again.
    State,
    /// `wait`: in a script, for the next notification.
    Wait,
    /// `help`
    Help,
    /// `quit`
    Quit,
}

/// What can be typed.
pub const HELP: &str = "  e             guess a letter
  word hello    propose the next word, when there is none
  scores        who has how many points
  state         the word so far
  quit          leave the game (also Ctrl-D)";

impl Command {
    /// Reads a line.
    ///
    /// # Errors
    /// A sentence for the player.
    pub fn parse(line: &str) -> Result<Command, String> {
        let line = line.trim();
        let (first, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let mut characters = line.chars();
        match (characters.next(), characters.next()) {
            (None, _) => return Ok(Command::State),
            (Some(letter), None) => return Ok(Command::Guess(letter)),
            _ => {}
        }
        match (first, rest.trim()) {
            ("word", "") => Err("which word? `word hello` proposes hello".into()),
            ("word", word) => Ok(Command::Propose(word.to_owned())),
            ("scores", "") => Ok(Command::Scores),
            ("state", "") => Ok(Command::State),
            ("wait", "") => Ok(Command::Wait),
            ("help" | "?", "") => Ok(Command::Help),
            ("quit" | "exit", "") => Ok(Command::Quit),
            _ => Err(format!("`{line}` is no letter and no command; `help` says what there is")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_understood() {
        for (line, command) in [
            (" e ", Command::Guess('e')),
            ("Õ", Command::Guess('Õ')),
            (";", Command::Guess(';')),
            ("word  ice cream ", Command::Propose("ice cream".into())),
            ("word w", Command::Propose("w".into())),
            ("", Command::State),
            ("scores", Command::Scores),
            ("quit", Command::Quit),
        ] {
            assert_eq!(Command::parse(line), Ok(command), "{line:?}");
        }
        for bad in ["word", "hello", "ee", "quit now"] {
            assert!(Command::parse(bad).is_err(), "{bad:?}");
        }
    }
}
