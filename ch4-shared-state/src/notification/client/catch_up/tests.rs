use super::*;
use crate::notification::wire::{encode_message, response};
use common::protocol::UnixTime;
use common::protocol::mboard::response::Posted;

/// A board that a test writes by hand.
#[derive(Default)]
struct Board(Vec<Vec<u8>>);

impl Board {
    /// Publishes at second `time`.
    fn publish(&mut self, time: u64, port: u16, text: &str) {
        let (time, from) =
            (UnixTime::from(std::time::UNIX_EPOCH + std::time::Duration::from_secs(time)), ours(port));
        let mut piece = Vec::new();
        encode_message(&Posted { time, from, text: text.as_bytes() }, &mut Vec::new(), &mut piece);
        self.0.push(piece);
    }

    /// What it answers to who has got all before that.
    fn since(&self, from: usize) -> Vec<u8> {
        response(self.0[from..].iter().map(Vec::as_slice))
    }
}

fn ours(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

/// A new connection that gets the whole board: what is new.
fn connect(client: &mut CatchUp, port: u16, board: &Board) -> Vec<String> {
    client.connected(Some(ours(port)), &mut Vec::new());
    let rest: &[u8] = if board.0.is_empty() { b"" } else { b"1:;" }; // it asks again until nothing more is there
    hear(client, &[&board.since(0)[..], rest].concat())
}

fn hear(client: &mut CatchUp, bytes: &[u8]) -> Vec<String> {
    let mut news = Vec::new();
    client.receive(bytes, &mut news, &mut Vec::new()).unwrap();
    let words = news.into_iter().map(|news| match news {
        News::Message(line) => String::from_utf8_lossy(Posted::parse_line(&line).unwrap().text).into_owned(),
        News::Unknown(text) => format!("? {}", String::from_utf8_lossy(&text)),
        News::AnotherBoard { kept, lost } => format!("kept {kept} lost {lost}"),
        other => format!("{other:?}"),
    });
    words.collect()
}

#[test]
fn after_a_break_it_shows_what_it_missed_and_nothing_twice() {
    let (mut client, mut board) = (CatchUp::default(), Board::default());
    board.publish(1, 7, "same");
    board.publish(2, 7, "same");
    assert_eq!(connect(&mut client, 1, &board), ["same", "same", "CaughtUp"]);
    board.publish(2, 7, "same"); // in the same second, from the same port
    board.publish(3, 7, "d");
    assert_eq!(connect(&mut client, 2, &board), ["same", "d", "CaughtUp"]);
    assert_eq!(connect(&mut client, 3, &board), ["CaughtUp"]);
}

#[test]
fn a_break_in_the_middle_of_a_catch_up_changes_nothing() {
    let (mut client, mut board) = (CatchUp::default(), Board::default());
    for time in 0..5 {
        board.publish(time, 7, &time.to_string());
    }
    assert_eq!(connect(&mut client, 1, &board).len(), 6);
    board.publish(5, 7, "5");
    board.publish(6, 7, "6");
    let whole = board.since(0);
    for cut in 0..whole.len() {
        let mut client = CatchUp::default();
        client.connected(Some(ours(1)), &mut Vec::new());
        let mut news = hear(&mut client, &whole[..cut]);
        news.extend(connect(&mut client, 2, &board));
        assert_eq!(news, ["0", "1", "2", "3", "4", "5", "6", "CaughtUp"], "cut at {cut}");
    }
}

#[test]
fn a_server_that_was_started_again_is_noticed_with_and_without_messages() {
    let (mut client, mut board) = (CatchUp::default(), Board::default());
    board.publish(1, 7, "a");
    board.publish(2, 7, "b");
    connect(&mut client, 1, &board);
    assert_eq!(connect(&mut client, 2, &Board::default()), ["kept 0 lost 2", "CaughtUp"]);
    assert_eq!(connect(&mut client, 3, &board), ["a", "b", "CaughtUp"]);
    let mut other = Board::default();
    other.publish(9, 7, "a"); // the same text at another time
    assert_eq!(connect(&mut client, 4, &other), ["kept 0 lost 2", "a", "CaughtUp"]);
    other.publish(10, 7, "c");
    assert_eq!(connect(&mut client, 5, &other), ["c", "CaughtUp"]);
    other.0.truncate(1);
    assert_eq!(connect(&mut client, 6, &other), ["kept 1 lost 1", "CaughtUp"]);
}

#[test]
fn of_what_was_not_acknowledged_the_board_tells_what_is_there() {
    let (mut client, mut board) = (CatchUp::default(), Board::default());
    board.publish(1, 50, "hi"); // somebody's, of before
    connect(&mut client, 50, &board);
    for text in ["hi", "hi", "lost"] {
        client.sent(text.into());
    }
    board.publish(2, 50, "hi");
    assert_eq!(hear(&mut client, b"7:;0:;"), ["Published"]);
    board.publish(3, 50, "hi");
    board.publish(4, 51, "lost"); // somebody else's
    let expected = ["hi", "Published", "hi", "lost", "? lost", "CaughtUp"];
    assert_eq!(connect(&mut client, 60, &board), expected);
    assert_eq!(connect(&mut client, 61, &board), ["CaughtUp"], "it is said once");
    assert_eq!(client.unanswered(), 0);
}

#[test]
fn two_breaks_in_a_row_lose_no_account_of_what_was_sent() {
    let (mut client, mut board) = (CatchUp::default(), Board::default());
    connect(&mut client, 50, &board);
    client.sent("there".into());
    client.sent("not there".into());
    board.publish(1, 50, "there");
    client.connected(Some(ours(51)), &mut Vec::new()); // and broken before anything came
    assert_eq!(client.unanswered(), 2);
    assert_eq!(connect(&mut client, 52, &board), ["Published", "there", "? not there", "CaughtUp"]);
}

#[test]
fn behind_a_router_only_an_acknowledgement_tells() {
    let (mut client, mut board) = (CatchUp::default(), Board::default());
    connect(&mut client, 50, &board);
    client.sent("a".into());
    board.publish(1, 4711, "a"); // the address of the router
    assert_eq!(connect(&mut client, 51, &board), ["a", "? a", "CaughtUp"]);
}
