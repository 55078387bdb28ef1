//! The arguments of `chat-client`.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, ValueEnum};
use common::support::cli::within;
use common::support::connect::timeout;
use common::support::interrupt;
use common::support::listen::address_and_port;

use crate::announce::Interface;
use crate::chat::GROUP;
use crate::names::client::look_up;
use crate::names::object::NAME_SERVER;
use crate::pyro::message::Version;
use crate::pyro::proxy::{Options, Proxy};
use crate::pyro::uri::Uri;

/// The arguments of this command.
#[derive(Debug, Args)]
#[command(after_help = "Examples, with the URI that `chat-server` prints:
  cargo ch5 chat-client -u PYRO:… -n Ann                     at a terminal: what you type is posted
  cargo ch5 chat-client -u PYRO:… -n Ann -m 'Hello!'         or --private Bob 'psst'
  cargo ch5 chat-client --discover lo -n Ann --get           all messages that there are
  cargo ch5 chat-client -u PYRO:… -n Ann --follow            messages as they come, until Ctrl-C
  cargo ch5 chat-client -u PYRO:… --read-only                a reference with which one can only read
  cargo ch5 chat-client -u PYRO:… --read                     reads with any of the two, without a name

At the terminal: /private NAME TEXT, /users, Ctrl-D ends. A name that another has is taken from it.
A lost connection is made again and what came meanwhile is shown, unless --no-reconnect is given.
Exit status: 0 done (also Ctrl-C, where nothing else would end it), 1 an error or no answer in time,
130 interrupted by Ctrl-C.")]
pub struct ChatClientArgs {
    #[command(flatten)]
    place: Place,
    /// The chat's name in the name server
    #[arg(long, value_name = "NAME", default_value = "chat", requires = "names")]
    chat: String,
    /// Your name in the chat
    #[arg(short, long)]
    pub name: Option<String>,
    /// Post this for all. Can be given several times
    #[arg(short, long, value_name = "TEXT", allow_hyphen_values = true)]
    pub message: Vec<String>,
    /// Post this for one. Can be given several times
    #[arg(long, num_args = 2, value_names = ["NAME", "TEXT"], allow_hyphen_values = true)]
    pub private: Vec<String>,
    /// Print the messages that you have not been given yet, public and private
    #[arg(long)]
    pub get: bool,
    /// Print all public messages, without a name
    #[arg(long)]
    pub read: bool,
    /// Print the users' names
    #[arg(long)]
    pub users: bool,
    /// Print messages as they come, until Ctrl-C
    #[arg(long)]
    pub follow: bool,
    /// With --follow: end after so many messages
    #[arg(long, value_name = "N", requires = "follow", value_parser = within(1..=1_000_000_000_000u64))]
    pub count: Option<u64>,
    /// Make a reference with which one can read and do nothing else, and print it
    #[arg(long)]
    pub read_only: bool,
    /// Make such a reference worthless
    #[arg(long, value_name = "URI")]
    pub revoke: Option<Uri>,
    /// End when the connection is lost
    #[arg(long)]
    pub no_reconnect: bool,
    /// Which Pyro is spoken
    #[arg(long, value_enum, default_value = "5")]
    wire: Wire,
    /// How long to wait for the connection, for an answer, and for an announcement
    #[arg(long, value_name = "TIME", value_parser = timeout, default_value = "10s")]
    timeout: Duration,
}

/// Where the chat is: one of these.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Place {
    /// The chat's reference
    #[arg(short, long)]
    uri: Option<Uri>,
    /// A name server that knows it
    #[arg(long, value_name = "ADDR:PORT", value_parser = address_and_port)]
    names: Option<SocketAddr>,
    /// Find it by its announcements on this interface
    #[arg(long, value_enum, value_name = "INTERFACE")]
    discover: Option<Interface>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Wire {
    #[value(name = "4", help = "Pyro 4, as the notes' client")]
    Four,
    #[value(name = "5", help = "Pyro 5")]
    Five,
}

impl ChatClientArgs {
    /// Whether there is something to do without a terminal.
    pub(super) fn is_scripted(&self) -> bool {
        let prints = self.get || self.read || self.users || self.follow || self.read_only;
        prints || !self.message.is_empty() || !self.private.is_empty() || self.revoke.is_some()
    }

    /// How the chat is called.
    pub(super) fn options(&self) -> anyhow::Result<Options> {
        let version = if self.wire == Wire::Four { Version::Four } else { Version::Five };
        Ok(Options { timeout: self.timeout, interrupted: interrupt::flag()?, version })
    }

    /// The chat's reference.
    pub(super) fn chat(&self) -> anyhow::Result<Uri> {
        let Place { uri, names, discover } = &self.place;
        if let Some(uri) = uri {
            return Ok(uri.clone());
        }
        if let Some(names) = names {
            let mut names = Proxy::connect(&Uri::at(NAME_SERVER, *names), self.options()?)
                .context("no name server; start one with `cargo ch5 names`")?;
            return look_up(&mut names, &self.chat);
        }
        let interface = discover.unwrap_or(Interface::Lo);
        GROUP.hear(interface, self.timeout, |text| text.trim().parse().ok())
    }
}
