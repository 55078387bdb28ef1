//! Back into the game, when the connection has broken.
//!
//! ```text
//!   broken ──► wait ──► connect ──► D:name; ──► d:1;  back in the game
//!                ▲                     └──────► d:0;  the name is in use: perhaps by our own dead connection
//!                └───────────────────────────────┘
//! ```
//!
//! The server may not know yet that the old connection is dead: it keeps the name until its kernel says so (`--keep-alive`). So a name that
//! is in use is tried again, as a server that is not there is. The points of the old connection are gone with it: the game has no
//! accounts.

use std::thread;
use std::time::{Duration, Instant};

use common::support::connect::ConnectArgs;
use common::support::reconnect::Backoff;

use super::args::GuesswordClientArgs;
use super::connection::{Connection, Gone};
use crate::guessword::wire::{Request, Response};

/// How long a try may take, unless `--timeout` says something else.
const TRY: Duration = Duration::from_secs(10);

/// What a server may say before it lets us in: what goes on and on is no game.
const BEFORE: usize = 1000;

/// What joining again takes.
pub struct Rejoin {
    server: ConnectArgs,
    timeout: Option<Duration>,
    backoff: Backoff,
    name: String,
}

impl Rejoin {
    /// `None` with `--no-reconnect`.
    pub fn new(args: &GuesswordClientArgs, name: &str) -> Option<Rejoin> {
        let backoff = args.reconnect.backoff()?;
        Some(Rejoin { server: args.server.clone(), timeout: args.timeout, backoff, name: name.to_owned() })
    }

    /// The name that it joins under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Joins again, and what the server said before it let us in. Waits between two tries.
    ///
    /// # Errors
    /// `why` when it has lasted too long; [`NameRefused`] when the name was in use to the end. `why` at once when it is not a broken
    /// connection: then another would be no better.
    pub fn again(&mut self, why: Gone) -> anyhow::Result<(Connection, Vec<Response>)> {
        let mut end = match why {
            Gone::Ended | Gone::Broken(_) => why.into(),
            Gone::Silent | Gone::NotTheGame(_) => return Err(why.into()),
        };
        while let Some(wait) = self.backoff.failed(Instant::now()) {
            thread::sleep(wait);
            match self.join() {
                Some(Ok(joined)) => {
                    self.backoff.succeeded();
                    return Ok(joined);
                }
                Some(Err(refused)) => end = refused.into(),
                None => {}
            }
        }
        Err(end)
    }

    /// One try; `None`: there is no server.
    fn join(&self) -> Option<Result<(Connection, Vec<Response>), NameRefused>> {
        let bound = Some(self.timeout.unwrap_or(TRY));
        let stream = self.server.connect(bound, "guess-word server", "guessword-server").ok()?;
        let mut connection = Connection::over(stream);
        connection.wait_at_most(bound).ok()?;
        connection.send(&Request::Join(Some(self.name.clone()))).ok()?;
        let mut before = Vec::new();
        loop {
            match connection.next().ok()? {
                Response::Join(true) => break,
                Response::Join(false) => return Some(Err(NameRefused(self.name.clone()))),
                other if before.len() < BEFORE => before.push(other),
                _ => return None,
            }
        }
        connection.wait_at_most(self.timeout).ok()?;
        Some(Ok((connection, before)))
    }
}

/// The server says `d:0`, and not why.
#[derive(Debug, thiserror::Error)]
#[error(
    "the server refuses the name `{0}`: it is in use, or it is none (1 to 32 bytes, no space, nothing that is not seen)"
)]
pub struct NameRefused(pub String);
