//! Services × models: the same conversation under each.

use ch3_threads::model::Model;
use ch5_rpc::pyro::serpent::Value;
use clap::ValueEnum;

use crate::remote::{chat, failing, proxy, uri};

#[test]
fn two_users_talk_under_each_and_a_model_that_copies_is_refused() {
    for model in Model::value_variants() {
        let name = model.name();
        if model.copies_memory() {
            let refused = failing(&["chat-server", "-p", "0", "--announce", "off", "--model", &name]);
            assert!(refused.contains("needs one memory"), "{name}: {refused}");
            continue;
        }
        if model.available().is_err() {
            println!("skipped: {name} is not possible here");
            continue;
        }
        let server = chat(&["--model", &name]);
        let chat = uri(&server);
        // A model that serves one client at a time serves one after the other.
        for (user, count) in [("Ann", 1), ("Bob", 2)] {
            let mut room = proxy(&chat);
            if *model == Model::OneClient {
                room.call("post", vec!["hello".into(), user.into()]).unwrap();
                assert_eq!(room.call("get", vec![]).unwrap(), Value::texts(["From Ann : hello"]), "{name}");
                break;
            }
            let Ok(Value::Text(me)) = room.call("register", vec![user.into()]) else { panic!("{name}") };
            drop(room);
            let mut me = proxy(&me.parse().unwrap());
            me.call("post", vec!["hello".into()]).unwrap();
            assert_eq!(me.call("get", vec![]).unwrap().items().unwrap().len(), count, "{name}");
        }
        assert!(server.stop().success(), "{name}");
    }
}
