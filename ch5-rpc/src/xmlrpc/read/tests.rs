use proptest::prelude::*;

use super::*;
use crate::xmlrpc::write;

fn parameter(value: &str) -> Result<Value, Fault> {
    let document =
        format!("<methodCall><methodName>m</methodName><params><param>{value}</param></params></methodCall>");
    method_call(&document).map(|mut call| call.parameters.remove(0))
}

#[test]
fn a_call_is_read_as_it_is_indented() {
    let call = "<?xml version=\"1.0\"?>\n<methodCall>\n  <methodName> examples.get </methodName>\n  <params>\n    <param>
      <value>\n        <int> 41 </int>\n      </value>\n    </param>\n  </params>\n</methodCall>\n";
    let read = method_call(call).unwrap();
    assert_eq!((read.name.as_str(), read.parameters), ("examples.get", vec![Value::Int(41)]));
    for call in [
        "<methodCall><methodName>m</methodName></methodCall>",
        "<methodCall><methodName>m</methodName><params/></methodCall>",
        "<!-- a --><methodCall><methodName>m</methodName><params></params></methodCall><!-- b -->",
    ] {
        assert_eq!(method_call(call), Ok(MethodCall { name: "m".into(), parameters: Vec::new() }), "{call}");
    }
}

#[test]
fn every_type_is_read_and_what_the_crate_dxr_does_not_read_as_well() {
    for (value, read) in [
        ("<value/>", Value::text("")),
        ("<value> \t</value>", Value::text(" \t")),
        ("<value>a<!-- -->b</value>", Value::text("ab")),
        ("<value> <string> a </string> </value>", Value::text(" a ")),
        ("<value><string/></value>", Value::text("")),
        ("<value><i1>1</i1></value>", Value::Int(1)),
        ("<value><i2>-2</i2></value>", Value::Int(-2)),
        ("<value><i4>+3</i4></value>", Value::Int(3)),
        ("<value><int>5000000000</int></value>", Value::Int(5_000_000_000)),
        ("<value><ex:i8>9223372036854775807</ex:i8></value>", Value::Int(i64::MAX)),
        ("<value><double>-1.5e3</double></value>", Value::Double(-1500.0)),
        ("<value><double>inf</double></value>", Value::Double(f64::INFINITY)),
        ("<value><boolean>1</boolean></value>", Value::Bool(true)),
        ("<value><base64>eW91\n  IGNh\n</base64></value>", Value::Bytes(b"you ca".to_vec())),
        ("<value><base64/></value>", Value::Bytes(Vec::new())),
        ("<value><nil/></value>", Value::Nil),
        ("<value><ex:nil></ex:nil></value>", Value::Nil),
        (
            "<value><dateTime.iso8601>1998-07-17T14:08:55Z</dateTime.iso8601></value>",
            Value::Date("1998-07-17T14:08:55Z".into()),
        ),
        ("<value><array><data/></array></value>", Value::Array(Vec::new())),
        (
            "<value><struct> <member> <name></name> <value>x</value> </member> </struct></value>",
            Value::members([("", Value::text("x"))]),
        ),
        ("<value><struct/></value>", Value::members([])),
    ] {
        assert_eq!(parameter(value), Ok(read), "{value}");
    }
}

#[test]
fn what_is_no_value_is_a_fault_that_repeats_nothing() {
    for value in [
        "",
        "x",
        "<value><int></int></value>",
        "<value><int>1 2</int></value>",
        "<value><int>secret</int></value>",
        "<value><int>9223372036854775808</int></value>",
        "<value><boolean>2</boolean></value>",
        "<value><double>1,5</double></value>",
        "<value><base64>*secret*</base64></value>",
        "<value><dateTime.iso8601>secret</dateTime.iso8601></value>",
        "<value><secret/></value>",
        "<value>a<int>1</int></value>",
        "<value><int>1</int>a</value>",
        "<value><int>1</int><int>2</int></value>",
        "<value><array></array></value>",
        "<value><array><data>secret</data></array></value>",
        "<value><array><data><int>1</int></data></array></value>",
        "<value><struct><member><value/></member></struct></value>",
        "<value><struct><member><name>a</name></member></struct></value>",
        "<value><nil>x</nil></value>",
        "<value>&secret;</value>",
        "<value>a</value><value>b</value>",
    ] {
        let fault = parameter(value).unwrap_err();
        assert!(!fault.text.contains("secret") && fault.text.len() < 100, "{value}: {fault}");
        assert!(matches!(fault.code, -32700 | -32600), "{value}: {fault}");
    }
}

#[test]
fn values_inside_one_another_and_side_by_side_have_a_limit() {
    let nested = |depth: usize| {
        let (begin, end) = ("<value><array><data>".repeat(depth), "</data></array></value>".repeat(depth));
        parameter(&format!("{begin}<value/>{end}"))
    };
    assert!(nested(MOST_DEPTH).is_ok());
    assert_eq!(nested(MOST_DEPTH + 1).unwrap_err().code, -32600);
    assert_eq!(nested(100_000).unwrap_err().code, -32600);
    let side_by_side = |count: usize| {
        parameter(&format!("<value><array><data>{}</data></array></value>", "<value/>".repeat(count)))
    };
    assert!(side_by_side(MOST_VALUES - 1).is_ok());
    assert_eq!(side_by_side(MOST_VALUES).unwrap_err().code, -32600);
}

#[test]
fn answers_are_read_and_what_is_none_is_told() {
    let answer = |inside: &str| method_response(&format!("<methodResponse>{inside}</methodResponse>"));
    assert_eq!(answer("<params><param><value>a</value></param></params>"), Ok(Ok(Value::text("a"))));
    let fault = "<fault><value><struct><member><name>faultCode</name><value><int>4</int></value></member>\
                 <member><name>faultString</name><value>no</value></member></struct></value></fault>";
    assert_eq!(answer(fault), Ok(Err(Fault::new(4, "no"))));
    for bad in ["", "<params/>", "<fault><value/></fault>", "<params><param/></params>", "x"] {
        assert!(answer(bad).is_err(), "{bad}");
    }
    assert!(method_response("<html></html>").is_err());
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Nil),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<f64>().prop_filter("NaN is not itself", |number| !number.is_nan()).prop_map(Value::Double),
        "[\t\n\r -~é😀]{0,20}".prop_map(Value::Text),
        prop::collection::vec(any::<u8>(), 0..20).prop_map(Value::Bytes),
    ];
    leaf.prop_recursive(4, 30, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::btree_map("[a-z<& ]{0,4}", inner, 0..6).prop_map(Value::Struct),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(value in any_value()) {
        let document = String::from_utf8(write::method_call("m", std::slice::from_ref(&value)).into_bytes()).unwrap();
        prop_assert_eq!(method_call(&document).unwrap().parameters, vec![value.clone()]);
        let document = String::from_utf8(write::method_response(&Ok(value.clone())).into_bytes()).unwrap();
        prop_assert_eq!(method_response(&document), Ok(Ok(value)));
    }

    #[test]
    fn a_document_with_a_piece_cut_out_or_doubled_never_panics(value in any_value(), place in any::<prop::sample::Index>(),
                                                              length in 0..20usize, instead in "[<>/&;a-z\\[\\]!0-9]{0,6}") {
        let document = write::method_call("m", &[value]).into_bytes();
        let start = place.index(document.len());
        let end = (start + length).min(document.len());
        let mutated = [&document[..start], instead.as_bytes(), &document[end..]].concat();
        let _ = method_call(&String::from_utf8_lossy(&mutated));
        let _ = method_response(&String::from_utf8_lossy(&mutated));
    }
}
