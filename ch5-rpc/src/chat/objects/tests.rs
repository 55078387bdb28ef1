use common::core::service::Peer;

use super::super::durable::Durable;
use super::*;
use crate::pyro::call::Context;
use crate::pyro::message::Version;
use crate::pyro::serpent::literal;
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
    let call = Call {
        method,
        args,
        kwargs: &Value::None,
        version: Version::Five,
        peer,
        context: Context::default(),
    };
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
fn a_chat_on_disk_is_read_when_it_is_called_and_dropped_when_it_is_idle() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("chat.redb");
    let start = || {
        let objects = Objects::default();
        objects.place("127.0.0.1".into(), 7777);
        let (durable, id) = Durable::open(&path, None, &objects, Limits::default()).unwrap();
        (objects, durable, id)
    };
    let is_active = |durable: &Durable| durable.active();
    let (objects, durable, id) = start();
    assert_eq!(is_active(&durable), 0);
    assert_eq!(call(&objects, &id, "post", "'hello','Ann','call 1'"), "None");
    assert_eq!(call(&objects, &id, "post", "'hello','Ann','call 1'"), "None");
    let facet = call(&objects, &id, "read_only", "");
    let revoked = call(&objects, &id, "read_only", "");
    assert_eq!(call(&objects, &id, "revoke", &revoked), "True");
    let talk = call(&objects, &id, "open", "'talk'");
    assert_eq!(call(&objects, &talk, "post", "'in another','Ann'"), "None");
    let ann = call(&objects, &talk, "register", "'Ann'");
    assert_eq!(is_active(&durable), 2);
    durable.deactivate(Duration::from_secs(60));
    assert_eq!(is_active(&durable), 2, "not idle for so long");
    durable.deactivate(Duration::ZERO);
    assert_eq!(is_active(&durable), 1, "a user is in the other");
    assert_eq!(call(&objects, &facet, "get", "0"), "['From Ann : hello']", "activated by a call");
    // The objects and a chat know each other: the file is closed when the chats are taken out.
    let talk_id = talk.trim_matches('\'').parse::<Uri>().unwrap().object;
    assert!(objects.revoke(&id) && objects.revoke(&talk_id));
    drop((objects, durable));

    let (objects, durable, again) = start();
    assert_eq!((again == id, is_active(&durable)), (true, 0));
    assert_eq!(call(&objects, &ann, "whoami", ""), "unknown object", "a live reference");
    assert_eq!(call(&objects, &revoked, "get", "0"), "unknown object");
    assert_eq!(call(&objects, &facet, "get", "0"), "['From Ann : hello']");
    assert_eq!(call(&objects, &id, "post", "'hello','Ann','call 1'"), "None");
    assert_eq!(call(&objects, &id, "get", "0"), "['From Ann : hello']", "the call was done before");
    assert_eq!(call(&objects, &id, "open", "'talk'"), talk);
    assert_eq!(call(&objects, &talk, "get", "0"), "['From Ann : in another']");
    assert!(call(&objects, &id, "post", "'x','Ann',7").starts_with("TypeError"));
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
