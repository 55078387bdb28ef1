//! What a datagram is, in a few words: for the recording and the pictures of the lossy link.

use super::datagram::{Answer, CallId, Handling, Message, Question, Refusal, decode};
use super::publish::{Method, Reply};

/// `3 publish` is call 3, sent; `3 done` its answer; `3 done again` the answer from the server's memory.
#[must_use]
pub fn label(datagram: &[u8]) -> Option<String> {
    let numbered = |id: CallId, what: &str| format!("{} {what}", id.sequence);
    Some(match decode(datagram).ok()? {
        Message::Question(Question::Bind { .. }) => "bind".into(),
        Message::Question(Question::Call { id, body, handling, .. }) => numbered(id, method(&body, handling)),
        Message::Question(Question::Probe { id, .. }) => numbered(id, "still there?"),
        Message::Answer(Answer::Bound { .. }) => "bound".into(),
        Message::Answer(Answer::Done { id, again, body, .. }) => numbered(id, result(&body, again)),
        Message::Answer(Answer::InProgress { id, .. }) => numbered(id, "in progress"),
        Message::Answer(Answer::NotSeen { id, .. }) => numbered(id, "not seen"),
        Message::Answer(Answer::Refused { id, why, .. }) => numbered(id, refusal(why)),
    })
}

fn method(body: &[u8], handling: Handling) -> &'static str {
    match (Method::decode(body), handling) {
        (Some(Method::Publish { .. }), Handling::Plain) => "publish",
        (Some(Method::Publish { .. }), Handling::Once { .. }) => "publish once",
        (Some(Method::PublishIf { .. }), _) => "publish if",
        (Some(Method::Length), _) => "length",
        (Some(Method::Count { .. }), _) => "count",
        (None, _) => "call",
    }
}

fn result(body: &[u8], again: bool) -> &'static str {
    match (Reply::decode(body), again) {
        (Some(Reply::Changed(_)), _) => "changed",
        (Some(Reply::Full), _) => "full",
        (Some(Reply::Number(_)), _) => "number",
        (_, true) => "done, again",
        (_, false) => "done",
    }
}

fn refusal(why: Refusal) -> &'static str {
    match why {
        Refusal::Stale => "stale",
        Refusal::Restarted => "restarted",
        Refusal::Expired => "expired",
        Refusal::TableFull => "table full",
        Refusal::NotUnderstood => "no such call",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_say_what_they_are() {
        let id = CallId { client: 1, sequence: 3 };
        let call = |handling| {
            let body = Method::Publish { text: b"x".to_vec() }.encode();
            Question::Call { id, transmission: 1, handling, body }.encode()
        };
        assert_eq!(label(&call(Handling::Plain)).as_deref(), Some("3 publish"));
        let once = Handling::Once { incarnation: 1, first_incomplete: 1 };
        assert_eq!(label(&call(once)).as_deref(), Some("3 publish once"));
        let body = Reply::Published(1).encode();
        let done = Answer::Done { id, transmission: 2, again: true, body }.encode();
        assert_eq!(label(&done).as_deref(), Some("3 done, again"));
        let refused = Answer::Refused { id, transmission: 1, why: Refusal::Restarted }.encode();
        assert_eq!(label(&refused).as_deref(), Some("3 restarted"));
        assert_eq!(label(b"anything else"), None);
    }
}
