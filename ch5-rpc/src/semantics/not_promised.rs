//! What at-most-once does not promise, with the best server there is: the durable one, on a clean link.
//!
//! | | |
//! |---|---|
//! | the client is killed after it has sent | its memory of the call's number is gone; a new client's call is a new call |
//! | the call has an effect outside the store | the transaction takes the change back, and nothing takes the letter back |

use std::sync::atomic::AtomicBool;

use anyhow::Context;
use serde::Serialize;

use super::disk::Disk;
use super::host::Failpoint;
use super::measure::Restarted;
use super::scenario::{Fault, Row};
use super::socket::{SocketCaller, interrupted};
use super::store::Step;

/// The line of the table that promises most.
const BEST: Row = Row::ALL[4];
const TEXT: &str = "the order";

/// One case, counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotPromised {
    /// What happens.
    pub case: String,
    /// How often the text is on the board.
    pub on_the_board: u64,
    /// How often the effect outside has happened.
    pub letters: u64,
    /// Why.
    pub because: String,
}

/// Both cases, with real processes.
///
/// # Errors
/// The server cannot be started, a socket fails, or Ctrl-C has come.
pub fn not_promised(stop: &AtomicBool) -> anyhow::Result<[NotPromised; 2]> {
    let (on_the_board, letters) = run(None, true, stop)?;
    let client = NotPromised {
        case: "the client is killed after it has sent, and its successor publishes the same".into(),
        on_the_board,
        letters,
        because: "the successor does not know the number of the call, so to the server it is another one"
            .into(),
    };
    // Not the first: the call that is repeated is the first of the next server, and would kill it, too.
    let crash = Failpoint { step: Step::Mutated, execution: 2 };
    let (on_the_board, letters) = run(Some(crash), false, stop)?;
    let effect = NotPromised {
        case: "the publish also sends a letter, and the server is killed before it commits".into(),
        on_the_board,
        letters,
        because: "the transaction takes back the change of the board; nothing takes back the letter".into(),
    };
    Ok([client, effect])
}

fn run(failpoint: Option<Failpoint>, client_dies: bool, stop: &AtomicBool) -> anyhow::Result<(u64, u64)> {
    let folder = tempfile::tempdir().context("no folder for the store")?;
    let [store, letters] = ["store", "letters"].map(|name| folder.path().join(name));
    let mut config = Fault::Clean.host(BEST);
    config.failpoint = failpoint;
    let more = ["--letters".into(), letters.display().to_string()];
    let mut server = Restarted::start(&config, &store, &more)?;
    let address = server.address();
    let connect = || SocketCaller::connect(BEST.client(), address);
    let mut caller = connect()?;
    // It is bound now, so that the next datagram is the call.
    caller.publish(b"before", &mut || interrupted(stop))?;
    if client_dies {
        caller.publish_and_die(TEXT.as_bytes())?;
        caller = connect()?;
    }
    caller.publish(TEXT.as_bytes(), &mut || {
        interrupted(stop)?;
        server.look()
    })?;
    server.stop();
    let board = Disk::open(&store)?.count(TEXT.as_bytes())?;
    let letters = std::fs::read_to_string(&letters).unwrap_or_default();
    Ok((board, letters.lines().filter(|line| *line == TEXT).count() as u64))
}
