use proptest::prelude::*;

use super::{NotSerpent, Value, literal, read, write};

fn why(text: &str) -> &'static str {
    match read(text.as_bytes()) {
        Err(NotSerpent { why, .. }) => why,
        Ok(value) => panic!("{text} is read as {value:?}"),
    }
}

#[test]
fn what_serpent_writes_is_read() {
    let text =
        "# serpent utf-8 python3.2\n('id','post',('a\\'b\\x41\\u00e9\\U0001f600\\n',),{'name':\"it's\"})";
    let Value::Tuple(parts) = read(text.as_bytes()).unwrap() else { panic!("no tuple") };
    assert_eq!(parts[2], Value::Tuple(vec!["a'bAé😀\n".into()]));
    assert_eq!(parts[3].get("name"), Some(&"it's".into()));
    for (text, value) in [
        ("None", Value::None),
        ("True", true.into()),
        ("-7", Value::Int(-7)),
        ("9223372036854775807", Value::Int(i64::MAX)),
        ("1.5e-07", Value::Float(1.5e-7)),
        ("1e30000", Value::Float(f64::INFINITY)),
        ("-1e30000", Value::Float(f64::NEG_INFINITY)),
        ("1.", Value::Float(1.0)),
        ("()", Value::Tuple(vec![])),
        ("(1)", Value::Int(1)),
        ("(1,)", Value::Tuple(vec![Value::Int(1)])),
        ("[\n  1,\n  2,\n]", Value::List(vec![Value::Int(1), Value::Int(2)])),
        ("{1, 2}", Value::Set(vec![Value::Int(1), Value::Int(2)])),
        ("{}", Value::Dict(vec![])),
        (" # a comment\n 0", Value::Int(0)),
    ] {
        assert_eq!(read(text.as_bytes()), Ok(value), "{text}");
    }
    let Ok(Value::Float(nan)) = read(b"{'__class__':'float','value':'nan'}") else { panic!("nan") };
    assert!(nan.is_nan());
    let data = read(b"{'data':'eg==','encoding':'base64'}").unwrap();
    assert_eq!(data.to_bytes(), Some(b"z".to_vec()));
    assert_eq!(Value::bytes(b"z"), data);
    assert_eq!(read(b"{'a':1,'a':2}").unwrap().get("a"), Some(&Value::Int(2)), "the last counts");
}

#[test]
fn nothing_else_is_read_and_nothing_is_run() {
    for text in [
        "",
        "#",
        "nan",
        "b'x'",
        "1+1",
        "1j",
        "007",
        "-",
        "1e",
        ".5",
        "1_0",
        "--1",
        "[1 2]",
        "[1",
        "(,)",
        "[,]",
        "'a",
        "'a\nb'",
        "'\\q'",
        "'\\x4'",
        "'\\ud800'",
        "{1:2,3}",
        "{1,2:3}",
        "{[1]:2}",
        "{([],)}",
        "{1:}",
        "1 2",
        "Nonesense",
        "__import__('os').system('true')",
        "9223372036854775808",
        "{**{}}",
        "'a' 'b'",
    ] {
        why(text);
    }
    assert_eq!(why("9223372036854775808"), "a number of more than 64 bits");
    assert_eq!(read(b"'\xff'"), Err(NotSerpent { at: 1, why: "the text is not UTF-8" }));
}

#[test]
fn nesting_and_number_of_values_are_bounded() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(read(nested(51).as_bytes()).is_ok());
    assert_eq!(why(&nested(52)), "nested too deeply");
    assert_eq!(why(&"[".repeat(1_000_000)), "nested too deeply");
    assert_eq!(why(&"{1:".repeat(1_000_000)), "nested too deeply");
    assert_eq!(why(&format!("[{}]", "0,".repeat(100_000))), "too many values");
}

#[test]
fn the_text_is_this() {
    let value = Value::Tuple(vec![
        Value::Tuple(vec![Value::Int(1)]),
        Value::Set(vec![]),
        Value::List(vec![Value::Float(1e16), Value::Float(f64::NAN), Value::Float(f64::INFINITY)]),
        "a'\\\n\u{1}é\u{feff}".into(),
        Value::dict([("k", Value::None)]),
    ]);
    let expected =
        r"((1,),(),[1e16,{'__class__':'float','value':'nan'},1e30000],'a\'\\\n\x01é\ufeff',{'k':None})";
    assert_eq!(literal(&value), expected);
    assert_eq!(write(&Value::None), b"# serpent utf-8 python3.2\nNone");
}

pub fn value() -> impl Strategy<Value = Value> {
    let key = prop_oneof![
        any::<i64>().prop_map(Value::Int),
        ".{0,9}".prop_map(Value::Text),
        any::<bool>().prop_map(Value::Bool),
    ];
    let leaf = prop_oneof![
        Just(Value::None),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<f64>().prop_filter("not equal to itself", |number| !number.is_nan()).prop_map(Value::Float),
        any::<String>().prop_map(Value::Text),
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Tuple),
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::List),
            prop::collection::vec(key.clone(), 1..6).prop_map(Value::Set),
            prop::collection::vec((key.clone(), inner), 0..6).prop_map(Value::Dict),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_the_same(value in value()) {
        prop_assert_eq!(read(&write(&value)), Ok(value));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[\\[\\](){}'\"\\\\,:x0-9eE.+\\-NTn #\n]{0,60}") {
        if let Ok(value) = read(text.as_bytes()) {
            prop_assert_eq!(read(&write(&value)).map(|again| literal(&again)), Ok(literal(&value)));
        }
    }
}
