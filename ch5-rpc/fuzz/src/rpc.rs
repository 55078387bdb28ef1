//! XML-RPC and JSON-RPC: documents, and the requests of HTTP around them.

use std::sync::Arc;

use ch5_rpc::document::charset;
use ch5_rpc::jsonrpc;
use ch5_rpc::procedures::board::MessageBoard;
use ch5_rpc::procedures::method::Context;
use ch5_rpc::procedures::methods;
use ch5_rpc::procedures::value::Value;
use ch5_rpc::xmlrpc::{read, write};
use ch5_rpc::xmlrpc_server::RpcService;
use common::board::Limits;
use common::core::work::AnyService;

use super::converse::converse;

/// What no fault is longer than, bytes: it repeats nothing of the request.
const SHORT: usize = 120;

/// A document: what is read from it is written so that it is read again.
pub fn xmlrpc_documents(bytes: &[u8]) {
    let Ok(text) = charset::decode(bytes, None) else { return };
    match read::method_call(&text) {
        Ok(call) if is_same_to_itself(&call.parameters) => {
            let again = read::method_call(&written(write::method_call(&call.name, &call.parameters)));
            assert_eq!(again.as_ref(), Ok(&call));
        }
        Ok(_) => {}
        Err(fault) => assert!(fault.text.len() < SHORT),
    }
    if let Ok(Ok(result)) = read::method_response(&text)
        && is_same_to_itself(std::slice::from_ref(&result))
    {
        assert_eq!(
            read::method_response(&written(write::method_response(&Ok(result.clone())))),
            Ok(Ok(result))
        );
    }
}

fn written(document: ch5_rpc::document::Document) -> String {
    let (length, bytes) = (document.length(), document.into_bytes());
    assert_eq!(bytes.len() as u64, length, "the length that was announced");
    String::from_utf8(bytes).expect("what we write is UTF-8")
}

/// There is no NaN in it.
fn is_same_to_itself(values: &[Value]) -> bool {
    values == values.to_vec()
}

/// A document of JSON-RPC: whatever it is, the answer is JSON, and short where it is an error.
pub fn jsonrpc_documents(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let (board, methods) = (MessageBoard::new(Limits::default()), methods::all(true));
    let mut context = Context {
        board: &board,
        sender: ([127, 0, 0, 1], 1).into(),
        methods: &methods,
        shared_limit: None,
        answer_limit: 10_000,
    };
    let Some(answer) = jsonrpc::respond(text, &mut context) else { return };
    let answer: serde_json::Value = serde_json::from_str(&written(answer)).expect("the answer is JSON");
    let one = |answer: &serde_json::Value| {
        assert_eq!(answer["jsonrpc"], "2.0");
        assert!(answer.get("id").is_some());
        if let Some(error) = answer.get("error") {
            assert!(
                error["code"].is_i64() && error["message"].as_str().is_some_and(|text| text.len() < SHORT)
            );
        }
    };
    match &answer {
        serde_json::Value::Array(answers) => answers.iter().for_each(one),
        answer => one(answer),
    }
}

/// Requests of HTTP. The first byte says how long the pieces are. In whatever pieces they come, they are as many requests, and the
/// answers begin as HTTP; they are not longer than what was sent by more than their heads and results.
pub fn rpc_requests(bytes: &[u8]) {
    let Some((&step, stream)) = bytes.split_first() else { return };
    let service = || -> Arc<dyn AnyService> { Arc::new(RpcService::new(Limits::default(), 4096, false)) };
    let (requests, sent) = converse(&service(), stream, stream.len().max(1));
    let (in_pieces, again) = converse(&service(), stream, usize::from(step).max(1));
    // A client that waits for the word to go on gets it only when its content has not come with the head.
    let waits = stream.windows(6).any(|six| six.eq_ignore_ascii_case(b"expect"));
    assert!(waits || requests == in_pieces, "{requests} requests, and {in_pieces} in pieces of {step}");
    for sent in [sent, again] {
        let start = sent[..sent.len().min(80)].escape_ascii();
        assert!(sent.is_empty() || sent.starts_with(b"HTTP/1.1 "), "{start}");
        assert!(
            sent.len() <= (requests + 1) * 8192,
            "{requests} requests are answered with {} bytes",
            sent.len()
        );
    }
}
