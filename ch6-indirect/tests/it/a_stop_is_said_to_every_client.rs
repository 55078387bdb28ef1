//! SIGTERM: every client hears why, and the broker ends well.

use crate::client::{Client, connection_closed};
use crate::support::Broker;

#[test]
fn clients_hear_320_and_what_was_confirmed_before() {
    let broker = Broker::start(&[]);
    let mut clients: Vec<Client> = (0..20).map(|_| Client::with_channel(broker.address)).collect();
    let ended = broker.stop();
    assert!(ended.success(), "{ended:?}");
    for client in &mut clients {
        let (code, text) = connection_closed(&client.hear());
        assert_eq!(code, 320);
        assert!(text.starts_with("CONNECTION_FORCED"), "{text}");
        assert_eq!(client.try_hear().unwrap_err(), "the end");
    }
}

#[test]
fn one_that_has_said_nothing_holds_nothing_up() {
    let broker = Broker::start(&[]);
    let mut client = Client::silent(broker.address);
    assert!(broker.stop().success());
    assert_eq!(client.try_hear().unwrap_err(), "the end");
}
