//! `chat-client`: a user of a chat, at a terminal or from a script. Notes, figure 5.7.
//!
//! | file | what it is |
//! |---|---|
//! | `args` | the arguments, and how the chat is found |
//! | `session` | the chat's object and the user's own, and what is new in them |
//! | `script` | posts, prints and ends |
//! | `pipeline` | shows what pipelining saves |
//! | `migrate` | moves a chat to another server |
//! | `interactive` | posts what is typed, and shows what comes above the line that is being typed |

mod args;
mod interactive;
mod migrate;
mod pipeline;
mod script;
mod session;

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use anyhow::bail;

pub use args::ChatClientArgs;

/// Posts, prints, or talks to the one at the terminal.
///
/// # Errors
/// The chat is not found, does not answer, or refuses.
pub fn run(args: &ChatClientArgs) -> anyhow::Result<ExitCode> {
    if let Some(to) = &args.migrate_to {
        return migrate::run(args, to);
    }
    if args.pipeline {
        return pipeline::run(args, args.delay);
    }
    if args.is_scripted() {
        return script::run(args);
    }
    if !io::stdin().is_terminal() {
        bail!(
            "standard input is no terminal: say what to do with --message, --private, --get, --read or --follow"
        );
    }
    interactive::run(args)
}
