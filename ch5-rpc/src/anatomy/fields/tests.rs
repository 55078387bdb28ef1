use std::time::{Duration, Instant};

use ::tarpc::{ClientMessage, Request, Response, ServerError, context, trace};
use common::protocol::frame;
use proptest::prelude::*;

use super::*;
use crate::anatomy::by_hand::{DONE, FAILED, Marshal};
use crate::anatomy::exchange::exchange;
use crate::anatomy::idl::{Kind, SmallBoardRequest, SmallBoardResponse};
use crate::anatomy::plan::Ending;
use crate::anatomy::procedures::NoMessage;
use crate::anatomy::record::{What, bytes_of};

const LIMIT: u32 = 1 << 20;

/// The fields; every byte belongs to exactly one.
fn all(transport: Transport, direction: Direction, bytes: &[u8]) -> Vec<Field> {
    let fields = fields(transport, direction, bytes).unwrap();
    let mut at = 0;
    for field in &fields {
        assert_eq!(field.at.start, at, "{fields:?}");
        assert!(!field.at.is_empty(), "{field:?}");
        at = field.at.end;
    }
    assert_eq!(at, bytes.len(), "{fields:?}");
    fields
}

fn meaning<'a>(fields: &'a [Field], name: &str) -> &'a str {
    &fields.iter().find(|field| field.name == name).unwrap_or_else(|| panic!("{name}: {fields:?}")).meaning
}

fn framed(value: &impl serde::Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::encode(value, LIMIT, &mut bytes).unwrap();
    bytes
}

/// A number of any length in bincode.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0..300u64, 0..70_000u64, any::<u32>().prop_map(u64::from), any::<u64>()]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![".{0,3}", ".{0,300}"]
}

fn request() -> impl Strategy<Value = SmallBoardRequest> {
    prop_oneof![
        text().prop_map(|text| SmallBoardRequest::Publish { text }),
        number().prop_map(|id| SmallBoardRequest::Remove { id }),
        number().prop_map(|count| SmallBoardRequest::Last { count }),
        number().prop_map(|id| SmallBoardRequest::Get { id }),
    ]
}

fn response() -> impl Strategy<Value = SmallBoardResponse> {
    prop_oneof![
        number().prop_map(SmallBoardResponse::Publish),
        any::<bool>().prop_map(SmallBoardResponse::Remove),
        prop::collection::vec(number(), 0..20).prop_map(SmallBoardResponse::Last),
        text().prop_map(|text| SmallBoardResponse::Get(Ok(text))),
        number().prop_map(|id| SmallBoardResponse::Get(Err(NoMessage(id)))),
    ]
}

proptest! {
    #[test]
    fn every_byte_of_a_request_of_tarpc_is_explained(
        message in request(), id in number(), span in any::<u64>(), trace_id in any::<u128>(), seconds in 1..100_000u64,
    ) {
        let mut context = context::current();
        context.deadline = Instant::now() + Duration::from_secs(seconds);
        context.trace_context.trace_id = trace::TraceId::from(trace_id);
        context.trace_context.span_id = trace::SpanId::from(span);
        let request = ClientMessage::Request(Request { context, id, message: &message });
        let fields = all(Transport::Tarpc, Direction::Request, &framed(&request));
        assert!(meaning(&fields, "request id").starts_with(&format!("{id}: ")));
        assert!(meaning(&fields, "span id").starts_with(&format!("{span:016x}: ")));
        if trace_id != 0 {
            assert_eq!(meaning(&fields, "trace id"), format!("{trace_id:032x}"));
        }
        let left = meaning(&fields, "deadline: s");
        assert!([seconds, seconds - 1].iter().any(|s| left.starts_with(&format!("{s} s "))), "{left}");
        let method = meaning(&fields, "method");
        match message {
            SmallBoardRequest::Publish { text } => {
                assert!(method.starts_with("0: publish"));
                assert!(meaning(&fields, "text: length").starts_with(&format!("{} bytes", text.len())));
                if !text.is_empty() {
                    assert_eq!(meaning(&fields, "text"), quoted(&text));
                }
            }
            SmallBoardRequest::Remove { id } => {
                assert!(method.starts_with("1: remove"));
                assert!(starts_with_number(meaning(&fields, "id"), id));
            }
            SmallBoardRequest::Last { count } => {
                assert!(method.starts_with("2: last"));
                assert!(starts_with_number(meaning(&fields, "count"), count));
            }
            SmallBoardRequest::Get { id } => {
                assert!(method.starts_with("3: get"));
                assert!(starts_with_number(meaning(&fields, "id"), id));
            }
        }
    }

    #[test]
    fn every_byte_of_a_response_of_tarpc_is_explained(message in response(), id in number()) {
        let bytes = framed(&Response { request_id: id, message: Ok(&message) });
        let fields = all(Transport::Tarpc, Direction::Response(Kind::Number), &bytes);
        assert!(meaning(&fields, "request id").starts_with(&format!("{id}: ")));
        match message {
            SmallBoardResponse::Publish(number) => {
                assert!(starts_with_number(meaning(&fields, "result"), number));
            }
            SmallBoardResponse::Last(ids) => {
                let read = fields.iter().filter(|field| field.name == "result").zip(&ids);
                assert_eq!(fields.iter().filter(|field| field.name == "result").count(), ids.len());
                for (field, id) in read {
                    assert!(starts_with_number(&field.meaning, *id));
                }
            }
            SmallBoardResponse::Get(Err(NoMessage(id))) => {
                assert!(starts_with_number(meaning(&fields, "NoMessage"), id));
            }
            SmallBoardResponse::Remove(_) | SmallBoardResponse::Get(Ok(_)) => {}
        }
    }

    #[test]
    fn every_byte_of_a_refusal_and_a_cancellation_of_tarpc_is_explained(text in text(), id in number()) {
        let error = ServerError::new(std::io::ErrorKind::PermissionDenied, text.clone());
        let refusal: Result<SmallBoardResponse, _> = Err(error);
        let bytes = framed(&Response { request_id: id, message: refusal });
        let fields = all(Transport::Tarpc, Direction::Response(Kind::Flag), &bytes);
        assert!(meaning(&fields, "error kind").contains("written for PermissionDenied"));
        let trace_context = context::current().trace_context;
        let cancel: ClientMessage<SmallBoardRequest> = ClientMessage::Cancel { trace_context, request_id: id };
        let fields = all(Transport::Tarpc, Direction::Request, &framed(&cancel));
        assert!(meaning(&fields, "request id").starts_with(&format!("{id}: ")));
    }

    #[test]
    fn every_byte_of_messages_by_hand_is_explained(
        call in any::<u32>(), text in text(), number in any::<u64>(), numbers in prop::collection::vec(any::<u64>(), 0..20),
    ) {
        let message = |head: &[u8], pack: &dyn Fn(&mut Marshal)| {
            let mut message = Marshal::default();
            message.bytes(&call.to_be_bytes());
            message.bytes(head);
            pack(&mut message);
            message.message()
        };
        let publish = message(&[0, 0], &|message| message.text(&text));
        let fields = all(Transport::Hand, Direction::Request, &publish);
        assert!(meaning(&fields, "method").starts_with("0: publish"));
        let get = message(&[0, 3], &|message| message.number(number));
        let fields = all(Transport::Hand, Direction::Request, &get);
        assert!(starts_with_number(meaning(&fields, "id"), number));
        let last = message(&[DONE], &|message| message.numbers(&numbers));
        all(Transport::Hand, Direction::Response(Kind::Numbers), &last);
        let failed = message(&[FAILED], &|message| message.text(&text));
        let fields = all(Transport::Hand, Direction::Response(Kind::TextOrNone), &failed);
        assert!(meaning(&fields, "call id").starts_with(&format!("{call}: ")));
    }

    #[test]
    fn any_bytes_do_no_harm(mut bytes: Vec<u8>, length in 0..200u32) {
        for round in 0..2 {
            for transport in [Transport::Tarpc, Transport::Hand, Transport::Xmlrpc] {
                for direction in [Direction::Request, Direction::Response(Kind::Numbers), Direction::Response(Kind::Text)] {
                    if let Ok(fields) = fields(transport, direction, &bytes) {
                        assert_eq!(fields.iter().map(|field| field.at.len()).sum::<usize>(), bytes.len());
                    }
                }
            }
            // With a length that may be right it comes further.
            if round == 0 {
                bytes.splice(0..0, length.to_be_bytes());
            }
        }
    }
}

/// `5` and `5; how it is written`, but not `55`.
fn starts_with_number(meaning: &str, number: u64) -> bool {
    meaning.split(';').next() == Some(&number.to_string())
}

#[test]
fn a_call_for_real_is_explained_whatever_its_text_is() {
    for transport in [Transport::Tarpc, Transport::Xmlrpc, Transport::Hand] {
        for text in ["", "hello", "<tag> & \"quotes\"", "  blanks  \n", "žluťoučký 🐎", &"long ".repeat(300)]
        {
            let call = exchange(transport, text, Ending::Answered).unwrap();
            let (request, response) =
                (bytes_of(&call.server, What::Read), bytes_of(&call.client, What::Read));
            assert_eq!(request, bytes_of(&call.client, What::Written));
            assert_eq!(response, bytes_of(&call.server, What::Written));
            all(transport, Direction::Request, &request);
            let fields = all(transport, Direction::Response(Kind::Number), &response);
            assert!(fields.iter().any(|field| field.meaning.contains("10")), "{fields:?}");
        }
    }
}

#[test]
fn a_message_that_is_cut_or_has_another_length_is_not_explained() {
    let call = exchange(Transport::Tarpc, "hello", Ending::Answered).unwrap();
    let request = bytes_of(&call.server, What::Read);
    for length in 1..request.len() {
        assert!(fields(Transport::Tarpc, Direction::Request, &request[..length]).is_err(), "{length}");
    }
    let mut shorter = request.clone();
    shorter[3] -= 1;
    assert!(fields(Transport::Tarpc, Direction::Request, &shorter).is_err());
    // A second message inside the first one.
    let mut nested = request.repeat(2);
    assert!(fields(Transport::Tarpc, Direction::Request, &nested).is_ok());
    nested[3] += u8::try_from(request.len()).unwrap();
    assert!(fields(Transport::Tarpc, Direction::Request, &nested).is_err());
}
