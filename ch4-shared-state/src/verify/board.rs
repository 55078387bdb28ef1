//! Clients of the message board over TCP, a connection for each request. The model is [`common::verify::board`].

use std::io::{self, Read, Write};

use anyhow::Context;
use common::protocol::mboard::received::{self, Refused};
use common::protocol::mboard::{Id, Request};
use common::verify::board::{Answer, Board, Operation, Text};
use rand::RngExt;
use rand::rngs::StdRng;

use super::recorder::Lane;
use super::workload::{ANSWER_TIMEOUT, Workload};
use common::support::interruptible::InterruptibleStream;
use common::support::terminal;

/// Most messages that may be on the board before.
const INITIAL: usize = 10_000;

type BoardLane = Lane<Operation, Answer>;

/// Publishes and reads, and tells what was there before.
///
/// # Errors
/// Nobody listens there, or there is too much on the board.
pub fn play(workload: &Workload<'_>) -> anyhow::Result<(Board, Vec<BoardLane>)> {
    let nobody = || {
        format!("no message board at {}; start one with `cargo ch3 serve --service board`", workload.address)
    };
    let Answer::Ids(ids) = ask(workload, &Operation::Last(0)).with_context(nobody)? else {
        anyhow::bail!("{} is no message board", workload.address);
    };
    anyhow::ensure!(
        ids.len() <= INITIAL,
        "{} messages are on the board already: too many to check",
        ids.len()
    );
    let mut board = Board::default();
    for id in ids {
        match ask(workload, &Operation::Get(id))? {
            Answer::Message(Some(text)) => board.initial.push(text),
            other => anyhow::bail!("message {id} is on the board and cannot be read: {other}"),
        }
    }
    // Code 5 is ours; another server may not have it.
    let has_texts = !matches!(ask(workload, &Operation::LastTexts(1))?, Answer::Refused(_));
    let clients = (0..workload.clients).collect();
    let lanes = workload.run(
        clients,
        |client, lane, rng| publish_and_read(workload, *client, has_texts, lane, rng),
        |_, lane| {
            let all = if has_texts { Operation::LastTexts(0) } else { Operation::Last(0) };
            lane.call(all, |operation| ask(workload, operation))?;
            Ok(())
        },
    )?;
    Ok((board, lanes))
}

fn publish_and_read(
    workload: &Workload<'_>,
    client: usize,
    has_texts: bool,
    lane: &mut BoardLane,
    mut rng: StdRng,
) -> anyhow::Result<()> {
    let mut next_id = 0;
    for number in 0.. {
        if !workload.goes_on(number) {
            break;
        }
        let operation = match rng.random_range(0..100) {
            0..45 => Operation::Publish(text(workload, client, number)),
            45..60 if has_texts => Operation::LastTexts(rng.random_range(1..5)),
            45..75 => Operation::Last(rng.random_range(1..7)),
            // Now and then one that is not there yet.
            _ => Operation::Get(next_id + rng.random_range(0..2)),
        };
        let answer = lane.call(operation, |operation| ask(workload, operation))?;
        match answer {
            Answer::Ids(ids) => next_id = ids.last().copied().unwrap_or(next_id),
            Answer::Message(Some(_)) => next_id += 1,
            _ => {}
        }
    }
    Ok(())
}

/// A text that nobody else publishes, in this run or in another.
pub fn text(workload: &Workload<'_>, client: usize, number: usize) -> Text {
    format!("c{client}.{number}{}", workload.tag).into()
}

/// A request and its answer, over a connection of their own.
fn ask(workload: &Workload<'_>, operation: &Operation) -> io::Result<Answer> {
    let request = match operation {
        Operation::Publish(text) => Request::Publish(text.as_bytes()).encode(),
        Operation::Last(count) => Request::Last(*count).encode(),
        Operation::LastTexts(count) => Request::LastCounted(*count).encode(),
        Operation::Get(id) => Request::Get(Id(*id)).encode(),
        Operation::Search(_) | Operation::News(_) | Operation::Notification(_) => {
            return Err(io::ErrorKind::Unsupported.into());
        }
    };
    let mut stream = InterruptibleStream::connect(workload.address, ANSWER_TIMEOUT, workload.interrupted)?;
    stream.reset_unless_finished()?;
    stream.write_all(&request)?;
    stream.finish()?;
    let mut response = Vec::new();
    stream.read_to_end(&mut response)?;
    if response.is_empty() {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server has hung up without an answer"));
    }
    Ok(answer(operation, &response).unwrap_or_else(|refused| Answer::Refused(refused.to_string())))
}

fn answer(operation: &Operation, response: &[u8]) -> Result<Answer, Refused> {
    Ok(match operation {
        Operation::Publish(_) => {
            received::published(response)?;
            Answer::Published(None)
        }
        Operation::Last(_) => Answer::Ids(received::ids(response)?.into_iter().map(|id| id.0).collect()),
        Operation::LastTexts(_) | Operation::Search(_) | Operation::News(_) | Operation::Notification(_) => {
            Answer::Texts(
                received::counted(response)?.into_iter().map(|posted| as_text(posted.text)).collect(),
            )
        }
        Operation::Get(_) => match received::message(response) {
            Err(Refused::MessageNotFound) => Answer::Message(None),
            message => Answer::Message(Some(as_text(message?.text))),
        },
    })
}

/// Bytes as text; what is no text is shown, not refused.
pub fn as_text(bytes: &[u8]) -> Text {
    terminal::text(bytes).into()
}
