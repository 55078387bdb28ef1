//! The original block protocol, byte by byte, as the notes' client speaks it.

use std::net::SocketAddr;
use std::time::Duration;

use ch2_sockets::session::pdu::{OPEN, RequestPdu};
use ch2_sockets::session::{Batch, Client, ClientMachine, Config, ExchangeError, Held, Limits, Server};
use common::netem::Profile;

use crate::virtual_time::{SEED, SERVER, World, message, ms};

/// A server and one client of it, who sends bytes and reads bytes.
struct OriginalClient(Server, Duration);

impl OriginalClient {
    fn new() -> OriginalClient {
        OriginalClient(Server::new(Limits::default(), Config::default(), SEED), Duration::ZERO)
    }

    fn say(&mut self, datagram: impl AsRef<[u8]>) -> String {
        let (datagram, from) = (datagram.as_ref(), SocketAddr::from(([198, 51, 100, 7], 4000)));
        self.0.handle_datagram(self.1, from, datagram.len(), datagram);
        let mut batch = Batch::new();
        assert!(self.0.poll_transmit(self.1, &mut batch), "no answer");
        let answer = batch.bytes.escape_ascii().to_string();
        assert!(!self.0.poll_transmit(self.1, &mut batch), "two answers");
        answer
    }

    fn open(&mut self) -> String {
        self.say(OPEN).strip_prefix("0?").expect("a session").to_string()
    }

    fn delivered(&mut self) -> Option<String> {
        Some(self.0.poll_request()?.request.escape_ascii().to_string())
    }
}

#[test]
fn an_upload_in_three_blocks() {
    let mut original = OriginalClient::new();
    let id = original.open();
    assert!(id.len() <= 16 && id.bytes().all(|byte| byte.is_ascii_digit()));
    assert_eq!(original.say(format!("b?{id}?0?3?4?1:ab")), "0?1");
    assert_eq!(original.say(format!("b?{id}?1?3?4?c?d?")), "0?2");
    assert_eq!(original.say(format!("b?{id}?2?3?1?e")), "0?3");
    assert_eq!(original.delivered(), None);
    assert_eq!(original.say(format!("c?{id}")), "0?1");
    assert_eq!(original.delivered().as_deref(), Some("1:abc?d?e"));
    assert_eq!(original.delivered(), None);
    assert_eq!(original.0.held(), Held { active: 0, idle: 1, bytes: 0 });
}

#[test]
fn blocks_in_any_order_and_twice() {
    let mut original = OriginalClient::new();
    let id = original.open();
    for (index, data, distinct) in
        [(2, "e", 1), (2, "e", 1), (0, "ab", 2), (0, "XX", 2), (1, "cd", 3), (1, "cd", 3), (2, "e", 3)]
    {
        assert_eq!(original.say(format!("b?{id}?{index}?3?{}?{data}", data.len())), format!("0?{distinct}"));
    }
    assert_eq!(original.say(format!("c?{id}")), "0?1");
    assert_eq!(original.delivered().as_deref(), Some("abcde"));
}

#[test]
fn a_repeated_close_gets_the_same_answer_and_delivers_once() {
    let mut original = OriginalClient::new();
    let id = original.open();
    original.say(format!("b?{id}?0?1?2?ab"));
    for _ in 0..3 {
        assert_eq!(original.say(format!("c?{id}")), "0?1");
    }
    assert!(original.delivered().is_some() && original.delivered().is_none());
    assert_eq!(original.say(format!("b?{id}?0?1?2?ab")), "z", "a closed session takes no blocks");

    let id = original.open();
    original.say(format!("b?{id}?0?2?2?ab"));
    for _ in 0..3 {
        assert_eq!(original.say(format!("c?{id}")), "0?0");
    }
    assert_eq!(original.delivered(), None);
}

#[test]
fn what_is_wrong_is_said_and_nothing_dies() {
    let mut original = OriginalClient::new();
    let id = original.open();
    assert_eq!(original.say(format!("b?{id}?0?3?5?1:ab")), "y");
    assert_eq!(original.say(format!("b?{id}?0?3?3?1:ab")), "y");
    assert_eq!(original.say(format!("c?{id}")), "z", "nothing to close yet: the original dies of this");
    assert_eq!(original.say(format!("b?{id}?3?3?2?ab")), "z", "block 3 of 3");
    assert_eq!(original.say(format!("b?{id}?0?0?2?ab")), "z", "block 0 of 0");
    assert_eq!(original.say(format!("b?{id}?0?3?4?1:ab")), "0?1");
    assert_eq!(original.say(format!("b?{id}?1?4?2?ab")), "z", "another count");
    for bad in ["b?1", "b?x?0?1?1?a", "b?-1?0?1?1?a", "b?5?0?1?1?a", "c?5", "c?", "a", "q", "", "a?", "q?0"] {
        assert_eq!(original.say(bad), "z", "{bad}");
    }
    assert_eq!(original.say(format!("b?{id}?0?1?99999999999999999999?a")), "z");
}

#[test]
fn silence_ends_a_session() {
    let mut original = OriginalClient::new();
    let id = original.open();
    assert_eq!(original.say(format!("b?{id}?0?2?2?ab")), "0?1");
    original.1 = Duration::from_secs(29);
    original.0.handle_timeout(original.1);
    assert_eq!(original.say(format!("b?{id}?0?2?2?ab")), "0?1");
    original.1 = Duration::from_secs(59);
    original.0.handle_timeout(original.1);
    assert_eq!(original.say(format!("b?{id}?1?2?2?cd")), "z");
    assert_eq!(original.0.held(), Held::default());
}

#[test]
fn our_block_client_speaks_it_to_the_byte() {
    let mut world = World::new(1, Limits::default(), Config::default());
    let host = world.join_original(&Profile { delay: ms(5), ..Profile::default() }, Config::default());
    world.hosts[host].recorded = Some(Vec::new());
    let request = message(150_002, 5);
    world.ask(host, request.clone());
    assert!(world.run(Duration::from_secs(5)));
    let sent = world.hosts[host].recorded.take().unwrap();
    assert_eq!(sent[0], b"a?0");
    let id = str::from_utf8(&sent[4][2..]).unwrap().to_string();
    let size = ch2_sockets::session::block::size(id.parse().unwrap(), request.len());
    for (index, block) in request.chunks(size).enumerate() {
        let head = format!("b?{id}?{index}?3?{}?", block.len());
        assert!(sent[index + 1] == [head.as_bytes(), block].concat(), "block {index}");
    }
    assert_eq!((sent.len(), world.hosts[host].results.len()), (5, 1));
    // Stop-and-wait: five round trips.
    assert_eq!(world.now, ms(50));
    assert_eq!(world.runs, [(request, 1)].into());
}

#[test]
fn our_client_notices_an_old_server() {
    for answer in ["0?0", "0?17", "z"] {
        let mut client = Client::new(Config::default(), SERVER);
        client.request(ms(0), b"2:0".to_vec().into());
        let mut batch = Batch::new();
        for _ in 0..3 {
            assert!(client.poll_transmit(ms(0), &mut batch));
            assert_eq!(RequestPdu::parse(&batch.bytes), Some(RequestPdu::OpenExtension));
            assert!(!client.poll_transmit(ms(0), &mut batch));
            assert!(client.poll_response().is_none());
            client.handle_datagram(ms(0), SERVER, answer.len(), answer.as_bytes());
        }
        assert_eq!(client.poll_response(), Some(Err(ExchangeError::Original)));
        assert_eq!(client.deadline(), None);
    }
}
