//! The objects of the chat, with the methods of the notes' program and three of ours.
//!
//! | object | method | what |
//! |---|---|---|
//! | Chat | `register(name)` | a reference to a User object |
//! | | `post(msg, name='Unknown')`, `post_private(msg, to, name='Unknown')` | |
//! | | `get(idx=0)`, `get_users()`, `remove_user(name)` | |
//! | | `read_only()` | ours: a reference to a facet, which can only read |
//! | | `revoke(reference)` | ours: this facet is good for nothing from now on |
//! | User | `post(msg)`, `post_private(msg, to)`, `get()`, `get_private()`, `whoami()` | |
//! | facet | `get(idx=0)`, `get_users()` | |
//!
//! **A reference is a capability.** One that has the facet's reference can read and cannot post: no list of rights is asked, the object
//! simply has no such method. Its id tells nothing about the chat's.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::room::{Limits, Refused, Room};
use crate::pyro::call::{Call, Exception};
use crate::pyro::objects::{Object, Objects};
use crate::pyro::serpent::{Value, literal};
use crate::pyro::uri::Uri;

/// Most facets of one chat.
const FACETS: usize = 1000;

/// A chat and all objects of it.
pub struct Chat {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// Where the objects are that it makes.
    objects: Objects,
}

struct State {
    room: Room,
    /// The ids of the facets that were given away.
    facets: BTreeSet<String>,
}

struct User {
    chat: Weak<Shared>,
    name: String,
    /// Its own id: what tells it from one that has had the name before it.
    id: Mutex<String>,
}

struct ReadOnly {
    chat: Weak<Shared>,
}

impl Chat {
    /// An empty chat, whose objects are added to these.
    #[must_use]
    pub fn new(objects: Objects, limits: Limits) -> Chat {
        let state = Mutex::new(State { room: Room::new(limits), facets: BTreeSet::new() });
        Chat { shared: Arc::new(Shared { state, objects }) }
    }

    fn register(&self, name: &str) -> Result<Value, Exception> {
        let user = Arc::new(User {
            chat: Arc::downgrade(&self.shared),
            name: name.to_owned(),
            id: Mutex::default(),
        });
        let id = self.shared.objects.add(user.clone())?;
        lock(&user.id).clone_from(&id);
        // Bound first, and not in the `match`: there the lock would be held while the objects are locked.
        let replaced = self.shared.state().room.register(name, id.clone());
        match replaced {
            Ok(old) => old.map(|old| self.shared.objects.revoke(&old)),
            Err(refused) => {
                self.shared.objects.revoke(&id);
                return Err(refused.into());
            }
        };
        Ok(self.shared.objects.uri(&id).to_string().into())
    }

    fn remove_user(&self, name: &str) {
        let removed = self.shared.state().room.remove(name);
        if let Some(id) = removed {
            self.shared.objects.revoke(&id);
        }
    }

    fn read_only(&self) -> Result<Value, Exception> {
        if self.shared.state().facets.len() >= FACETS {
            return Err(Exception::builtin("RuntimeError", "the chat has too many facets: revoke some"));
        }
        let id = self.shared.objects.add(Arc::new(ReadOnly { chat: Arc::downgrade(&self.shared) }))?;
        self.shared.state().facets.insert(id.clone());
        Ok(self.shared.objects.uri(&id).to_string().into())
    }

    /// Only what `read_only` has made: one that has the chat's reference cannot take away the objects of its users.
    fn revoke(&self, reference: &Value) -> Result<Value, Exception> {
        let wrong = || Exception::builtin("TypeError", "revoke wants a reference");
        let uri = Uri::from_value(reference).ok_or_else(wrong)?;
        let is_ours = self.shared.state().facets.remove(&uri.object);
        Ok(Value::Bool(is_ours && self.shared.objects.revoke(&uri.object)))
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn get(&self, call: &Call<'_>) -> Result<Value, Exception> {
        let index = match call.bind(0, ["idx"])? {
            [None] => 0,
            [Some(Value::Int(index))] => *index,
            [Some(_)] => return Err(Exception::builtin("TypeError", "idx must be an int")),
        };
        Ok(texts(self.state().room.messages(index)))
    }

    fn users(&self) -> Value {
        Value::texts(self.state().room.users())
    }
}

impl Object for Chat {
    fn methods(&self) -> &'static [&'static str] {
        &["get", "get_users", "post", "post_private", "read_only", "register", "remove_user", "revoke"]
    }

    fn call(&self, call: &Call<'_>) -> Result<Value, Exception> {
        match call.method {
            "register" => {
                let [name] = call.bind(1, ["me"])?;
                return self.register(&shown(name));
            }
            "post" => {
                let [text, name] = call.bind(1, ["msg", "name"])?;
                self.shared.state().room.post(&shown(text), &named(name))?;
            }
            "post_private" => {
                let [text, to, name] = call.bind(2, ["msg", "to", "name"])?;
                self.shared.state().room.post_private(&shown(text), &shown(to), &named(name))?;
            }
            "get" => return self.shared.get(call),
            "get_users" => return Ok(self.shared.users()),
            "remove_user" => {
                let [name] = call.bind(1, ["name"])?;
                self.remove_user(&shown(name));
            }
            "read_only" => return self.read_only(),
            _ => {
                let [reference] = call.bind(1, ["reference"])?;
                return self.revoke(reference.unwrap_or(&Value::None));
            }
        }
        Ok(Value::None)
    }
}

impl Object for User {
    fn methods(&self) -> &'static [&'static str] {
        &["get", "get_private", "post", "post_private", "whoami"]
    }

    fn call(&self, call: &Call<'_>) -> Result<Value, Exception> {
        let chat = self.chat.upgrade().ok_or_else(Exception::unknown_object)?;
        let id = lock(&self.id).clone();
        let mut state = chat.state();
        match call.method {
            "post" => {
                let [text] = call.bind(1, ["msg"])?;
                state.room.post(&shown(text), &self.name)?;
            }
            "post_private" => {
                let [text, to] = call.bind(2, ["msg", "to"])?;
                state.room.post_private(&shown(text), &shown(to), &self.name)?;
            }
            "get" => return Ok(texts(state.room.unseen(&self.name, &id)?)),
            "get_private" => return Ok(texts(&state.room.take_private(&self.name, &id)?)),
            _ => return Ok(self.name.as_str().into()), // whoami
        }
        Ok(Value::None)
    }
}

impl Object for ReadOnly {
    fn methods(&self) -> &'static [&'static str] {
        &["get", "get_users"]
    }

    fn call(&self, call: &Call<'_>) -> Result<Value, Exception> {
        let chat = self.chat.upgrade().ok_or_else(Exception::unknown_object)?;
        if call.method == "get" { chat.get(call) } else { Ok(chat.users()) }
    }
}

impl From<Refused> for Exception {
    fn from(refused: Refused) -> Exception {
        let class = if refused == Refused::Name { "ValueError" } else { "RuntimeError" };
        Exception::builtin(class, refused.to_string())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn texts(messages: &[String]) -> Value {
    Value::texts(messages.iter().map(String::as_str))
}

/// A value as Python's `%s` shows it.
fn shown(value: Option<&Value>) -> String {
    match value {
        Some(Value::Text(text)) => text.clone(),
        Some(other) => literal(other),
        None => String::new(),
    }
}

fn named(name: Option<&Value>) -> String {
    if name.is_some() { shown(name) } else { "Unknown".into() }
}

#[cfg(test)]
mod tests {
    use common::core::service::Peer;

    use super::*;
    use crate::pyro::message::Version;
    use crate::pyro::serpent::read;

    fn call(objects: &Objects, reference: &str, method: &str, args: &str) -> String {
        let id = reference.trim_matches('\'').parse::<Uri>().map_or(reference.to_owned(), |uri| uri.object);
        let Some(object) = objects.find(&id) else { return "unknown object".into() };
        if !object.methods().contains(&method) {
            return "no such method".into();
        }
        let args = read(format!("[{args}]").as_bytes()).unwrap();
        let peer = Peer::new(([127, 0, 0, 1], 1).into());
        let args = args.items().unwrap();
        let call = Call { method, args, kwargs: &Value::None, version: Version::Five, peer };
        object.call(&call).map_or_else(|exception| exception.to_string(), |value| literal(&value))
    }

    fn chat() -> Objects {
        let objects = Objects::default();
        objects.place("127.0.0.1".into(), 7777);
        let chat = Chat::new(objects.clone(), Limits::default());
        objects.add_as("chat", Arc::new(chat)).unwrap();
        objects
    }

    #[test]
    fn the_chat_does_what_the_notes_program_does() {
        let objects = chat();
        let call = |reference: &str, method: &str, args: &str| call(&objects, reference, method, args);
        let ann = call("chat", "register", "'Ann'");
        let bob = call("chat", "register", "'Bob'");
        assert!(ann.starts_with("'PYRO:") && ann != bob);
        assert_eq!(call(&ann, "post", "'hello'"), "None");
        assert_eq!(call("chat", "post", "7"), "None");
        assert_eq!(call("chat", "post", "'x','Zoe'"), "None");
        let all = "['From Ann : hello','From Unknown : 7','From Zoe : x']";
        assert_eq!((call(&bob, "get", ""), call("chat", "get", "")), (all.into(), all.into()));
        assert_eq!(call(&bob, "get", ""), "[]");
        assert_eq!(call("chat", "get", "-1"), "['From Zoe : x']");
        assert_eq!(call(&ann, "post_private", "'psst','Bob'"), "None");
        assert_eq!(call(&ann, "post_private", "'psst','Nobody'"), "None");
        assert_eq!(
            (call(&ann, "get_private", ""), call(&bob, "get_private", "")),
            ("[]".into(), "['From Ann : psst']".into())
        );
        assert_eq!(
            (call(&ann, "whoami", ""), call("chat", "get_users", "")),
            ("'Ann'".into(), "['Ann','Bob']".into())
        );
        assert_eq!(call("chat", "remove_user", "'Bob'"), "None");
        assert_eq!(call("chat", "get", "3"), "['User Bob leaved the chat room']");
        assert_eq!(call(&bob, "whoami", ""), "unknown object");
        assert_eq!(call("chat", "post", ""), "TypeError: post() missing argument: 'msg'");
    }

    #[test]
    fn one_that_takes_a_name_takes_no_messages_with_it_and_leaves_no_object() {
        let objects = chat();
        let first = call(&objects, "chat", "register", "'Ann'");
        let count = objects.count();
        let second = call(&objects, "chat", "register", "'Ann'");
        assert_eq!(objects.count(), count);
        assert_eq!(call(&objects, &first, "get_private", ""), "unknown object");
        assert_eq!(call(&objects, &second, "whoami", ""), "'Ann'");
        assert!(call(&objects, "chat", "register", "''").starts_with("ValueError"));
        assert_eq!(objects.count(), count, "the object of one that was refused is gone");
    }

    #[test]
    fn a_facet_reads_until_it_is_revoked_and_can_do_nothing_else() {
        let objects = chat();
        let call = |reference: &str, method: &str, args: &str| call(&objects, reference, method, args);
        let ann = call("chat", "register", "'Ann'");
        call("chat", "post", "'hello','Ann'");
        let (facet, other) = (call("chat", "read_only", ""), call("chat", "read_only", ""));
        assert_eq!(call(&facet, "get", "0"), "['From Ann : hello']");
        assert_eq!(call(&facet, "get_users", ""), "['Ann']");
        for method in ["post", "register", "read_only", "revoke", "remove_user"] {
            assert_eq!(call(&facet, method, "'x','y'"), "no such method", "{method}");
        }
        assert_eq!(call("chat", "revoke", &facet), "True");
        assert_eq!(call("chat", "revoke", &facet), "False");
        assert_eq!(call(&facet, "get", "0"), "unknown object");
        assert_eq!(call(&other, "get_users", ""), "['Ann']");
        assert_eq!(call("chat", "revoke", &ann), "False", "a user is no facet");
        assert_eq!(call(&ann, "whoami", ""), "'Ann'");
    }
}
