//! Players who get in each other's way: few letters, short words, one name that all of them want.
//!
//! They come and go as well. That a player is gone has no answer on the wire; it is over when everybody is told, and the player hears
//! it on the next seat. A player whose connection is lost, or who waits in vain, may be gone from then on or not: that is a call without
//! an end.

use std::sync::Arc;

use crate::guessword::wire::{Event, NotTheGame, Notice, Request, Response, Score};
use anyhow::{Context, bail};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use super::{Answer, Operation, Rules, Table, What};
use crate::guessword::client::connection::Connection;
use crate::verify::crowd::{Crowd, PATIENCE};
use crate::verify::recorder::Lane;
use common::support::patient::Patient;

/// Words of the letters that are guessed.
const WORDS: [&str; 6] = ["tea", "net", "ant", "neat", "tent", "atta"];
const LETTERS: [char; 4] = ['a', 'e', 'n', 't'];
/// How often a player changes seats. Each going is a call that overlaps many others, and the search pays for it.
const CHANGES: u32 = 2;
/// Seats of one client; those of people who were there before come after all of them.
const SEATS: u32 = CHANGES + 1;
const STRANGERS: u32 = 1 << 16;

type Moves = Lane<Operation, Answer>;

/// A client with the connection that it has at present.
struct Player<'a> {
    crowd: &'a Crowd<'a>,
    connection: Connection<Patient<'a>>,
    client: u32,
    changes: u32,
    name: Arc<str>,
}

/// Plays, and tells who was there before.
///
/// # Errors
/// Nobody listens there, or a word is being guessed that these players cannot guess.
pub fn play(crowd: &Crowd<'_>) -> anyhow::Result<(Rules, Vec<Moves>)> {
    let mut players = (0..crowd.clients)
        .map(|client| Player::sit_down(crowd, client))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let initial = players.first_mut().context("no players")?.clear_the_table()?;
    let play = |player: &mut Player<'_>, lane: &mut Moves, rng| {
        let played = player.play(lane, rng);
        if played.is_err() {
            lose(lane, player.seat());
        }
        played
    };
    let lanes = crowd.run(players, play, |player, lane| {
        player.make(lane, What::Scores)?;
        player.make(lane, What::State)?;
        Ok(())
    })?;
    Ok((Rules { initial }, lanes))
}

impl<'a> Player<'a> {
    fn sit_down(crowd: &'a Crowd<'a>, client: usize) -> anyhow::Result<Player<'a>> {
        let connection = connect(crowd)?;
        let client = u32::try_from(client).context("too many clients")?;
        Ok(Player { crowd, connection, client, changes: 0, name: "".into() })
    }

    fn seat(&self) -> u32 {
        self.client * SEATS + self.changes
    }

    /// Before the history begins: joins, ends a round that others have left behind, and notes who is there.
    fn clear_the_table(&mut self) -> anyhow::Result<Table> {
        self.name = format!("p{}{}", self.seat(), self.crowd.tag).into();
        match self.ask(&What::Join(Arc::clone(&self.name)))? {
            Answer::Done(true) => {}
            Answer::Done(false) => bail!("the server refuses the name {}", self.name),
            _ => return Err(NotTheGame::Senseless).context(self.crowd.address),
        }
        self.ask(&What::Scores)?; // as in `join`
        for letter in 'a'..='z' {
            if self.ask(&What::State)? == Answer::Progress("".into()) {
                break;
            }
            self.ask(&What::Guess(letter))?;
        }
        if let Answer::Progress(word) = self.ask(&What::State)?
            && !word.is_empty()
        {
            bail!("somebody else's word is being guessed ({word}): the check needs the game for itself");
        }
        let mut table = Table::default();
        match self.ask(&What::Scores)? {
            Answer::Scores(scores) => {
                for ((name, points), stranger) in scores.into_iter().zip(STRANGERS..) {
                    let seat = if name == self.name { self.seat() } else { stranger };
                    table.players.insert(seat, (name, points));
                }
            }
            // Without scores nobody sees how many points one has, or who else is there.
            _ => {
                table.players.insert(self.seat(), (Arc::clone(&self.name), 0));
            }
        }
        Ok(table)
    }

    fn play(&mut self, lane: &mut Moves, mut rng: StdRng) -> anyhow::Result<()> {
        if self.name.is_empty() {
            self.join(lane, &format!("captain{}", self.crowd.tag))?;
        }
        for calls in 0.. {
            if !self.crowd.goes_on(calls) {
                break;
            }
            let what = match rng.random_range(0..100) {
                0..55 => What::Guess(*LETTERS.choose(&mut rng).unwrap_or(&'a')),
                55..75 => What::Propose((*WORDS.choose(&mut rng).unwrap_or(&"tea")).into()),
                75..88 => What::State,
                88..98 => What::Scores,
                _ if self.changes < CHANGES => {
                    self.change_seats(lane)?;
                    continue;
                }
                _ => What::Scores,
            };
            self.make(lane, what)?;
        }
        Ok(())
    }

    /// Joins under a name that others may want, or else under its own. Then asks for the scores: with that the server knows that this
    /// client can tell messages apart, and does not space them for it. One who gets them slower than they are made is hung up on.
    fn join(&mut self, lane: &mut Moves, wanted: &str) -> anyhow::Result<()> {
        for name in [wanted.to_owned(), format!("p{}{}", self.seat(), self.crowd.tag)] {
            self.name = name.into();
            if self.make(lane, What::Join(Arc::clone(&self.name)))? == Answer::Done(true) {
                self.make(lane, What::Scores)?;
                return Ok(());
            }
        }
        bail!("the server refuses the name {}", self.name)
    }

    /// Sits down on another seat first and leaves the old one then, so that there is somebody to hear of it.
    fn change_seats(&mut self, lane: &mut Moves) -> anyhow::Result<()> {
        if self.ask(&What::Scores)? == Answer::Unsupported {
            return Ok(()); // another's server, whose notifications may say it in other words
        }
        let old_seat = self.seat();
        let old_name = Arc::clone(&self.name);
        let old = std::mem::replace(&mut self.connection, connect(self.crowd)?);
        self.changes += 1;
        let captain = format!("captain{}", self.crowd.tag);
        let changed = self.join(lane, &captain).and_then(|()| self.leave(lane, old_seat, &old_name, old));
        if changed.is_err() {
            lose(lane, old_seat);
        }
        changed
    }

    /// Leaves the old seat.
    fn leave(
        &mut self,
        lane: &mut Moves,
        seat: u32,
        name: &str,
        connection: Connection<Patient<'a>>,
    ) -> anyhow::Result<()> {
        let mut connection = Some(connection);
        // Everybody is told, and so is the new seat: nobody of that name can have left since it was taken.
        let left = Notice { name: name.to_owned(), event: Event::Left };
        lane.call(Operation { seat, what: What::Leave }, |_| {
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
    fn make(&mut self, lane: &mut Moves, what: What) -> anyhow::Result<Answer> {
        lane.call(Operation { seat: self.seat(), what }, |operation| self.ask(&operation.what))
    }

    /// A request, and its answer behind whatever is told in between.
    fn ask(&mut self, what: &What) -> anyhow::Result<Answer> {
        let request = match what {
            What::Join(name) => Request::Join(Some(name.to_string())),
            What::Propose(word) => Request::Propose(Some(word.to_string())),
            What::Guess(letter) => Request::Guess(Some(*letter)),
            What::State => Request::State,
            What::Scores | What::Leave => Request::Scores,
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

/// The seat's connection is lost.
fn lose(lane: &mut Moves, seat: u32) {
    lane.lose(Operation { seat, what: What::Leave }, |operation| operation.seat == seat);
}

fn connect<'a>(crowd: &Crowd<'a>) -> anyhow::Result<Connection<Patient<'a>>> {
    let stream = Patient::connect(crowd.address, PATIENCE, crowd.interrupted).with_context(|| {
        format!("no guess-word server at {0}; start one with `cargo ch4 guessword-server`", crowd.address)
    })?;
    Ok(Connection::over(stream))
}
