//! The server that is checked: one at an address, or one that is started for this and stopped after it.

use std::net::{SocketAddr, ToSocketAddrs};
use std::process::Stdio;

use anyhow::{Context, bail};
use ch3_threads::model::Model;
use common::support::child_server::{ChildServer, this_program};
use common::support::cli::human;

use super::args::{System, VerifyArgs};

/// A server that runs.
pub struct Subject {
    /// Where it listens.
    pub address: SocketAddr,
    /// What it is, for the reader.
    pub name: String,
    /// Nobody else can have left anything there.
    pub is_ours: bool,
    _server: Option<ChildServer>,
}

impl Subject {
    /// Finds the server, or starts one.
    ///
    /// # Errors
    /// There is no such host, or it cannot be started.
    pub fn find(args: &VerifyArgs) -> anyhow::Result<Subject> {
        if args.host.is_none() && args.port.is_none() {
            return Subject::start(args);
        }
        if args.model.is_some() || args.racy.is_some() {
            bail!(
                "--model and --racy are for a server that is started for this: leave --host and --port out"
            );
        }
        let host = args.host.as_deref().unwrap_or("127.0.0.1");
        let port = args.port.unwrap_or(7777);
        let mut addresses = (host, port).to_socket_addrs().with_context(|| format!("no host {host}"))?;
        let address = addresses.next().with_context(|| format!("{host} has no address"))?;
        Ok(Subject { address, name: format!("the server at {address}"), is_ours: false, _server: None })
    }

    /// This program again, on a port of the system's choice. Its default model has a thread for each client, so that there is something
    /// to go wrong.
    fn start(args: &VerifyArgs) -> anyhow::Result<Subject> {
        if args.racy.is_some() && args.what == System::Notifications {
            bail!("--racy is for the game and the board: the notification board has no such switch");
        }
        let model = args.model.unwrap_or(Model::ThreadPerConnection).name();
        let mut arguments: Vec<String> = match args.what {
            System::Game => vec!["guessword-server".into()],
            System::Notifications => vec!["board-server".into()],
            System::Board => vec!["verify".into(), "--serve-board".into()],
        };
        arguments.extend(["-p", "0", "--log", "error", "--model", &model].map(String::from));
        if let Some(pause) = args.racy {
            arguments.push(format!("--racy={}", human(pause)));
        }
        let mut command = this_program(&arguments)?;
        let server =
            ChildServer::start(command.stderr(Stdio::piped())).context("the server to be checked")?;
        let racy = if args.racy.is_some() { ", check-then-act" } else { "" };
        let what = args.what.name();
        let name = format!("a {what} of our own ({model}{racy}) at {}", server.address);
        Ok(Subject { address: server.address, name, is_ours: true, _server: Some(server) })
    }
}
