//! The other thread: hears what the server says, and connects again when the connection has broken.

use std::io::Read;
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use common::support::connect::ConnectArgs;
use common::support::reconnect::Backoff;

use super::shared::SharedConnection;
use crate::line_editor::Printer;
use crate::notification::client::args::{BoardClientArgs, connect};
use crate::notification::client::catch_up::News;
use crate::notification::client::error::Gone;
use crate::notification::client::line;

pub struct Listener {
    server: ConnectArgs,
    timeout: Duration,
    /// `None`: the first connection is the last.
    backoff: Option<Backoff>,
    connection: Arc<SharedConnection>,
    printer: Printer,
}

impl Listener {
    pub fn new(args: &BoardClientArgs, connection: Arc<SharedConnection>, printer: Printer) -> Listener {
        let (server, timeout, backoff) = (args.server.clone(), args.timeout, args.reconnect.backoff());
        Listener { server, timeout, backoff, connection, printer }
    }

    /// Listens until there is nothing more to hear.
    pub fn listen(mut self, mut stream: TcpStream) {
        let end = loop {
            let Err(why) = self.hear(stream);
            self.connection.disconnected();
            if !why.is::<Gone>() || self.backoff.is_none() {
                break why;
            }
            self.say("* the connection is lost; connecting again. What you type is sent then".into());
            match self.reconnect() {
                Some(next) => stream = next,
                None => break why,
            }
        };
        self.connection.ended(end);
        // Nobody can interrupt the line editor from outside without leaving the terminal raw.
        self.say("* the server is gone; press Enter to leave".into());
    }

    /// Over one connection, to its end.
    fn hear(&mut self, mut stream: TcpStream) -> anyhow::Result<std::convert::Infallible> {
        stream.set_write_timeout(Some(self.timeout)).map_err(Gone::Broken)?;
        self.connection.connected(stream.try_clone().map_err(Gone::Broken)?);
        let mut chunk = vec![0; 64 * 1024];
        loop {
            let count = stream.read(&mut chunk).map_err(Gone::Broken)?;
            if count == 0 {
                return Err(Gone::Ended.into());
            }
            let news = self.connection.receive(&chunk[..count])?;
            let is_again =
                news.contains(&News::CaughtUp) && self.backoff.as_mut().is_some_and(Backoff::succeeded);
            let mut words: Vec<String> = news.into_iter().filter_map(words).collect();
            if is_again {
                words.push("* connected again".into());
            }
            if !words.is_empty() {
                self.say(words.join("\n"));
            }
        }
    }

    fn reconnect(&mut self) -> Option<TcpStream> {
        loop {
            thread::sleep(self.backoff.as_mut()?.failed(Instant::now())?);
            if let Ok(stream) = connect(&self.server, self.timeout) {
                return Some(stream);
            }
        }
    }

    fn say(&mut self, words: String) {
        let _ = self.printer.print(words + "\n"); // the editor has ended, perhaps, and the answers are waited for
    }
}

fn words(news: News) -> Option<String> {
    match news {
        News::Message(message) => Some(line::harmless(&message)),
        News::Refused => Some("* the server refuses that: the board is full".into()),
        News::Unknown(text) => Some(format!("* {}", line::not_known(&text))),
        News::AnotherBoard { kept, lost } => Some(format!("* {}", line::another_board(kept, lost))),
        News::CaughtUp | News::Published => None,
    }
}
