//! A player without a keyboard: one thread asks, and waits for the answer. What comes in between are notifications.
//!
//! Every line on standard output begins with a word that says what it is:
//!
//! ```text
//! joined Alice
//! notice Bob proposed a word of 5 characters
//! word _____
//! guess e right            guess x wrong
//! propose hello taken      propose hello refused
//! score Alice 1
//! joined Alice             again: the connection had broken
//! guess e unknown          propose hello unknown        it broke before the answer
//! ```

use std::fs;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write, stdin};
use std::path::Path;

use crate::guessword::wire::{NotTheGame, Notice, Request, Response};
use anyhow::{Context, anyhow, bail};
use common::support::{log, terminal};

use super::args::GuesswordClientArgs;
use super::command::{Command, HELP};
use super::connection::{Connection, Gone};
use super::rejoin::{NameRefused, Rejoin};
use super::view::View;

/// No line of a script is longer, in bytes.
const LONGEST_LINE: u64 = 4096;

/// Does what the lines of a file say.
pub fn follow(
    connection: Connection,
    name: &str,
    file: &Path,
    args: &GuesswordClientArgs,
) -> anyhow::Result<()> {
    let lines: Box<dyn BufRead> = if file.as_os_str() == "-" {
        Box::new(stdin().lock())
    } else {
        let file = fs::File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
        Box::new(BufReader::new(file))
    };
    let mut player = ScriptedPlayer::join(connection, name, args)?;
    for (number, line) in (1..).zip(Lines(lines)) {
        let line = line.context("cannot read the script")?;
        if line.starts_with('#') || line.trim().is_empty() {
            continue;
        }
        match Command::parse(&line).map_err(|error| anyhow!("line {number}: {error}"))? {
            Command::Guess(letter) => player.guess(letter)?,
            Command::Propose(word) => player.propose(&word)?,
            Command::Scores => player.scores()?,
            Command::State => player.look()?,
            Command::Wait => player.wait()?,
            Command::Help => HELP.lines().try_for_each(say)?,
            Command::Quit => break,
        }
    }
    Ok(())
}

/// Does what the flags say.
pub fn play(connection: Connection, name: &str, args: &GuesswordClientArgs) -> anyhow::Result<()> {
    let mut player = ScriptedPlayer::join(connection, name, args)?;
    loop {
        let round = player.view.rounds_won;
        player.was_away = false;
        if args.guess.is_some() || args.propose.is_some() {
            player.find_word(args.propose.as_deref())?;
        }
        for letter in args.guess.iter().flat_map(|letters| letters.chars()) {
            if player.view.rounds_won == round {
                player.guess(letter)?;
            }
        }
        let Some(rounds) = args.until_round else { break };
        // Away, it may have missed a new word, and begins with its letters again.
        while player.view.rounds_won == round && round < rounds && !player.was_away {
            player.wait()?;
        }
        if player.view.rounds_won >= rounds {
            break;
        }
    }
    player.scores()
}

/// The lines of a script, of which none is endless.
struct Lines(Box<dyn BufRead>);

impl Iterator for Lines {
    type Item = io::Result<String>;

    fn next(&mut self) -> Option<io::Result<String>> {
        let mut line = String::new();
        match self.0.by_ref().take(LONGEST_LINE + 1).read_line(&mut line) {
            Ok(0) => None,
            Ok(_) if line.len() as u64 > LONGEST_LINE => Some(Err(io::Error::new(
                ErrorKind::InvalidData,
                format!("a line has over {LONGEST_LINE} bytes"),
            ))),
            Ok(_) => Some(Ok(line)),
            Err(error) => Some(Err(error)),
        }
    }
}

struct ScriptedPlayer {
    connection: Connection,
    view: View,
    rejoin: Option<Rejoin>,
    /// The connection was broken since this was last cleared.
    was_away: bool,
}

impl ScriptedPlayer {
    fn join(
        mut connection: Connection,
        name: &str,
        args: &GuesswordClientArgs,
    ) -> anyhow::Result<ScriptedPlayer> {
        connection.wait_at_most(args.timeout)?;
        let mut player = ScriptedPlayer { connection, view: View::default(), rejoin: None, was_away: false };
        match player.ask(&Request::Join(Some(name.to_owned())))? {
            Some(Response::Join(true)) => say(&format!("joined {name}"))?,
            Some(Response::Join(false)) => return Err(NameRefused(name.to_owned()).into()),
            Some(Response::Unknown) => return Err(NotTheGame::Senseless.into()),
            other => return out_of_turn(other.as_ref()),
        }
        player.rejoin = Rejoin::new(args, name);
        Ok(player)
    }

    fn guess(&mut self, letter: char) -> anyhow::Result<()> {
        match self.ask(&Request::Guess(Some(letter)))? {
            None => {
                say(&format!("guess {letter} unknown"))?;
                self.look()
            }
            Some(Response::Guess(right)) => {
                say(&format!("guess {letter} {}", if right { "right" } else { "wrong" }))?;
                if right { self.look() } else { Ok(()) }
            }
            other => out_of_turn(other.as_ref()),
        }
    }

    fn propose(&mut self, word: &str) -> anyhow::Result<()> {
        match self.ask(&Request::Propose(Some(word.to_owned())))? {
            None => say(&format!("propose {word} unknown")),
            Some(Response::Propose(taken)) => {
                say(&format!("propose {word} {}", if taken { "taken" } else { "refused" }))
            }
            other => out_of_turn(other.as_ref()),
        }
    }

    fn scores(&mut self) -> anyhow::Result<()> {
        match self.ask(&Request::Scores)? {
            Some(Response::Scores(scores)) => {
                scores.iter().try_for_each(|score| say(&format!("score {} {}", score.name, score.points)))
            }
            Some(Response::Unknown) => say("score unknown: this server keeps none"),
            other => out_of_turn(other.as_ref()),
        }
    }

    /// Asks for the word so far.
    fn look(&mut self) -> anyhow::Result<()> {
        match self.ask(&Request::State)? {
            Some(Response::State(progress)) => {
                say(format!("word {progress}").trim_end())?;
                self.view.progress = progress;
                Ok(())
            }
            other => out_of_turn(other.as_ref()),
        }
    }

    /// Waits until there is a word; with one of its own, proposes it. Somebody else's may be faster.
    fn find_word(&mut self, own: Option<&str>) -> anyhow::Result<()> {
        self.look()?;
        while self.view.progress.is_empty() {
            match own {
                Some(word) => self.propose(word)?,
                None => self.wait()?,
            }
            self.look()?;
        }
        Ok(())
    }

    /// Waits for the next notification, or until it is back in the game.
    fn wait(&mut self) -> anyhow::Result<()> {
        match self.next()? {
            None => Ok(()),
            Some(Response::Notice(notice)) => self.hear(&notice),
            other => out_of_turn(other.as_ref()),
        }
    }

    /// Sends a request and waits for its answer. `None`: the connection broke before the answer, and what the request would have
    /// changed is not known.
    fn ask(&mut self, request: &Request) -> anyhow::Result<Option<Response>> {
        let changes_nothing = matches!(request, Request::State | Request::Scores);
        loop {
            let answer = match self.connection.send(request) {
                Ok(()) => self.answer()?,
                Err(gone) => self.come_back(gone)?,
            };
            if answer.is_some() || !changes_nothing {
                return Ok(answer);
            }
        }
    }

    fn answer(&mut self) -> anyhow::Result<Option<Response>> {
        loop {
            match self.next()? {
                Some(Response::Notice(notice)) => self.hear(&notice)?,
                answer => return Ok(answer),
            }
        }
    }

    /// What the server says next; `None`: the connection broke, and we are back in the game.
    fn next(&mut self) -> anyhow::Result<Option<Response>> {
        match self.connection.next() {
            Ok(response) => Ok(Some(response)),
            Err(gone) => self.come_back(gone),
        }
    }

    fn come_back(&mut self, gone: Gone) -> anyhow::Result<Option<Response>> {
        if let Gone::Silent = gone {
            bail!("the server has said nothing for as long as --timeout allows");
        }
        let Some(rejoin) = &mut self.rejoin else { return Err(gone.into()) };
        log::line(format_args!("{gone}; joining again"));
        let (connection, before) = rejoin.again(gone)?;
        let name = rejoin.name().to_owned();
        self.connection = connection;
        self.was_away = true;
        self.view.away();
        for response in before {
            if let Response::Notice(notice) = response {
                self.hear(&notice)?;
            }
        }
        say(&format!("joined {name}"))?;
        Ok(None)
    }

    fn hear(&mut self, notice: &Notice) -> anyhow::Result<()> {
        self.view.hear(notice);
        say(&format!("notice {notice}"))
    }
}

fn out_of_turn<T>(answer: Option<&Response>) -> anyhow::Result<T> {
    bail!("the server has answered something that was not asked: {answer:?}")
}

/// A line on standard output, at once: whoever reads it may be waiting for it.
fn say(line: &str) -> anyhow::Result<()> {
    let mut stdout = common::support::cli::stdout().lock();
    writeln!(stdout, "{}", terminal::line(line))?;
    Ok(stdout.flush()?)
}
