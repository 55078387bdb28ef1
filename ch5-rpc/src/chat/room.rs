//! The users of a chat and their messages. It knows no objects: a user has the id of one.
//!
//! ```text
//!   messages:  From Ann : hello │ From Bob : hi │ User Bob leaved the chat room
//!                                └ Ann has seen those before this line
//!   private, for each user:  From Bob : psst
//! ```

use std::collections::BTreeMap;

use thiserror::Error;

/// How much a chat holds.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Users.
    pub users: usize,
    /// Bytes of all messages together. They must fit into one answer, because `get()` asks for all; escaped, they may be four times
    /// as long.
    pub bytes: usize,
    /// Bytes of private messages that wait for one user.
    pub private: usize,
    /// Bytes of one message or name.
    pub text: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { users: 1000, bytes: 3 * 1024 * 1024, private: 64 * 1024, text: 64 * 1024 }
    }
}

/// A text counts so much more, because each stands in a list.
const OVERHEAD: usize = 32;

/// The chat does not take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum Refused {
    #[error("the chat has as many users as it can have")]
    Users,
    #[error("the chat is full")]
    Full,
    #[error("the message is too long")]
    TooLong,
    #[error("a name has 1 to 200 bytes")]
    Name,
    #[error("this user has left, or another has the name now")]
    Gone,
}

/// One user of a room.
#[derive(Debug)]
struct User {
    /// The id of its object.
    id: String,
    /// Public messages that it has been given.
    seen: usize,
    private: Vec<String>,
}

/// The room.
#[derive(Debug, Default)]
pub struct Room {
    limits: Limits,
    users: BTreeMap<String, User>,
    messages: Vec<String>,
    bytes: usize,
}

impl Room {
    /// An empty one.
    #[must_use]
    pub fn new(limits: Limits) -> Room {
        Room { limits, ..Room::default() }
    }

    /// One with messages that were there before.
    #[must_use]
    pub fn with_messages(limits: Limits, messages: Vec<String>) -> Room {
        let bytes = messages.iter().map(|message| message.len() + OVERHEAD).sum();
        Room { limits, messages, bytes, ..Room::default() }
    }

    /// Adds messages as they are, with their authors.
    ///
    /// # Errors
    /// [`Refused`]: those before the one that does not fit are there.
    pub fn adopt(&mut self, messages: impl IntoIterator<Item = String>) -> Result<(), Refused> {
        messages.into_iter().try_for_each(|message| self.say(message))
    }

    /// Takes back all messages but the first `length`: they could not be stored.
    pub fn truncate(&mut self, length: usize) {
        self.messages.truncate(length);
        self.bytes = self.messages.iter().map(|message| message.len() + OVERHEAD).sum();
    }

    /// Lets a user in, with the id of its object. One that has the name already is replaced: the id of its object.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn register(&mut self, name: &str, id: String) -> Result<Option<String>, Refused> {
        if !(1..=200).contains(&name.len()) {
            return Err(Refused::Name);
        }
        if self.users.len() >= self.limits.users && !self.users.contains_key(name) {
            return Err(Refused::Users);
        }
        let user = User { id, seen: 0, private: Vec::new() };
        Ok(self.users.insert(name.to_owned(), user).map(|old| old.id))
    }

    /// Lets a user go, and says so to all. The id of its object.
    pub fn remove(&mut self, name: &str) -> Option<String> {
        let user = self.users.remove(name)?;
        let _ = self.say(format!("User {name} leaved the chat room"));
        Some(user.id)
    }

    /// Lets all users go without a word: the ids of their objects.
    pub fn take_users(&mut self) -> Vec<String> {
        std::mem::take(&mut self.users).into_values().map(|user| user.id).collect()
    }

    /// The users' names.
    pub fn users(&self) -> impl Iterator<Item = &str> {
        self.users.keys().map(String::as_str)
    }

    /// Posts for all.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn post(&mut self, text: &str, name: &str) -> Result<(), Refused> {
        let message = self.message(text, name)?;
        self.say(message)
    }

    fn say(&mut self, message: String) -> Result<(), Refused> {
        let bytes = self.bytes + message.len() + OVERHEAD;
        if bytes > self.limits.bytes {
            return Err(Refused::Full);
        }
        self.bytes = bytes;
        self.messages.push(message);
        Ok(())
    }

    /// Posts for one user: the id of its object. To a name that is not there: silently nothing.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn post_private(&mut self, text: &str, to: &str, name: &str) -> Result<Option<String>, Refused> {
        let message = self.message(text, name)?;
        let Some(user) = self.users.get_mut(to) else { return Ok(None) };
        let waiting: usize = user.private.iter().map(|text| text.len() + OVERHEAD).sum();
        if waiting + message.len() + OVERHEAD > self.limits.private.max(self.limits.text) {
            return Err(Refused::Full);
        }
        user.private.push(message);
        Ok(Some(user.id.clone()))
    }

    /// Public messages from an index on; a negative one counts from the end, as in Python.
    #[must_use]
    pub fn messages(&self, index: i64) -> &[String] {
        let length = self.messages.len();
        let distance = usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX);
        let start = if index < 0 { length.saturating_sub(distance) } else { distance.min(length) };
        &self.messages[start..]
    }

    /// Public messages that this user has not been given.
    ///
    /// # Errors
    /// The name is not, or no longer, that of the object `id`.
    pub fn unseen(&mut self, name: &str, id: &str) -> Result<&[String], Refused> {
        let length = self.messages.len();
        let user = self.user(name, id)?;
        let seen = std::mem::replace(&mut user.seen, length);
        Ok(&self.messages[seen..])
    }

    /// The private messages of this user, which are its own from now on.
    ///
    /// # Errors
    /// The name is not, or no longer, that of the object `id`.
    pub fn take_private(&mut self, name: &str, id: &str) -> Result<Vec<String>, Refused> {
        self.user(name, id).map(|user| std::mem::take(&mut user.private))
    }

    /// How many public messages there are, for a user that is here.
    ///
    /// # Errors
    /// The name is not, or no longer, that of the object `id`.
    pub fn count_for(&mut self, name: &str, id: &str) -> Result<usize, Refused> {
        self.user(name, id)?;
        Ok(self.messages.len())
    }

    fn user(&mut self, name: &str, id: &str) -> Result<&mut User, Refused> {
        self.users.get_mut(name).filter(|user| user.id == id).ok_or(Refused::Gone)
    }

    fn message(&self, text: &str, name: &str) -> Result<String, Refused> {
        let fits = text.len() <= self.limits.text && name.len() <= self.limits.text;
        if fits { Ok(format!("From {name} : {text}")) } else { Err(Refused::TooLong) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room() -> Room {
        let mut room = Room::new(Limits { users: 3, bytes: 400, private: 100, text: 50 });
        room.register("Ann", "a".into()).unwrap();
        room.register("Bob", "b".into()).unwrap();
        room
    }

    #[test]
    fn each_is_given_each_public_message_once_its_own_included() {
        let mut room = room();
        room.post("hello", "Ann").unwrap();
        room.post("hi", "Bob").unwrap();
        assert_eq!(room.unseen("Ann", "a").unwrap(), ["From Ann : hello", "From Bob : hi"]);
        assert!(room.unseen("Ann", "a").unwrap().is_empty());
        room.post("more", "Unknown").unwrap();
        assert_eq!(room.unseen("Ann", "a").unwrap(), ["From Unknown : more"]);
        assert_eq!(room.unseen("Bob", "b").unwrap().len(), 3);
        for (index, count) in [(0, 3), (2, 1), (9, 0), (-1, 1), (-9, 3), (i64::MIN, 3), (i64::MAX, 0)] {
            assert_eq!(room.messages(index).len(), count, "{index}");
        }
    }

    #[test]
    fn private_messages_are_for_one_and_are_given_once() {
        let mut room = room();
        room.post_private("psst", "Bob", "Ann").unwrap();
        room.post_private("lost", "Carol", "Ann").unwrap();
        assert!(room.take_private("Ann", "a").unwrap().is_empty() && room.messages(0).is_empty());
        assert_eq!(room.take_private("Bob", "b").unwrap(), ["From Ann : psst"]);
        assert!(room.take_private("Bob", "b").unwrap().is_empty());
    }

    #[test]
    fn a_taken_name_replaces_its_user() {
        let mut room = room();
        room.post_private("psst", "Bob", "Ann").unwrap();
        assert_eq!(room.register("Bob", "c".into()), Ok(Some("b".into())));
        assert_eq!(room.take_private("Bob", "b"), Err(Refused::Gone));
        assert_eq!(room.unseen("Bob", "b"), Err(Refused::Gone));
        assert_eq!(
            room.take_private("Bob", "c"),
            Ok(vec![]),
            "what was for the old one is not for the new one"
        );
        assert_eq!(room.users().collect::<Vec<_>>(), ["Ann", "Bob"]);
        assert_eq!((room.remove("Bob"), room.remove("Bob")), (Some("c".into()), None));
        assert_eq!(room.messages(0), ["User Bob leaved the chat room"]);
    }

    #[test]
    fn everything_is_bounded() {
        let mut room = room();
        room.register("Carol", "c".into()).unwrap();
        assert_eq!(room.register("Dave", "d".into()), Err(Refused::Users));
        assert_eq!(room.register("", "d".into()), Err(Refused::Name));
        assert_eq!(room.register(&"x".repeat(201), "d".into()), Err(Refused::Name));
        assert_eq!(room.post(&"x".repeat(51), "Ann"), Err(Refused::TooLong));
        assert_eq!(room.post_private("x", "Bob", &"x".repeat(51)), Err(Refused::TooLong));
        let posted = (0..100).take_while(|_| room.post("0123456789", "Ann").is_ok()).count();
        assert_eq!(posted, 400 / (21 + OVERHEAD));
        let sent = (0..100).take_while(|_| room.post_private("0123456789", "Bob", "Ann").is_ok()).count();
        assert_eq!(sent, 100 / (21 + OVERHEAD));
    }
}
