use std::net::SocketAddr;

use common::board::Limits;

use crate::document::SharedText;
use crate::procedures::arguments::Arguments;
use crate::procedures::board::MessageBoard;
use crate::procedures::fault::Fault;
use crate::procedures::method::{Context, MOST_CALLS, Methods};
use crate::procedures::value::Value;

/// A server with one board.
struct Server(MessageBoard, Methods);

impl Server {
    fn new() -> Server {
        Server(MessageBoard::new(Limits { bytes: 1000, messages: 100 }), super::all(true))
    }

    fn context(&self) -> Context<'_> {
        let sender = SocketAddr::from(([127, 0, 0, 1], 1));
        Context { board: &self.0, sender, methods: &self.1, shared_limit: None, answer_limit: 1000 }
    }

    fn call(&self, name: &str, parameters: impl Into<Vec<Value>>) -> Result<Value, Fault> {
        self.context().call(name, Arguments::positional(parameters.into()))
    }
}

fn texts<const N: usize>(texts: [&str; N]) -> Value {
    Value::Array(texts.map(Value::text).into())
}

fn code(outcome: Result<Value, Fault>) -> i32 {
    outcome.unwrap_err().code
}

#[test]
fn the_board_of_the_notes() {
    let server = Server::new();
    assert_eq!(server.call("last", []), Ok(Value::Ids(0..0)));
    assert_eq!(server.call("publish", [Value::text("a")]), Ok(Value::Int(0)));
    let source = Value::Array(vec![Value::text("10.0.0.1"), Value::Int(80)]);
    assert_eq!(server.call("publish", [Value::Bytes(vec![0xff]), source]), Ok(Value::Int(1)));
    assert_eq!(server.call("last", [Value::Int(1)]), Ok(Value::Ids(1..2)));
    assert_eq!(server.call("last", [Value::Int(99)]), Ok(Value::Ids(0..2)));
    for (id, host, port, text) in [(0, " ", -1, &b"a"[..]), (1, "10.0.0.1", 80, b"\xff")] {
        let Ok(Value::Array(message)) = server.call("get", [Value::Int(id)]) else { panic!() };
        assert!(matches!(message[0], Value::Double(time) if time > 1.6e9));
        assert_eq!(
            message[1..],
            [Value::text(host), Value::Int(port), Value::Shared(SharedText::new(text.into()))]
        );
    }
}

#[test]
fn what_the_board_does_not_take_is_a_fault_and_changes_nothing() {
    let server = Server::new();
    let source = |host: &str, port| Value::Array(vec![Value::text(host), Value::Int(port)]);
    for (name, parameters, wanted) in [
        ("publish", vec![], -32602),
        ("publish", vec![Value::Int(1)], -32602),
        ("publish", vec![Value::text("a"), Value::text("b")], -32602),
        ("publish", vec![Value::text("a"), texts(["b", "c"])], -32602),
        ("publish", vec![Value::text("a"), source("b", 65536)], -32602),
        ("publish", vec![Value::text("a"), source(&"b".repeat(256), 1)], -32602),
        ("publish", vec![Value::text("a"), source("b", 1), Value::Nil], -32602),
        ("publish", vec![Value::text(&"a".repeat(1001))], -32500),
        ("last", vec![Value::Int(-1)], -32602),
        ("last", vec![Value::text("1")], -32602),
        ("get", vec![], -32602),
        ("get", vec![Value::Int(0)], -32500),
        ("get", vec![Value::Int(-1)], -32500),
        ("Publish", vec![], -32601),
        ("", vec![], -32601),
    ] {
        assert_eq!(code(server.call(name, parameters)), wanted, "{name}");
    }
    assert_eq!(server.call("last", []), Ok(Value::Ids(0..0)));
}

#[test]
fn a_method_tells_what_it_takes() {
    let server = Server::new();
    let Ok(Value::Array(names)) = server.call("system.listMethods", []) else { panic!() };
    assert!(
        names.contains(&Value::text("publish")) && names.contains(&Value::text("validator1.echoStructTest"))
    );
    for name in names {
        let help = server.call("system.methodHelp", [name.clone()]);
        assert!(matches!(help, Ok(Value::Text(help)) if !help.is_empty()));
        let Ok(Value::Array(signatures)) = server.call("system.methodSignature", [name]) else { panic!() };
        assert!(!signatures.is_empty());
    }
    let signatures = server.call("system.methodSignature", [Value::text("last")]);
    assert_eq!(signatures, Ok(Value::Array(vec![texts(["array"]), texts(["array", "int"])])));
    assert_eq!(code(server.call("system.methodHelp", [Value::text("none")])), -32601);
    assert!(server.call("system.getCapabilities", []).is_ok());
    assert_eq!(
        super::all(false).names().count(),
        8,
        "the functions of suites are there only when they are asked for"
    );
}

fn call_of(name: &str, parameters: Vec<Value>) -> Value {
    Value::members([("methodName", Value::text(name)), ("params", Value::Array(parameters))])
}

#[test]
fn several_calls_are_made_in_order_and_a_fault_stops_none() {
    let server = Server::new();
    let calls = Value::Array(vec![
        call_of("publish", vec![Value::text("a")]),
        call_of("none", vec![]),
        Value::Int(1),
        call_of("last", vec![]),
    ]);
    let Ok(Value::Array(results)) = server.call("system.multicall", [calls]) else { panic!() };
    assert_eq!(results[0], Value::Array(vec![Value::Int(0)]));
    let codes = [&results[1], &results[2]].map(|result| match result {
        Value::Struct(members) => members["faultCode"].clone(),
        other => panic!("{other:?}"),
    });
    assert_eq!(codes, [Value::Int(-32601), Value::Int(-32602)]);
    assert_eq!(results[3], Value::Array(vec![Value::Ids(0..1)]));
}

#[test]
fn several_calls_have_limits_together() {
    let server = Server::new();
    let none = call_of("last", vec![]);
    let inside = call_of("system.multicall", vec![Value::Array(vec![none.clone()])]);
    let Ok(Value::Array(results)) = server.call("system.multicall", [Value::Array(vec![inside])]) else {
        panic!()
    };
    assert!(matches!(&results[0], Value::Struct(members) if members["faultCode"] == Value::Int(-32602)));

    assert!(server.call("system.multicall", [Value::Array(vec![none.clone(); MOST_CALLS])]).is_ok());
    let publish = call_of("publish", vec![Value::text("never")]);
    let many = Value::Array(vec![publish; MOST_CALLS + 1]);
    assert_eq!(code(server.call("system.multicall", [many])), -32600);
    assert_eq!(server.call("last", []), Ok(Value::Ids(0..0)), "none of them was made");

    // The limit is 1000 bytes here: two messages of 400 fit, a third does not, and alone it does.
    server.call("publish", [Value::text(&"x".repeat(400))]).unwrap();
    let get = call_of("get", vec![Value::Int(0)]);
    let Ok(Value::Array(results)) = server.call("system.multicall", [Value::Array(vec![get; 3])]) else {
        panic!()
    };
    let kinds: Vec<_> = results.iter().map(Value::kind).collect();
    assert_eq!(kinds, ["array", "array", "struct"]);
    assert!(server.call("get", [Value::Int(0)]).is_ok());
}

#[test]
fn parameters_may_be_called_by_their_names() {
    let server = Server::new();
    let named = |name: &str, parameters: &[(&str, Value)]| {
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        server.context().call_named(name, parameters)
    };
    let source = Value::Array(vec![Value::text("h"), Value::Int(1)]);
    assert_eq!(named("publish", &[("source", source.clone()), ("msg", Value::text("a"))]), Ok(Value::Int(0)));
    assert_eq!(named("publish", &[("msg", Value::text("a"))]), Ok(Value::Int(1)));
    assert_eq!(code(named("publish", &[("source", source)])), -32602);
    assert_eq!(code(named("publish", &[("msg", Value::text("a")), ("more", Value::Nil)])), -32602);
    assert_eq!(named("last", &[]), Ok(Value::Ids(0..2)));
}

#[test]
fn the_suites_of_others_pass() {
    let server = Server::new();
    let day = |moe, larry, curly| {
        Value::members([("moe", Value::Int(moe)), ("larry", Value::Int(larry)), ("curly", Value::Int(curly))])
    };
    let validate = |name: &str, parameter| server.call(&format!("validator1.{name}"), [parameter]);
    let three = Value::Array(vec![day(1, 2, 3), day(4, 5, 6), day(0, 0, -2)]);
    assert_eq!(validate("arrayOfStructsTest", three), Ok(Value::Int(7)));
    assert_eq!(validate("easyStructTest", day(1, 2, 3)), Ok(Value::Int(6)));
    let Ok(Value::Struct(counts)) = validate("countTheEntities", Value::text("<<>&&&'\"")) else { panic!() };
    assert_eq!(counts["ctLeftAngleBrackets"], Value::Int(2));
    assert_eq!(counts["ctAmpersands"], Value::Int(3));
    assert_eq!(validate("echoStructTest", day(1, 2, 3)), Ok(day(1, 2, 3)));
    assert_eq!(validate("moderateSizeArrayCheck", texts(["a", "b", "c"])), Ok(Value::text("ac")));
    let calendar =
        Value::members([("2000", Value::members([("04", Value::members([("01", day(3, 4, 5))]))]))]);
    assert_eq!(validate("nestedStructTest", calendar), Ok(Value::Int(12)));
    let Ok(Value::Struct(times)) = validate("simpleStructReturnTest", Value::Int(-3)) else { panic!() };
    assert_eq!(times["times1000"], Value::Int(-3000));
    let many = [
        Value::Int(1),
        Value::Bool(true),
        Value::text("a"),
        Value::Double(0.5),
        Value::Date("19980717T14:08:55".into()),
        Value::Bytes(vec![1]),
    ];
    assert_eq!(server.call("validator1.manyTypesTest", many.clone()), Ok(Value::Array(many.into())));

    let numbers = |name: &str, x, y| server.call(name, [x, y]);
    assert_eq!(numbers("pow", Value::Int(6), Value::Int(8)), Ok(Value::Int(1_679_616)));
    assert_eq!(numbers("pow", Value::Int(2), Value::Int(-1)), Ok(Value::Double(0.5)));
    assert_eq!(code(numbers("pow", Value::Int(2), Value::Int(64))), -32500);
    assert_eq!(numbers("add", Value::Int(2), Value::Double(0.5)), Ok(Value::Double(2.5)));
    assert_eq!(code(numbers("add", Value::Int(i64::MAX), Value::Int(1))), -32500);
    for (x, y, result) in [(7, 2, 3), (-7, 2, -4), (7, -2, -4), (-7, -2, 3), (6, -2, -3)] {
        assert_eq!(numbers("div", Value::Int(x), Value::Int(y)), Ok(Value::Int(result)), "{x} / {y}");
    }
    assert_eq!(code(numbers("div", Value::Int(1), Value::Int(0))), -32500);
    assert_eq!(code(numbers("div", Value::Int(i64::MIN), Value::Int(-1))), -32500);
    assert_eq!(server.call("têšt", [Value::Int(42)]), Ok(Value::Int(42)));
    assert_eq!(server.call("Fixture.getData", []), Ok(Value::text("42")));
}
