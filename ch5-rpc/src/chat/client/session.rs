//! The chat's object, the user's own, and what is new in them.
//!
//! In our wire the chat calls: the session exports an object, and what is new comes to it by itself. In Pyro's wire it asks again and
//! again. Either way public messages have numbers, and those that were missed are asked for by number, from the chat: the same question
//! again gives the same answer, so it may be asked again when an answer was lost. The user's own `get` gives each message once: it is
//! lost with its answer. Of private messages there is no other way.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use super::args::ChatClientArgs;
use crate::objects::stub::{Stub, Wire};
use crate::pyro::call::{Call, Exception};
use crate::pyro::object::Object;
use crate::pyro::proxy::{CallError, Options};
use crate::pyro::serpent::Value;
use crate::pyro::uri::Uri;

/// How often one looks for what is new, where the chat cannot call.
const LOOK: Duration = Duration::from_millis(250);

/// A connection that is made again when it was lost.
struct Link {
    uri: Uri,
    wire: Wire,
    options: Options,
    stub: Option<Stub>,
}

/// What a user has.
pub(super) struct Session {
    chat: Link,
    me: Link,
    /// How many public messages are known.
    index: i64,
    inbox: Arc<Inbox>,
    /// When the chat was heard last; `None`: it does not call us.
    heard: Option<Instant>,
}

/// The object that the chat calls.
#[derive(Default)]
struct Inbox(Mutex<News>);

#[derive(Default)]
struct News {
    public: Vec<(i64, String)>,
    has_private: bool,
    is_removed: bool,
}

/// The chat's object.
pub(super) fn connect(args: &ChatClientArgs) -> anyhow::Result<Stub> {
    let chat = args.chat()?;
    let mut chat = Stub::connect(&chat, args.wire, args.options()?).map_err(|error| {
        let hint = error.hint("chat", "cargo ch5 chat-server");
        anyhow::Error::from(error).context(hint)
    })?;
    let Some(room) = &args.room else { return Ok(chat) };
    let room = chat.call("open", vec![room.as_str().into()])?;
    let room = Uri::from_value(&room).context("the chat answers with something that is no reference")?;
    Ok(Stub::connect(&room, args.wire, args.options()?)?)
}

/// Registers in the chat: the reference to an object of one's own.
pub(super) fn register(chat: &mut Stub, args: &ChatClientArgs) -> anyhow::Result<Uri> {
    let name = args.name.as_deref().context("without a name one can only read: -n NAME")?;
    let me = chat.call("register", vec![name.into()])?;
    Uri::from_value(&me).context("the chat answers with something that is no reference")
}

impl Object for Inbox {
    fn interface(&self) -> &'static str {
        "chat.Listener"
    }

    fn methods(&self) -> &'static [&'static str] {
        &["message", "private", "removed"]
    }

    fn call(&self, call: &Call<'_>) -> Result<Value, Exception> {
        let mut news = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (call.method, call.args) {
            ("message", [Value::Int(number), Value::Text(text)]) => news.public.push((*number, text.clone())),
            ("private", []) => news.has_private = true,
            ("removed", []) => news.is_removed = true,
            _ => return Err(Exception::builtin("TypeError", "message(number, text), private(), removed()")),
        }
        Ok(Value::None)
    }
}

impl Inbox {
    fn take(&self) -> News {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Link {
    fn call(&mut self, method: &str, args: Vec<Value>) -> Result<Value, CallError> {
        self.with(|stub| stub.call(method, args))
    }

    fn with<T>(&mut self, call: impl FnOnce(&mut Stub) -> Result<T, CallError>) -> Result<T, CallError> {
        let mut stub = match self.stub.take() {
            Some(stub) => stub,
            None => Stub::connect(&self.uri, self.wire, self.options)?,
        };
        let result = call(&mut stub);
        // In Pyro's wire the next answer would be taken for a lost one.
        if matches!(result, Ok(_) | Err(CallError::Failed(_))) {
            self.uri = stub.uri().clone();
            self.stub = Some(stub);
        }
        result
    }
}

impl Session {
    pub(super) fn new(chat: &Uri, me: &Uri, wire: Wire, options: Options) -> Session {
        let link = |uri: &Uri| Link { uri: uri.clone(), wire, options, stub: None };
        Session { chat: link(chat), me: link(me), index: 0, inbox: Arc::default(), heard: None }
    }

    /// Lines that were not shown yet. Where the chat calls us, it waits a little for them.
    pub(super) fn news(&mut self) -> Result<Vec<String>, CallError> {
        let news = self.pushed();
        if news.is_err() {
            self.heard = None;
        }
        news
    }

    fn pushed(&mut self) -> Result<Vec<String>, CallError> {
        // One that hears nothing for long asks whether the server is still there.
        let timeout = self.me.options.timeout;
        let is_subscribed = self.heard.is_some() && self.me.stub.is_some();
        if !is_subscribed || self.heard.is_some_and(|heard| heard.elapsed() > timeout) {
            if !is_subscribed {
                self.subscribe()?;
            }
            return self.asked();
        }
        let uri = self.me.uri.clone();
        self.me.with(|stub| {
            let Some(stub) = stub.framed() else { return Ok(()) };
            stub.connection().serve(LOOK)?;
            match stub.connection().take_expired(&uri.object) {
                true => Err(CallError::Refused(uri, "the lease is over".into())),
                false => Ok(()),
            }
        })?;
        let News { public, has_private, is_removed } = self.inbox.take();
        if is_removed {
            return Err(CallError::Refused(self.me.uri.clone(), "the user was removed".into()));
        }
        if has_private || public.iter().any(|(number, _)| *number > self.index) {
            return self.asked();
        }
        let mut lines = Vec::new();
        for (number, text) in public {
            self.heard = Some(Instant::now());
            // Those that were there when we asked are known already.
            if number == self.index {
                self.index += 1;
                lines.push(text);
            }
        }
        Ok(lines)
    }

    /// Asks to be called, where that is possible.
    fn subscribe(&mut self) -> Result<(), CallError> {
        let inbox = Arc::clone(&self.inbox);
        self.me.with(|stub| {
            let Some(stub) = stub.framed() else { return Ok(()) };
            inbox.take();
            let id = stub.uri().object.clone();
            stub.connection().hold(&id);
            let listener = stub.connection().export(inbox);
            stub.call_with("subscribe", vec![listener]).map(drop)
        })
    }

    fn asked(&mut self) -> Result<Vec<String>, CallError> {
        let public = self.chat.call("get", vec![Value::Int(self.index)])?;
        let mut lines = texts(&public);
        self.index += lines.len() as i64;
        match self.me.call("get_private", Vec::new()) {
            Ok(private) => lines.extend(texts(&private).iter().map(|text| private_line(text))),
            // The public ones are shown all the same; the next call meets the same error.
            Err(error) if lines.is_empty() => return Err(error),
            Err(_) => {}
        }
        self.heard = (self.me.wire == Wire::Framed).then(Instant::now);
        Ok(lines)
    }

    /// What the next [`news`](Session::news) needs after an error: nothing, if the server may come back, or else the error.
    pub(super) fn recover(&self, error: CallError, no_reconnect: bool) -> anyhow::Result<()> {
        match error {
            CallError::NoServer(..) | CallError::Unknown(_) if !no_reconnect => Ok(()),
            CallError::Refused(..) => bail!(
                "the reference is good for nothing any more: another has your name, the chat was restarted, or you were \
                 away for longer than your lease"
            ),
            error => Err(error.into()),
        }
    }

    /// Waits a little before the next question; not where the chat calls us. Whether Ctrl-C has come.
    pub(super) fn pause(&self) -> bool {
        let interrupted = self.me.options.interrupted;
        let end = Instant::now() + if self.heard.is_some() { Duration::ZERO } else { LOOK };
        while Instant::now() < end && !interrupted.load(Ordering::Relaxed) {
            sleep(LOOK / 5);
        }
        interrupted.load(Ordering::Relaxed)
    }
}

pub(super) fn texts(value: &Value) -> Vec<String> {
    value.items().unwrap_or_default().iter().filter_map(|text| text.as_text().map(str::to_owned)).collect()
}

pub(super) fn private_line(text: &str) -> String {
    format!("(private) {text}")
}
