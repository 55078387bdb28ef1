//! The notification board's frames as text, over a raw connection.

use base64::prelude::{BASE64_STANDARD, Engine};

use crate::support::Server;
use crate::support::guessword::Raw;

/// A board under this model, with room for fifty who stay.
pub fn serve(model: &str, more: &[&str]) -> Server {
    println!("model {model} {more:?}");
    let mut args = vec!["board-server", "--model", model];
    if model == "thread-pool" {
        args.extend(["--workers", "50"]);
    }
    Server::start(&[&args[..], more].concat())
}

/// The frame that publishes a text.
pub fn publish(text: &str) -> String {
    format!("1:{};", BASE64_STANDARD.encode(text))
}

/// The lines of an answer to `2:;`, decoded.
pub fn lines(frame: &str) -> Vec<String> {
    let payload =
        frame.strip_prefix("1:").and_then(|rest| rest.strip_suffix(';')).expect("an answer with messages");
    let pieces = payload.split(':').filter(|piece| !piece.is_empty());
    pieces
        .map(|piece| String::from_utf8(BASE64_STANDARD.decode(piece).expect("base64")).expect("text"))
        .collect()
}

/// The text of such a line: it follows the time, the address and the port.
pub fn text(line: &str) -> String {
    line.splitn(4, ' ').nth(3).expect("four fields").to_owned()
}

/// Asks, and again when a notification comes before the answer: what it tells of may be newer. The texts that come.
pub fn fetch(client: &mut Raw) -> Vec<String> {
    let mut texts = Vec::new();
    loop {
        client.send("2:;");
        let (before, answer) = client.up_to(|frame| frame.starts_with("1:"));
        assert!(before.iter().all(|frame| frame == "7:;"), "{before:?}");
        texts.extend(lines(&answer).iter().map(|line| text(line)));
        if before.is_empty() {
            return texts;
        }
    }
}

/// Publishes, and waits for the acknowledgement, before which a notification must come.
pub fn say(client: &mut Raw, words: &str) {
    client.send(&publish(words));
    let (before, _) = client.up_to(|frame| frame == "0:;");
    assert!(!before.is_empty() && before.iter().all(|frame| frame == "7:;"), "{before:?}");
}
