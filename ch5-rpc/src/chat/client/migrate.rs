//! `--migrate-to`: moves a chat to another server.

use std::process::ExitCode;

use anyhow::{Context, bail};

use super::args::ChatClientArgs;
use super::session::{connect, texts};
use crate::objects::stub::Stub;
use crate::pyro::proxy::CallError;
use crate::pyro::serpent::Value;
use crate::pyro::uri::Uri;

/// Most bytes of messages in one call.
const PART: usize = 256 * 1024;

pub(super) fn run(args: &ChatClientArgs, to: &Uri) -> anyhow::Result<ExitCode> {
    let mut chat = connect(args)?;
    let mut target = Stub::connect(to, args.wire, args.options()?).context("the other server")?;
    let messages = texts(&chat.call("depart", Vec::new())?);
    let new = match copy(&mut target, &messages, args) {
        Ok(new) => new,
        Err(error) => {
            let _ = chat.call("stay", Vec::new()); // if this is lost, too, it stays after a while
            return Err(error.context("the chat has stayed"));
        }
    };
    match chat.call("moved", vec![new.to_string().into()]) {
        Ok(_) => super::script::print([new.to_string()])?,
        Err(CallError::Unknown(error)) => {
            bail!("it is not known whether the chat has moved to {new}: {error}")
        }
        Err(error) => return Err(error).context("the chat has stayed"),
    }
    Ok(ExitCode::SUCCESS)
}

/// A chat at the other server, with these messages.
fn copy(target: &mut Stub, messages: &[String], args: &ChatClientArgs) -> anyhow::Result<Uri> {
    let new = target.call("arrive", Vec::new())?;
    let new =
        Uri::from_value(&new).context("the other server answers with something that is no reference")?;
    let mut home = Stub::connect(&new, args.wire, args.options()?)?;
    let mut rest = messages;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = |text: &&String| {
            bytes += text.len();
            bytes <= PART
        };
        let count = rest.iter().take_while(fits).count().max(1);
        let (part, behind) = rest.split_at(count);
        home.call("adopt", vec![Value::texts(part.iter().map(String::as_str))])?;
        rest = behind;
    }
    Ok(new)
}
