//! The chat's object, the user's own, and what is new in them.
//!
//! Public messages are asked for by their number, from the chat: the same question again gives the same answer, so it may be asked
//! again when an answer was lost. The user's own `get` gives each message once: it is lost with its answer. Of private messages there
//! is no other way.

use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::args::ChatClientArgs;
use crate::pyro::proxy::{CallError, Options, Proxy};
use crate::pyro::serpent::Value;
use crate::pyro::uri::Uri;

/// How often one looks for what is new: a user's object cannot call its user.
pub(super) const LOOK: Duration = Duration::from_millis(250);

/// A connection that is made again when it was lost.
struct Link {
    uri: Uri,
    options: Options,
    proxy: Option<Proxy>,
}

/// What a user has.
pub(super) struct Session {
    chat: Link,
    me: Link,
    /// How many public messages are known.
    index: i64,
}

/// The chat's object.
pub(super) fn connect(args: &ChatClientArgs) -> anyhow::Result<Proxy> {
    let chat = args.chat()?;
    Proxy::connect(&chat, args.options()?).context("no chat; start one with `cargo ch5 chat-server`")
}

/// Registers in the chat: the reference to an object of one's own.
pub(super) fn register(chat: &mut Proxy, args: &ChatClientArgs) -> anyhow::Result<Uri> {
    let name = args.name.as_deref().context("without a name one can only read: -n NAME")?;
    let me = chat.call("register", vec![name.into()])?;
    Uri::from_value(&me).context("the chat answers with something that is no reference")
}

impl Link {
    fn call(&mut self, method: &str, args: Vec<Value>) -> Result<Value, CallError> {
        let mut proxy = match self.proxy.take() {
            Some(proxy) => proxy,
            None => Proxy::connect(&self.uri, self.options)?,
        };
        let result = proxy.call(method, args);
        // After a lost answer the next one would be taken for it.
        if matches!(result, Ok(_) | Err(CallError::Failed(_))) {
            self.proxy = Some(proxy);
        }
        result
    }
}

impl Session {
    pub(super) fn new(chat: &Uri, me: &Uri, options: Options) -> Session {
        let link = |uri: &Uri| Link { uri: uri.clone(), options, proxy: None };
        Session { chat: link(chat), me: link(me), index: 0 }
    }

    /// Lines that were not shown yet.
    pub(super) fn news(&mut self) -> Result<Vec<String>, CallError> {
        let public = self.chat.call("get", vec![Value::Int(self.index)])?;
        let mut lines = texts(&public);
        self.index += lines.len() as i64;
        match self.me.call("get_private", Vec::new()) {
            Ok(private) => lines.extend(texts(&private).iter().map(|text| private_line(text))),
            // The public ones are shown all the same; the next call meets the same error.
            Err(error) if lines.is_empty() => return Err(error),
            Err(_) => {}
        }
        Ok(lines)
    }

    /// What the next [`news`](Session::news) needs after an error: nothing, if the server may come back, or else the error.
    pub(super) fn recover(&self, error: CallError, no_reconnect: bool) -> anyhow::Result<()> {
        match error {
            CallError::NoServer(..) | CallError::Unknown(_) if !no_reconnect => Ok(()),
            CallError::Refused(..) => bail!(
                "the reference is good for nothing any more: another has your name, or the chat was restarted"
            ),
            error => Err(error.into()),
        }
    }
}

/// Waits a little; whether Ctrl-C has come.
pub(super) fn pause(options: Options) -> bool {
    let end = Instant::now() + LOOK;
    while Instant::now() < end && !options.interrupted.load(Ordering::Relaxed) {
        sleep(LOOK / 5);
    }
    options.interrupted.load(Ordering::Relaxed)
}

pub(super) fn texts(value: &Value) -> Vec<String> {
    value.items().unwrap_or_default().iter().filter_map(|text| text.as_text().map(str::to_owned)).collect()
}

pub(super) fn private_line(text: &str) -> String {
    format!("(private) {text}")
}
