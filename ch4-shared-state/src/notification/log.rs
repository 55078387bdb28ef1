//! The messages in the one order that all clients get them in, each kept as the bytes in which it leaves.
//!
//! ```text
//!   sealed, shared by all who read them         open
//!   [ :MTc5…:MTc5…: … ]  [ :MTc5… … ]      [ :MTc5…:MTc5… ◄── publish
//!        ▲ since(3): from here on, an answer is a copy, not an encoding
//! ```
//!
//! A message goes to a hundred subscribers, so all that can be done once is done once. When it is published, the line is written and
//! encoded, and an answer of any number of messages is one copy of bytes that lie side by side. And an answer is made for the first who
//! asks: the others who have got as much as that one are sent the same bytes, until there is more to be told. The price: the text
//! itself is not kept, and a board whose protocol is another would have to encode anew; and the last answers take memory.
//!
//! It is [`common::board::Board`] in all but that: ids count from 0, nothing is forgotten, and a full one refuses.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::notification::wire::{encode_message, response};
use common::board::{Full, Id, Limits};
use common::core::service::SharedBody;
use common::protocol::UnixTime;
use common::protocol::mboard::response::Posted;

/// A page is sealed when it has so many bytes. Under the lock no more than an open page is ever copied.
const PAGE_BYTES: usize = 256 * 1024;

/// An answer ends after the page with which it has so many bytes or more; the rest is for the next one. A client that has been away
/// for long must not cost the server a copy of the whole board.
pub const ANSWER_BYTES: usize = 1 << 20;

/// So many answers are kept, for those who ask next. Most subscribers are as far as each other.
const ANSWERS: usize = 8;

/// The log. A lock goes around it.
#[derive(Debug, Default)]
pub struct Log {
    sealed: Vec<Arc<Page>>,
    open: Page,
    bytes: usize,
    limits: Limits,
    scratch: Vec<u8>,
    /// What was answered last and would be answered again, the oldest first.
    answers: VecDeque<CachedResponse>,
}

/// A response that was made, for who had got all before `from`.
#[derive(Debug)]
struct CachedResponse {
    from: Id,
    next: Id,
    more: bool,
    response: SharedBody,
}

/// Messages one behind the other, each with the colon before it.
#[derive(Debug, Default)]
struct Page {
    first: u64,
    bytes: Vec<u8>,
    /// Where each message ends.
    ends: Vec<usize>,
}

/// What is new for one client.
#[derive(Debug)]
pub struct News {
    /// The response that carries it.
    pub response: NewsResponse,
    /// The first message that is not in it.
    pub next: Id,
    /// Whether there is more than this answer may carry.
    pub more: bool,
}

/// The response to one who asks for what is new.
#[derive(Debug)]
pub enum NewsResponse {
    /// Made already.
    Made(SharedBody),
    /// To be made of these parts, without the lock, and shown to the log then.
    Parts(Parts),
}

/// Pages, from where on in them, and what is open.
#[derive(Debug)]
pub struct Parts {
    sealed: Vec<(Arc<Page>, usize)>,
    open: Vec<u8>,
}

impl Log {
    /// An empty one. `limits.bytes` counts the texts as they were sent.
    pub fn new(limits: Limits) -> Log {
        Log { limits, ..Log::default() }
    }

    /// Puts a text behind all others, and tells its id.
    ///
    /// # Errors
    /// [`Full`], and the log is as it was.
    pub fn publish(&mut self, text: &[u8], from: SocketAddr, time: UnixTime) -> Result<Id, Full> {
        let id = self.next_id();
        if id.0 >= self.limits.messages as u64 {
            return Err(Full::Messages(self.limits.messages));
        }
        if text.len() > self.limits.bytes - self.bytes {
            return Err(Full::Bytes(self.limits.bytes));
        }
        if self.open.bytes.len() >= PAGE_BYTES {
            let next = Page { first: id.0, ..Page::default() };
            let mut full = std::mem::replace(&mut self.open, next);
            full.bytes.shrink_to_fit();
            self.sealed.push(Arc::new(full));
        }
        self.answers.retain(|made| made.more); // those that ended here do not any more
        encode_message(&Posted { time, from, text }, &mut self.scratch, &mut self.open.bytes);
        self.open.ends.push(self.open.bytes.len());
        self.bytes += text.len();
        Ok(id)
    }

    /// The id of the message that will come next.
    pub fn next_id(&self) -> Id {
        Id(self.open.first + self.open.ends.len() as u64)
    }

    /// The message with this id and all later ones, as far as one answer carries them.
    pub fn since(&mut self, id: Id) -> News {
        if let Some(CachedResponse { next, more, response, .. }) =
            self.answers.iter().find(|made| made.from == id)
        {
            return News { response: NewsResponse::Made(response.clone()), next: *next, more: *more };
        }
        if id.0 >= self.open.first {
            let (next, made) =
                (self.next_id().max(id), SharedBody::new(response([self.open.since(id.0)].into_iter())));
            self.keep(id, next, false, &made);
            return News { response: NewsResponse::Made(made), next, more: false };
        }
        let page = self.sealed.partition_point(|page| page.first <= id.0) - 1;
        let (mut sealed, mut length) = (Vec::new(), 0);
        for page in &self.sealed[page..] {
            if length >= ANSWER_BYTES {
                let response = NewsResponse::Parts(Parts { sealed, open: Vec::new() });
                return News { response, next: Id(page.first), more: true };
            }
            let start = page.start_of(id.0);
            length += page.bytes.len() - start;
            sealed.push((Arc::clone(page), start));
        }
        let fits = length < ANSWER_BYTES;
        let open = if fits { self.open.bytes.clone() } else { Vec::new() };
        let next = if fits { self.next_id() } else { Id(self.open.first) };
        News { response: NewsResponse::Parts(Parts { sealed, open }), next, more: next < self.next_id() }
    }

    /// Keeps a response that was made for one who had got all before `from`, and has got all before `next` with it: it is the same for
    /// all who are as far. With `more` behind it, it always is, and otherwise until the next message comes.
    pub fn keep(&mut self, from: Id, next: Id, more: bool, response: &SharedBody) {
        if !more && next < self.next_id() {
            return; // a message has come while it was made
        }
        if self.answers.len() == ANSWERS {
            self.answers.pop_front();
        }
        self.answers.push_back(CachedResponse { from, next, more, response: response.clone() });
    }
}

impl Parts {
    /// The response of them.
    pub fn response(self) -> SharedBody {
        let sealed = self.sealed.iter().map(|(page, start)| &page.bytes[*start..]);
        SharedBody::new(response(sealed.chain([&self.open[..]])))
    }
}

impl Page {
    /// Where the message of that id begins; for an earlier one, the first, and for a later one the end.
    fn start_of(&self, id: u64) -> usize {
        match id.saturating_sub(self.first) {
            0 => 0,
            count => self.ends.get(count as usize - 1).copied().unwrap_or(self.bytes.len()),
        }
    }

    fn since(&self, id: u64) -> &[u8] {
        &self.bytes[self.start_of(id)..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notification::wire::{Response as Frame, Responses};
    use proptest::prelude::*;

    fn log_of(texts: &[Vec<u8>]) -> Log {
        let mut log = Log::default();
        for text in texts {
            log.publish(text, ([127, 0, 0, 1], 4711).into(), UnixTime::default()).unwrap();
        }
        log
    }

    /// The response to one who has got all before that.
    fn asked(log: &mut Log, from: Id) -> (SharedBody, Id, bool) {
        let News { response, next, more } = log.since(from);
        let response = match response {
            NewsResponse::Made(made) => made,
            NewsResponse::Parts(parts) => {
                let made = parts.response();
                log.keep(from, next, more, &made);
                made
            }
        };
        (response, next, more)
    }

    /// The texts of a response.
    fn texts(response: &[u8]) -> Vec<Vec<u8>> {
        let (response, _) = Responses::default().decode(response).unwrap().unwrap();
        let Frame::Messages(messages) = response else { panic!("{response:?}") };
        messages.lines().map(|line| Posted::parse_line(&line.unwrap()).unwrap().text.to_vec()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn from_every_id_everything_comes_once_and_in_order(
            lengths in prop::collection::vec(prop_oneof![0_usize..100, 100_000_usize..300_000], 0..12),
        ) {
            let published: Vec<Vec<u8>> =
                lengths.iter().enumerate().map(|(id, &length)| vec![b'a' + id as u8; length]).collect();
            let mut log = log_of(&published);
            for start in 0..=published.len() {
                let (mut next, mut got) = (Id(start as u64), Vec::new());
                loop {
                    let before = next;
                    let (response, after, more) = asked(&mut log, before);
                    next = after;
                    prop_assert!(response.len() <= ANSWER_BYTES + PAGE_BYTES + 500_000);
                    got.extend(texts(&response));
                    if !more {
                        break;
                    }
                    prop_assert!(next > before, "every answer brings something");
                }
                prop_assert_eq!(&got, &published[start..]);
                prop_assert_eq!(next, log.next_id());
            }
        }
    }

    #[test]
    fn who_has_everything_gets_nothing() {
        let mut log = log_of(&[b"a".to_vec()]);
        for beyond in [1, 2, u64::MAX] {
            let (response, next, more) = asked(&mut log, Id(beyond));
            assert_eq!((&response[..], next, more), (&b"1:;"[..], Id(beyond), false));
        }
        assert_eq!(asked(&mut Log::default(), Id(0)).0[..], *b"1:;");
    }

    #[test]
    fn who_is_as_far_as_another_is_sent_the_same_bytes_until_there_is_something_new() {
        // From both sides of the border between a page and the next.
        let mut log = log_of(&[vec![b'x'; PAGE_BYTES], b"a".to_vec(), b"b".to_vec()]);
        for from in [0, 1, 2, 3].map(Id) {
            let first = asked(&mut log, from);
            let second = asked(&mut log, from);
            let is_same = first.0.as_ptr() == second.0.as_ptr() && first.0[..] == second.0[..];
            assert!(is_same && (first.1, first.2) == (second.1, second.2), "{from:?}");
        }
        let before = asked(&mut log, Id(1)).0;
        log.publish(b"c", ([127, 0, 0, 1], 4711).into(), UnixTime::default()).unwrap();
        assert_eq!(texts(&before), [b"a", b"b"]);
        assert_eq!(texts(&asked(&mut log, Id(1)).0), [b"a", b"b", b"c"]);
        let late = asked(&mut log, Id(0)).0;
        log.keep(Id(2), Id(3), false, &late); // made before the last message came
        assert_eq!(texts(&asked(&mut log, Id(2)).0), [b"b", b"c"]);
    }

    #[test]
    fn an_answer_with_more_behind_it_stays_the_same_and_few_are_kept() {
        let published: Vec<Vec<u8>> = (0..20).map(|number| vec![b'a' + number; PAGE_BYTES]).collect();
        let mut log = log_of(&published);
        let (first, next, more) = asked(&mut log, Id(0));
        assert!(more && next < log.next_id());
        log.publish(b"another", ([127, 0, 0, 1], 4711).into(), UnixTime::default()).unwrap();
        assert_eq!(asked(&mut log, Id(0)).0.as_ptr(), first.as_ptr());
        for from in (0..12).map(Id) {
            let all = texts(&asked(&mut log, from).0);
            assert_eq!(all[0], published[from.0 as usize]);
        }
        assert_eq!(log.answers.len(), ANSWERS);
        assert_ne!(asked(&mut log, Id(0)).0.as_ptr(), first.as_ptr());
    }

    #[test]
    fn a_full_log_refuses_and_stays_as_it_was() {
        let mut log = Log::new(Limits { bytes: 5, messages: 3 });
        let mut publish = |text: &[u8]| log.publish(text, ([127, 0, 0, 1], 1).into(), UnixTime::default());
        assert_eq!(publish(b"abc"), Ok(Id(0)));
        assert_eq!(publish(b"def"), Err(Full::Bytes(5)));
        assert_eq!(publish(b"de"), Ok(Id(1)));
        assert_eq!(publish(b""), Ok(Id(2)));
        assert_eq!(publish(b""), Err(Full::Messages(3)));
        assert_eq!(texts(&asked(&mut log, Id(1)).0), [b"de".to_vec(), vec![]]);
    }
}
