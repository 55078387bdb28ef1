//! AMQP's wire: what any bytes do to the broker's decoder.

use std::sync::{Arc, Mutex};

use amq_protocol::protocol::basic::parse_properties;
use amq_protocol::protocol::parse_class;
use ch6_indirect::amqp::assembly::ContentBudget;
use ch6_indirect::amqp::frame::{Frame, PROTOCOL_HEADER, read_method, write_method};
use ch6_indirect::amqp::headers::with_header;
use ch6_indirect::amqp::table::check_properties;
use ch6_indirect::server::decoder::{Decoder, Incoming};
use common::core::service::{Answer, Peer, Protocol, Service};
use common::core::work::AnyService;

use super::converse::converse;

/// A method is read or refused. What is read is written so that it is read as the same, and the crate says the same of it. Properties
/// that pass the check are read by the crate, and may be added to.
pub fn amqp_methods(bytes: &[u8]) {
    if let Ok(method) = read_method(bytes) {
        assert!(matches!(parse_class(bytes), Ok(([], _))));
        let mut written = Vec::new();
        write_method(&mut written, 1, &method);
        let frame = Frame::read(&written, usize::MAX).unwrap().unwrap();
        assert_eq!(frame.length(), written.len());
        // Numbers of 64 bits without a sign are read as numbers with one, and nan is no nan's equal: so the bytes are compared.
        let again = read_method(frame.payload).unwrap_or_else(|error| panic!("{error}: {method:?}"));
        let mut twice = Vec::new();
        write_method(&mut twice, 1, &again);
        assert_eq!(twice, written);
    }
    if check_properties(bytes).is_ok() {
        assert!(matches!(parse_properties(bytes), Ok(([], _))), "{}", bytes.escape_ascii());
        let more = with_header(bytes, "x-delivery-count", 1);
        assert_eq!(check_properties(&more), Ok(()));
    }
}

/// A client's stream behind the protocol header, behind a byte that says how long its pieces are.
pub fn amqp_streams(bytes: &[u8]) {
    let Some((&step, stream)) = bytes.split_first() else { return };
    let whole = commands(stream, stream.len().max(1));
    assert_eq!(commands(stream, usize::from(step).max(1)), whole);
}

/// What comes of a stream in pieces of this length.
fn commands(stream: &[u8], step: usize) -> Vec<String> {
    let recorder = Arc::new(Recorder::default());
    let service: Arc<dyn AnyService> = recorder.clone();
    let all = [&PROTOCOL_HEADER[..], stream].concat();
    let (_, sent) = converse(&service, &all, step);
    assert!(sent.is_empty(), "behind the header nothing is refused by the decoder alone");
    std::mem::take(&mut recorder.commands.lock().expect("no panic"))
}

/// Writes down what it is asked.
#[derive(Default)]
struct Recorder {
    commands: Mutex<Vec<String>>,
}

impl Service for Recorder {
    type Request = Vec<Incoming>;

    fn name(&self) -> &'static str {
        "recorder"
    }

    fn protocol(&self) -> impl Protocol<Request = Vec<Incoming>> {
        Decoder::new(Arc::new(ContentBudget::new(1 << 20)))
    }

    fn handle(&self, _peer: &Peer, request: Vec<Incoming>) -> Answer {
        assert!(!request.is_empty());
        let mut commands = self.commands.lock().expect("no panic");
        commands.extend(
            request.iter().skip_while(|one| matches!(one, Incoming::Hello(_))).map(|one| format!("{one:?}")),
        );
        Answer::nothing()
    }
}
