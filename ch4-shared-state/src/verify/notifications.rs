//! Clients of the notification board: one long-lived connection each. The model is [`common::verify::board`].
//!
//! What a client gets on asking depends on what this connection has got before, so that the history shows a message that came twice,
//! one that never came, and two clients who saw two messages in different orders.
//!
//! Every client is notified of every message, the publisher too. In the end one client publishes a last message. Then two connections
//! that have asked for nothing since must have been notified: the publisher's, and a listener's, which asked once at the beginning.

use std::io::{self, ErrorKind, Read, Write};

use anyhow::Context;
use common::protocol::mboard::response::Posted;
use common::protocol::textframe::{self, Decoder, Frame, RESPONSE_LIMIT, piece};
use common::verify::board::{Answer, Board, Operation};
use rand::RngExt;
use rand::rngs::StdRng;

use super::board::{as_text, text};
use super::recorder::Lane;
use super::workload::{ANSWER_TIMEOUT, Workload};
use common::support::interruptible::InterruptibleStream;

/// The number of the connection that asks once and listens.
const LISTENER: u32 = u32::MAX;

type BoardLane = Lane<Operation, Answer>;

/// A connection that waits for the answer to each request, and notes notifications.
struct NotificationClient<'a> {
    number: u32,
    stream: InterruptibleStream<'a>,
    received: Vec<u8>,
    decoder: Decoder,
    /// Whether a notification has come since it last asked for news.
    is_notified: bool,
}

/// Publishes and asks for news, and tells what was there before.
///
/// # Errors
/// Nobody listens there, or it is no notification board.
pub fn play(workload: &Workload<'_>) -> anyhow::Result<(Board, Vec<BoardLane>)> {
    let nobody =
        || format!("no notification board at {}; start one with `cargo ch4 board-server`", workload.address);
    let mut first = NotificationClient::connect(workload, LISTENER).with_context(nobody)?;
    let Answer::Texts(initial) = first.ask(&Operation::News(first.number)).with_context(nobody)? else {
        anyhow::bail!("{} is no notification board", workload.address);
    };
    let mut listener = NotificationClient { number: LISTENER, ..first };
    let clients = (0..)
        .take(workload.clients)
        .map(|number| NotificationClient::connect(workload, number))
        .collect::<io::Result<_>>()?;
    let lanes = workload.run(
        clients,
        |client, lane, rng| publish_and_read(workload, client, lane, rng),
        |client, lane| {
            lane.call(Operation::News(client.number), |operation| client.ask(operation))?;
            let last = Operation::Publish(format!("last{}", workload.tag).into());
            lane.call(last, |operation| client.ask(operation))?;
            lane.call(Operation::Notification(LISTENER), |_| listener.wait_for_notification())?;
            lane.call(Operation::Notification(client.number), |_| client.wait_for_notification())?;
            lane.call(Operation::News(client.number), |operation| client.ask(operation))?;
            Ok(())
        },
    )?;
    Ok((Board { initial }, lanes))
}

fn publish_and_read(
    workload: &Workload<'_>,
    client: &mut NotificationClient<'_>,
    lane: &mut BoardLane,
    mut rng: StdRng,
) -> anyhow::Result<()> {
    for number in 0.. {
        if !workload.goes_on(number) {
            break;
        }
        let operation = if rng.random_bool(0.4) {
            Operation::Publish(text(workload, client.number as usize, number))
        } else {
            Operation::News(client.number)
        };
        lane.call(operation, |operation| client.ask(operation))?;
    }
    Ok(())
}

impl<'a> NotificationClient<'a> {
    fn connect(workload: &Workload<'a>, number: u32) -> io::Result<NotificationClient<'a>> {
        let stream = InterruptibleStream::connect(workload.address, ANSWER_TIMEOUT, workload.interrupted)?;
        let decoder = Decoder::new(RESPONSE_LIMIT);
        Ok(NotificationClient { number, stream, received: Vec::new(), decoder, is_notified: false })
    }

    fn ask(&mut self, operation: &Operation) -> io::Result<Answer> {
        let mut request = Vec::new();
        match operation {
            Operation::Publish(text) => textframe::encode(b'1', [text.as_bytes()], &mut request),
            _ => {
                self.is_notified = false;
                request.extend_from_slice(b"2:;");
            }
        }
        self.stream.write_all(&request)?;
        self.answer()
    }

    fn answer(&mut self) -> io::Result<Answer> {
        loop {
            match self.next()? {
                Some(answer) => return Ok(answer),
                None => self.is_notified = true,
            }
        }
    }

    /// Waits for a notification as long as for an answer.
    fn wait_for_notification(&mut self) -> io::Result<Answer> {
        if !std::mem::take(&mut self.is_notified) {
            match self.next() {
                Ok(None) => {}
                Ok(Some(answer)) => return Ok(Answer::Refused(format!("{answer}, not asked for"))),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Answer::Notified(false)),
                Err(error) => return Err(error),
            }
        }
        Ok(Answer::Notified(true))
    }

    /// The next answer, or a notification, which is none.
    fn next(&mut self) -> io::Result<Option<Answer>> {
        loop {
            if let Some((answer, consumed)) = self.decode()? {
                self.received.drain(..consumed);
                return Ok(answer);
            }
            let mut chunk = [0; 4096];
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(io::Error::new(ErrorKind::UnexpectedEof, "the server has hung up")),
                Ok(count) => self.received.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The frame at the front as an answer, or as a notification, which is none.
    fn decode(&mut self) -> io::Result<Option<(Option<Answer>, usize)>> {
        let found = self.decoder.decode(&self.received).map_err(io::Error::other)?;
        Ok(found.map(|(frame, consumed)| (read(frame), consumed)))
    }
}

fn read(frame: Frame<'_>) -> Option<Answer> {
    let Frame::Coded { code, payload } = frame else {
        return Some(Answer::Refused("a frame without a code".into()));
    };
    match code {
        b'7' => None,
        b'0' => Some(Answer::Published(None)),
        b'1' if payload.is_empty() => Some(Answer::Texts(Vec::new())),
        b'1' => {
            let message = |coded: &[u8]| {
                let line = piece(coded).ok()?;
                Posted::parse_line(&line).map(|posted| as_text(posted.text))
            };
            let texts: Option<Vec<_>> = payload.split(|&byte| byte == b':').map(message).collect();
            Some(texts.map_or_else(|| Answer::Refused("a message that cannot be read".into()), Answer::Texts))
        }
        code => Some(Answer::Refused(format!("code {}", code.escape_ascii()))),
    }
}
