//! Does what the arguments say, in this order: revoke, facet, post, print, follow.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, bail};
use common::support::cli::stdout;
use common::support::{interrupt, terminal};

use super::args::ChatClientArgs;
use super::session::{Session, connect, private_line, register, texts};
use crate::chat::relay::Node;
use crate::objects::stub::Stub;
use crate::pyro::serpent::Value;
use crate::pyro::uri::Uri;

pub(super) fn run(args: &ChatClientArgs) -> anyhow::Result<ExitCode> {
    let options = args.options()?;
    let mut chat = connect(args)?;
    tracing::debug!("the chat's methods: {}", terminal::line(&chat.methods().join(", ")));
    if let Some(facet) = &args.revoke {
        if chat.call("revoke", vec![facet.to_string().into()])? != Value::Bool(true) {
            bail!("the chat has made no such reference, or it is revoked already");
        }
        print(["revoked"])?;
    }
    if args.read_only {
        let facet = chat.call("read_only", Vec::new())?;
        print(facet.as_text())?;
    }
    if !args.relay.is_empty() {
        return relay(&mut chat, args);
    }
    let is_user = args.get || args.follow || !args.message.is_empty() || !args.private.is_empty();
    let user = is_user.then(|| register(&mut chat, args)).transpose()?;
    if let Some(uri) = &user {
        let mut me = Stub::connect(uri, args.wire, options)?;
        for text in &args.message {
            me.call("post", vec![text.as_str().into()])?;
        }
        for pair in args.private.chunks_exact(2) {
            me.call("post_private", vec![pair[1].as_str().into(), pair[0].as_str().into()])?;
        }
        if args.get {
            print(texts(&me.call("get", Vec::new())?))?;
            print(texts(&me.call("get_private", Vec::new())?).iter().map(|text| private_line(text)))?;
        }
    }
    if args.users {
        print(texts(&chat.call("get_users", Vec::new())?))?;
    }
    if args.read {
        print(texts(&chat.call("get", Vec::new())?))?;
    }
    match user {
        Some(me) if args.follow => follow(args, Session::new(chat.uri(), &me, args.wire, options)),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Has the chat post, and call the others.
fn relay(chat: &mut Stub, args: &ChatClientArgs) -> anyhow::Result<ExitCode> {
    let name = args.name.as_deref().unwrap_or("Unknown");
    for text in &args.message {
        let chain = Value::texts(args.relay.iter().map(Uri::to_string));
        let tree = chat.call("relay", vec![text.as_str().into(), name.into(), chain])?;
        print(Node::from_value(&tree).context("the chat answers with something that is no tree")?.tree())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn follow(args: &ChatClientArgs, mut session: Session) -> anyhow::Result<ExitCode> {
    let (mut shown, mut is_lost) = (0, false);
    let most = args.count.unwrap_or(u64::MAX);
    loop {
        match session.news() {
            Ok(lines) => {
                is_lost = false;
                let left = usize::try_from(most - shown).unwrap_or(usize::MAX);
                shown += lines.len().min(left) as u64;
                print(lines.into_iter().take(left))?;
            }
            Err(error) => {
                if !is_lost && !interrupt::has_come() {
                    tracing::warn!("{error}");
                }
                is_lost = true;
                session.recover(error, args.no_reconnect)?;
            }
        }
        if shown >= most {
            return Ok(ExitCode::SUCCESS);
        }
        if session.pause() {
            return Ok(ExitCode::from(interrupt::STATUS));
        }
    }
}

pub(super) fn print<T: AsRef<str>>(lines: impl IntoIterator<Item = T>) -> anyhow::Result<()> {
    let mut out = stdout().lock();
    for line in lines {
        writeln!(out, "{}", terminal::line(line.as_ref()))?;
    }
    out.flush()?;
    Ok(())
}
