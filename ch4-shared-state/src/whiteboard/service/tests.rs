//! The service with users that are no more than an address and an outbox.

use common::core::outbox::Pushed;

use super::*;

/// One connection of a user.
struct Connection(Peer, Outbox);

impl Connection {
    fn arrive(service: &WhiteboardService, port: u16) -> Connection {
        let client = Peer::new(([127, 0, 0, 1], port).into());
        let outbox = Outbox::new(service.outbox().unwrap());
        service.arrive(&client, &outbox);
        Connection(client, outbox)
    }

    /// Upgraded to a room's WebSocket, and introduced: what the server says then, the last of it.
    fn join(&self, service: &WhiteboardService, room: &str, replica: u32, key: u32) -> String {
        let head = format!(
            "GET /{room} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        let (_, head) = RequestHead::parse(head.as_bytes(), &http::ACCEPTS).unwrap().unwrap();
        self.says(service, Incoming::Head(head));
        let hello = format!(r#"{{"type":"hello","name":"N","replica":{replica},"key":[{key},0,0,0]}}"#);
        self.says(service, Incoming::Text(hello));
        self.hears()
    }

    fn says(&self, service: &WhiteboardService, message: Incoming) {
        let _ = service.handle(&self.0, message);
    }

    fn hears(&self) -> String {
        let pushes = std::iter::from_fn(|| self.1.pop().map(|push| push.bytes));
        let last = pushes.chain(std::iter::from_fn(|| self.1.take_last()).map(Pushed::Message)).last();
        last.map_or(String::new(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
    }
}

fn service() -> WhiteboardService {
    WhiteboardService::new(Vec::new(), LEAST_OUTBOX, Duration::from_secs(3600))
}

#[test]
fn who_comes_again_from_the_same_port_has_a_seat_of_its_own() {
    for room in ["server", "collaborative"] {
        let service = service();
        let observer = Connection::arrive(&service, 9);
        observer.join(&service, room, 9, 9);
        let before = Connection::arrive(&service, 1);
        before.join(&service, room, 100, 1);
        let after = Connection::arrive(&service, 1); // and the end of the connection before was not seen
        assert!(after.join(&service, room, 200, 2).contains(r#""people":[[9,"N"],[100,"N 2"],[200,"N 3"]]"#));
        before.says(&service, Incoming::Text(r#"{"type":"cursor","cell":4}"#.into()));
        assert!(
            observer.hears().contains(r#""who":100,"cell":4"#),
            "its last message comes late, and is its own"
        );
        service.leave(&before.0);
        assert!(observer.hears().contains(r#""left","who":100"#));
        after.says(&service, Incoming::Text(r#"{"type":"cursor","cell":5}"#.into()));
        assert!(observer.hears().contains(r#""who":200,"cell":5"#));
        observer.says(&service, Incoming::Text(r#"{"type":"cursor","cell":6}"#.into()));
        assert!(after.hears().contains(r#""who":9,"cell":6"#));
        service.leave(&after.0);
        assert!(observer.hears().contains(r#""left","who":200"#));
    }
}

#[test]
fn a_number_that_is_somebodys_in_one_room_is_theirs_in_the_other() {
    let service = service();
    let [ann, eve, anns_other] = [1, 2, 3].map(|port| Connection::arrive(&service, port));
    assert!(ann.join(&service, "server", 7, 1).contains("welcome"));
    assert!(eve.join(&service, "collaborative", 7, 2).contains(TAKEN));
    assert!(anns_other.join(&service, "collaborative", 7, 1).contains("welcome"));
    ann.says(&service, Incoming::Text(r#"{"type":"paint","seen":0,"pixels":[[0,1]]}"#.into()));
    assert!(ann.hears().contains("painted"));
}

/// Two windows of one browser remember one name.
#[test]
fn the_second_of_one_name_gets_another_in_both_rooms_and_keeps_it() {
    let service = service();
    let pages = [1, 2].map(|page| [page * 10, page * 10 + 1].map(|port| Connection::arrive(&service, port)));
    let [first, second] = &pages;
    assert!(first[0].join(&service, "server", 7, 1).contains(r#""people":[[7,"N"]]"#));
    assert!(second[1].join(&service, "collaborative", 8, 2).contains(r#""people":[[8,"N 2"]]"#));
    assert!(second[0].join(&service, "server", 8, 2).contains(r#""people":[[7,"N"],[8,"N 2"]]"#));
    assert!(first[1].join(&service, "collaborative", 7, 1).contains(r#""people":[[7,"N"],[8,"N 2"]]"#));
    service.leave(&first[0].0);
    let again = Connection::arrive(&service, 30);
    assert!(again.join(&service, "server", 7, 1).contains(r#"[7,"N"]"#), "a name is one's own");
    assert_eq!(protocol::numbered("nineteen characters and", 12), "nineteen characte 12");
    assert_eq!(protocol::numbered("nineteen character s", 2), "nineteen character 2");
}
