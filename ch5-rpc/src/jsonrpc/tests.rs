use common::board::Limits;
use serde_json::{Value as Json, json};

use super::*;
use crate::procedures::board::MessageBoard;
use crate::procedures::method::MOST_CALLS;
use crate::procedures::methods;

/// What is answered to these documents, one after the other.
fn answers<const N: usize>(documents: [&str; N]) -> [Option<Json>; N] {
    let (board, methods) = (MessageBoard::new(Limits::default()), methods::all(true));
    documents.map(|document| {
        let mut context = Context {
            board: &board,
            sender: ([127, 0, 0, 1], 1).into(),
            methods: &methods,
            shared_limit: None,
            answer_limit: 1 << 20,
        };
        let answer = respond(document, &mut context)?;
        let (length, bytes) = (answer.length(), answer.into_bytes());
        assert_eq!(bytes.len() as u64, length);
        Some(serde_json::from_slice(&bytes).unwrap())
    })
}

fn answer(document: &str) -> Option<Json> {
    let [answer] = answers([document]);
    answer
}

fn error(document: &str) -> (i64, Json) {
    let answer = answer(document).unwrap();
    assert!(answer.get("result").is_none() && answer["jsonrpc"] == "2.0", "{answer}");
    (answer["error"]["code"].as_i64().unwrap(), answer["id"].clone())
}

#[test]
fn the_examples_of_the_specification() {
    let call = r#"{"jsonrpc": "2.0", "method": "div", "params": [42, 23], "id": 1}"#;
    assert_eq!(answer(call), Some(json!({"jsonrpc": "2.0", "result": 1, "id": 1})));
    let named = r#"{"jsonrpc": "2.0", "method": "div", "params": {"y": 23, "x": 42}, "id": 3}"#;
    assert_eq!(answer(named).unwrap()["result"], 1);
    assert_eq!(answer(r#"{"jsonrpc": "2.0", "method": "last", "params": [1]}"#), None);
    assert_eq!(answer(r#"{"jsonrpc": "2.0", "method": "foobar"}"#), None);
    assert_eq!(error(r#"{"jsonrpc": "2.0", "method": "foobar", "id": "1"}"#), (-32601, json!("1")));
    assert_eq!(
        error(r#"{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]"#),
        (-32700, Json::Null)
    );
    assert_eq!(error(r#"{"jsonrpc": "2.0", "method": 1, "params": "bar"}"#), (-32600, Json::Null));
    assert_eq!(error("[{\"jsonrpc\": \"2.0\", \"method\""), (-32700, Json::Null));
    assert_eq!(error("[]"), (-32600, Json::Null));
    let three = answer("[1,2,3]").unwrap();
    assert_eq!(three.as_array().unwrap().len(), 3);
    assert!(three.as_array().unwrap().iter().all(|one| one["error"]["code"] == -32600));
    let mixed = r#"[{"jsonrpc": "2.0", "method": "add", "params": [1, 2], "id": "1"}, {"jsonrpc": "2.0", "method": "last"},
        {"foo": "boo"}, {"jsonrpc": "2.0", "method": "none", "id": "5"}, {"jsonrpc": "2.0", "method": "my_function", "id": "9"}]"#;
    let mixed = answer(mixed).unwrap();
    let short: Vec<_> = mixed
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["id"], &one["result"], &one["error"]["code"]))
        .collect();
    let (nothing, no) = (&json!(null), &json!(-32600));
    assert_eq!(short[..2], [(&json!("1"), &json!(3), nothing), (nothing, nothing, no)]);
    assert_eq!(short[2..], [(&json!("5"), nothing, &json!(-32601)), (&json!("9"), &json!(true), nothing)]);
    assert_eq!(
        answer(r#"[{"jsonrpc": "2.0", "method": "last"}, {"jsonrpc": "2.0", "method": "none"}]"#),
        None
    );
}

#[test]
fn an_id_of_any_type_comes_back_and_others_are_refused() {
    for id in ["\"a\\u0000\"", "0", "-1", "1.5", "null", "9223372036854775807", "\"\""] {
        let answer = answer(&format!(r#"{{"jsonrpc":"2.0","method":"my_function","id":{id}}}"#)).unwrap();
        assert_eq!(answer["id"], serde_json::from_str::<Json>(id).unwrap());
        assert_eq!(answer["result"], true);
    }
    for id in ["true", "[]", "{}", r#"{"base64":"AA=="}"#] {
        let document = format!(r#"{{"jsonrpc":"2.0","method":"my_function","id":{id}}}"#);
        assert_eq!(error(&document), (-32600, Json::Null));
    }
}

#[test]
fn what_is_no_request_is_an_error() {
    for request in [
        "1",
        r#""a""#,
        r#"{"method":"last","id":1}"#,
        r#"{"jsonrpc":"1.0","method":"last","id":1}"#,
        r#"{"jsonrpc":2.0,"method":"last","id":1}"#,
        r#"{"jsonrpc":"2.0","id":1}"#,
        r#"{"jsonrpc":"2.0","method":"last","params":1,"id":1}"#,
    ] {
        assert_eq!(error(request), (-32600, Json::Null), "{request}");
    }
    assert_eq!(error(r#"{"jsonrpc":"2.0","method":"last","params":[1,2],"id":1}"#), (-32602, json!(1)));
    assert_eq!(error(r#"{"jsonrpc":"2.0","method":"div","params":[1,0],"id":1}"#), (-32000, json!(1)));
}

#[test]
fn a_batch_has_a_limit_and_a_notification_is_executed() {
    let publish = r#"{"jsonrpc":"2.0","method":"publish","params":["a"]}"#;
    let last = r#"{"jsonrpc":"2.0","method":"last","id":1}"#;
    let batch = |count: usize| format!("[{}]", vec![publish; count].join(","));
    let [none, ids, refused, still] = answers([&batch(MOST_CALLS), last, &batch(MOST_CALLS + 1), last]);
    assert_eq!(none, None);
    let count = |answer: Option<Json>| answer.unwrap()["result"].as_array().unwrap().len();
    assert_eq!(count(ids), MOST_CALLS);
    assert_eq!(refused.unwrap()["error"]["code"], -32600);
    assert_eq!(count(still), MOST_CALLS, "none of them was made");
}

#[test]
fn bytes_go_both_ways() {
    let publish =
        |message: &str| format!(r#"{{"jsonrpc":"2.0","method":"publish","params":[{message}],"id":1}}"#);
    let get = |id: usize| format!(r#"{{"jsonrpc":"2.0","method":"get","params":[{id}],"id":1}}"#);
    let [_, _, first, second] =
        answers([&publish(r#"{"base64":"/w=="}"#), &publish(r#""\u0001\"""#), &get(0), &get(1)]);
    assert_eq!(first.unwrap()["result"][3], json!({"base64": "/w=="}));
    assert_eq!(second.unwrap()["result"][3], json!("\u{1}\""));
}
