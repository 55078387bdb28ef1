//! The arguments of `chat-client`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use common::support::cli::{duration_within, within};
use common::support::connect::timeout;
use common::support::interrupt;
use common::support::listen::address_and_port;

use crate::announce::Interface;
use crate::chat::GROUP;
use crate::names::client::reach;
use crate::names::found::{Behind, find};
use crate::names::object::NAME_SERVER;
use crate::objects::stub::Wire;
use crate::pyro::proxy::Options;
use crate::pyro::uri::Uri;

/// The arguments of this command.
#[derive(Debug, Args)]
#[command(after_help = "Examples, with the URI that `chat-server` prints:
  cargo ch5 chat-client -u PYRO:… -n Ann                     at a terminal: what you type is posted
  cargo ch5 chat-client -u PYRO:… -n Ann -m 'Hello!'         or --private Bob 'psst'
  cargo ch5 chat-client --discover lo -n Ann --get           all messages that there are
  cargo ch5 chat-client -u PYRO:… -n Ann --follow            messages as they come, until Ctrl-C
  cargo ch5 chat-client -u PYRO:… --read-only            a reference for reading only
  cargo ch5 chat-client -u PYRO:… --read                 reads, by either reference
  cargo ch5 chat-client -u PYRO:… -n Ann --pipeline          two calls in one round trip
  cargo ch5 chat-client -u PYRO:… -m hi --relay PYRO:…   a chain: this chat posts, then the other
  cargo ch5 chat-client -u PYRO:… --migrate-to PYRO:…    moves the chat to the server of another

At the terminal: /private NAME TEXT, /users; Ctrl-D ends, and Ctrl-C, with status 130.
A name that another has is taken from it.
A lost connection is made again and what came meanwhile is shown, unless --no-reconnect is given.
A server that is written in Python speaks --wire 5, or 4.
Exit status: 0 done, 1 an error or no answer in time, 130 interrupted by Ctrl-C.")]
pub struct ChatClientArgs {
    #[command(flatten)]
    place: Place,
    /// The chat's name in the name server
    #[arg(long, value_name = "NAME", default_value = "chat", requires = "names")]
    chat: String,
    /// Another chat of the same server, by its name. It is made if it is not there
    #[arg(long, value_name = "NAME", conflicts_with = "pipeline")]
    pub room: Option<String>,
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
    /// Post the message in this chat, too, which the chat before it calls. Can be given several times: a chain
    #[arg(long, value_name = "URI", requires = "message")]
    pub relay: Vec<Uri>,
    /// Move the chat to the server that has this other chat, and print its new reference
    #[arg(long, value_name = "URI", conflicts_with = "pipeline")]
    pub migrate_to: Option<Uri>,
    /// Register and post over a link with a delay, first one by one, then pipelined: shows the round trips of both
    #[arg(long, requires = "name")]
    pub pipeline: bool,
    /// With --pipeline: the link's delay in each direction
    #[arg(long, value_name = "TIME", default_value = "25ms", requires = "pipeline",
          value_parser = duration_within(Duration::ZERO..=Duration::from_secs(2)))]
    pub delay: Duration,
    /// With --pipeline: write a picture of it, a page for the browser
    #[arg(long, value_name = "FILE", requires = "pipeline")]
    pub picture: Option<PathBuf>,
    /// End when the connection is lost
    #[arg(long)]
    pub no_reconnect: bool,
    /// Which wire is spoken: our own, in which the chat calls its users, or Pyro's, in which it has to be asked
    #[arg(long, value_enum, default_value = "framed")]
    pub wire: Wire,
    /// How long connecting, each call and the wait for an announcement may take
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

impl ChatClientArgs {
    /// Whether there is something to do without a terminal.
    pub(super) fn is_scripted(&self) -> bool {
        let prints = self.get || self.read || self.users || self.follow || self.read_only;
        prints || !self.message.is_empty() || !self.private.is_empty() || self.revoke.is_some()
    }

    /// How the chat is called.
    pub(super) fn options(&self) -> anyhow::Result<Options> {
        Ok(Options { timeout: self.timeout, interrupted: interrupt::flag()?, ..Options::default() })
    }

    /// The chat's reference.
    pub(super) fn chat(&self) -> anyhow::Result<Uri> {
        let Place { uri, names, discover } = &self.place;
        if let Some(uri) = uri {
            return Ok(uri.clone());
        }
        if let Some(names) = names {
            let mut names = reach(&Uri::at(NAME_SERVER, *names), self.options()?)?;
            return Ok(find(&mut names, &self.chat, Behind::Chat)?.0);
        }
        let interface = discover.unwrap_or(Interface::Lo);
        GROUP.hear(interface, self.timeout, |text| text.trim().parse().ok())
    }
}
