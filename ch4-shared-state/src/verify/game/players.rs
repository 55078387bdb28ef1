//! Players who get in each other's way: few letters, short words, one name that all of them want.
//!
//! They come and go as well. No answer on the wire says that a player is gone: the others are told, and the client that left hears it
//! on its next connection. A player whose connection is lost, or whose call has no answer, may be gone from then on or not: that is a
//! call without an end.

use std::sync::Arc;

use crate::guessword::wire::{Event, NotTheGame, Notice, Request, Response, Score};
use anyhow::{Context, bail};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use super::rules::{Action, Answer, GameState, Operation, Rules};
use crate::guessword::client::connection::Connection;
use crate::verify::recorder::Lane;
use crate::verify::workload::{ANSWER_TIMEOUT, Workload};
use common::support::interruptible::InterruptibleStream;

/// Words of the letters that are guessed.
const WORDS: [&str; 6] = ["tea", "net", "ant", "neat", "tent", "atta"];
const LETTERS: [char; 4] = ['a', 'e', 'n', 't'];
/// How often a client leaves and joins again. Each leaving is a call that overlaps many others, which makes the search longer.
const CHANGES: u32 = 2;
/// Players that one client is, one after another. Those who were there before have higher numbers than all of them.
const IDS: u32 = CHANGES + 1;
const STRANGERS: u32 = 1 << 16;

type GameLane = Lane<Operation, Answer>;

/// A client with the connection that it has at present.
struct Player<'a> {
    workload: &'a Workload<'a>,
    connection: Connection<InterruptibleStream<'a>>,
    client: u32,
    changes: u32,
    name: Arc<str>,
}

/// Plays, and tells who was there before.
///
/// # Errors
/// Nobody listens there, or a word is being guessed that these players cannot guess.
pub fn play(workload: &Workload<'_>) -> anyhow::Result<(Rules, Vec<GameLane>)> {
    let mut players = (0..workload.clients)
        .map(|client| Player::connect(workload, client))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let initial = players.first_mut().context("no players")?.end_open_round()?;
    let play = |player: &mut Player<'_>, lane: &mut GameLane, rng| {
        let played = player.play(lane, rng);
        if played.is_err() {
            lose(lane, player.id());
        }
        played
    };
    let lanes = workload.run(players, play, |player, lane| {
        player.make(lane, Action::Scores)?;
        player.make(lane, Action::State)?;
        Ok(())
    })?;
    Ok((Rules { initial }, lanes))
}

impl<'a> Player<'a> {
    fn connect(workload: &'a Workload<'a>, client: usize) -> anyhow::Result<Player<'a>> {
        let connection = connect(workload)?;
        let client = u32::try_from(client).context("too many clients")?;
        Ok(Player { workload, connection, client, changes: 0, name: "".into() })
    }

    fn id(&self) -> u32 {
        self.client * IDS + self.changes
    }

    /// Before the history begins: joins, ends a round that others have left behind, and notes who is there.
    fn end_open_round(&mut self) -> anyhow::Result<GameState> {
        self.name = format!("p{}{}", self.id(), self.workload.tag).into();
        match self.ask(&Action::Join(Arc::clone(&self.name)))? {
            Answer::Done(true) => {}
            Answer::Done(false) => bail!("the server refuses the name {}", self.name),
            _ => return Err(NotTheGame::Senseless).context(self.workload.address),
        }
        self.ask(&Action::Scores)?; // as in `join`
        for letter in 'a'..='z' {
            if self.ask(&Action::State)? == Answer::Progress("".into()) {
                break;
            }
            self.ask(&Action::Guess(letter))?;
        }
        if let Answer::Progress(word) = self.ask(&Action::State)?
            && !word.is_empty()
        {
            bail!("somebody else's word is being guessed ({word}): the check needs the game for itself");
        }
        let mut state = GameState::default();
        match self.ask(&Action::Scores)? {
            Answer::Scores(scores) => {
                for ((name, points), stranger) in scores.into_iter().zip(STRANGERS..) {
                    let player = if name == self.name { self.id() } else { stranger };
                    state.players.insert(player, (name, points));
                }
            }
            // Without scores nobody sees how many points one has, or who else is there.
            _ => {
                state.players.insert(self.id(), (Arc::clone(&self.name), 0));
            }
        }
        Ok(state)
    }

    fn play(&mut self, lane: &mut GameLane, mut rng: StdRng) -> anyhow::Result<()> {
        if self.name.is_empty() {
            self.join(lane, &format!("captain{}", self.workload.tag))?;
        }
        for calls in 0.. {
            if !self.workload.goes_on(calls) {
                break;
            }
            let action = match rng.random_range(0..100) {
                0..55 => Action::Guess(*LETTERS.choose(&mut rng).unwrap_or(&'a')),
                55..75 => Action::Propose((*WORDS.choose(&mut rng).unwrap_or(&"tea")).into()),
                75..88 => Action::State,
                88..98 => Action::Scores,
                _ if self.changes < CHANGES => {
                    self.join_again(lane)?;
                    continue;
                }
                _ => Action::Scores,
            };
            self.make(lane, action)?;
        }
        Ok(())
    }

    /// Joins under a name that others may want, or else under its own. Then asks for the scores: with that the server knows that this
    /// client can tell messages apart, and does not space them for it. One who gets them slower than they are made is hung up on.
    fn join(&mut self, lane: &mut GameLane, wanted: &str) -> anyhow::Result<()> {
        for name in [wanted.to_owned(), format!("p{}{}", self.id(), self.workload.tag)] {
            self.name = name.into();
            if self.make(lane, Action::Join(Arc::clone(&self.name)))? == Answer::Done(true) {
                self.make(lane, Action::Scores)?;
                return Ok(());
            }
        }
        bail!("the server refuses the name {}", self.name)
    }

    /// Joins over a new connection first and closes the old one then, so that somebody hears of it.
    fn join_again(&mut self, lane: &mut GameLane) -> anyhow::Result<()> {
        if self.ask(&Action::Scores)? == Answer::Unsupported {
            return Ok(()); // another's server, whose notifications may say it in other words
        }
        let old_id = self.id();
        let old_name = Arc::clone(&self.name);
        let old = std::mem::replace(&mut self.connection, connect(self.workload)?);
        self.changes += 1;
        let captain = format!("captain{}", self.workload.tag);
        let changed = self.join(lane, &captain).and_then(|()| self.leave(lane, old_id, &old_name, old));
        if changed.is_err() {
            lose(lane, old_id);
        }
        changed
    }

    /// Closes the old connection.
    fn leave(
        &mut self,
        lane: &mut GameLane,
        player: u32,
        name: &str,
        connection: Connection<InterruptibleStream<'a>>,
    ) -> anyhow::Result<()> {
        let mut connection = Some(connection);
        // Everybody is told, the new connection too. No other player of that name can have left since it joined.
        let left = Notice { name: name.to_owned(), event: Event::Left };
        lane.call(Operation { player, action: Action::Leave }, |_| {
            drop(connection.take());
            loop {
                match self.connection.next()? {
                    Response::Notice(notice) if notice == left => return Ok(Answer::Left),
                    Response::Notice(_) => {}
                    other => bail!("not asked for: {other:?}"),
                }
            }
        })?;
        Ok(())
    }

    /// A call that is recorded.
    fn make(&mut self, lane: &mut GameLane, action: Action) -> anyhow::Result<Answer> {
        lane.call(Operation { player: self.id(), action }, |operation| self.ask(&operation.action))
    }

    /// A request, and its answer behind whatever is told in between.
    fn ask(&mut self, action: &Action) -> anyhow::Result<Answer> {
        let request = match action {
            Action::Join(name) => Request::Join(Some(name.to_string())),
            Action::Propose(word) => Request::Propose(Some(word.to_string())),
            Action::Guess(letter) => Request::Guess(Some(*letter)),
            Action::State => Request::State,
            Action::Scores | Action::Leave => Request::Scores,
        };
        self.connection.send(&request)?;
        let response = loop {
            match self.connection.next()? {
                Response::Notice(_) => {}
                response => break response,
            }
        };
        Ok(match (request, response) {
            (Request::Join(_), Response::Join(done))
            | (Request::Propose(_), Response::Propose(done))
            | (Request::Guess(_), Response::Guess(done)) => Answer::Done(done),
            (Request::State, Response::State(progress)) => Answer::Progress(progress.into()),
            (Request::Scores, Response::Scores(scores)) => {
                let score = |Score { name, points }: Score| (name.into(), points);
                Answer::Scores(scores.into_iter().map(score).collect())
            }
            (Request::Scores, Response::Unknown) => Answer::Unsupported,
            (_, Response::NotJoined) => Answer::NotJoined,
            (_, other) => Answer::Senseless(format!("{other:?}")),
        })
    }
}

/// The player's connection is lost.
fn lose(lane: &mut GameLane, player: u32) {
    lane.lose(Operation { player, action: Action::Leave }, |operation| operation.player == player);
}

fn connect<'a>(workload: &Workload<'a>) -> anyhow::Result<Connection<InterruptibleStream<'a>>> {
    let stream = InterruptibleStream::connect(workload.address, ANSWER_TIMEOUT, workload.interrupted)
        .with_context(|| {
            format!(
                "no guess-word server at {0}; start one with `cargo ch4 guessword-server`",
                workload.address
            )
        })?;
    Ok(Connection::over(stream))
}
