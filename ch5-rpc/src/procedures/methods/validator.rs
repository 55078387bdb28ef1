//! `validator1`, the suite that UserLand, the author of XML-RPC, asked every server to pass. `--validator`

use crate::procedures::arguments::{Arguments, instead, int, members};
use crate::procedures::fault::Fault;
use crate::procedures::method::{Context, Method};
use crate::procedures::value::Value;

pub const METHODS: &[Method] = &[
    Method {
        name: "validator1.arrayOfStructsTest",
        help: "Returns the sum of the members called curly.",
        signatures: &[&["int", "array"]],
        parameters: &["structs"],
        run: array_of_structs,
    },
    Method {
        name: "validator1.countTheEntities",
        help: "Returns how many <, >, &, ' and \" a text has.",
        signatures: &[&["struct", "string"]],
        parameters: &["text"],
        run: count_the_entities,
    },
    Method {
        name: "validator1.easyStructTest",
        help: "Returns the sum of the members moe, larry and curly.",
        signatures: &[&["int", "struct"]],
        parameters: &["stooges"],
        run: |_, mut arguments| stooges(arguments.any()?),
    },
    Method {
        name: "validator1.echoStructTest",
        help: "Returns the struct.",
        signatures: &[&["struct", "struct"]],
        parameters: &["struct"],
        run: |_, mut arguments| arguments.members().map(Value::Struct),
    },
    Method {
        name: "validator1.manyTypesTest",
        help: "Returns the six parameters as an array.",
        signatures: &[&["array", "int", "boolean", "string", "double", "dateTime.iso8601", "base64"]],
        parameters: &["number", "boolean", "string", "double", "dateTime", "base64"],
        run: many_types,
    },
    Method {
        name: "validator1.moderateSizeArrayCheck",
        help: "Returns the first and the last text of an array as one.",
        signatures: &[&["string", "array"]],
        parameters: &["texts"],
        run: moderate_size_array,
    },
    Method {
        name: "validator1.nestedStructTest",
        help: "Returns the sum of moe, larry and curly on April 1, 2000, of a struct of years of months of days.",
        signatures: &[&["int", "struct"]],
        parameters: &["calendar"],
        run: nested_struct,
    },
    Method {
        name: "validator1.simpleStructReturnTest",
        help: "Returns a number times 10, 100 and 1000.",
        signatures: &[&["struct", "int"]],
        parameters: &["number"],
        run: simple_struct_return,
    },
];

fn sum(numbers: impl IntoIterator<Item = Result<i64, Fault>>) -> Result<Value, Fault> {
    let sum = numbers.into_iter().try_fold(0_i64, |sum, number| {
        sum.checked_add(number?).ok_or(Fault::application("a sum beyond 64 bits"))
    });
    sum.map(Value::Int)
}

fn member(value: Value, name: &str) -> Result<Value, Fault> {
    members(value)?.remove(name).ok_or(Fault::parameters("a member is missing"))
}

fn stooges(value: Value) -> Result<Value, Fault> {
    let mut members = members(value)?;
    let missing = || Fault::parameters("a member is missing");
    sum(["moe", "larry", "curly"].map(|name| int(&members.remove(name).ok_or_else(missing)?)))
}

fn array_of_structs(_: &mut Context<'_>, mut arguments: Arguments) -> Result<Value, Fault> {
    sum(arguments.array()?.into_iter().map(|value| int(&member(value, "curly")?)))
}

fn count_the_entities(_: &mut Context<'_>, mut arguments: Arguments) -> Result<Value, Fault> {
    let text = arguments.text()?;
    let count = |wanted| Value::Int(text.matches(wanted).count() as i64);
    Ok(Value::members([
        ("ctLeftAngleBrackets", count('<')),
        ("ctRightAngleBrackets", count('>')),
        ("ctAmpersands", count('&')),
        ("ctApostrophes", count('\'')),
        ("ctQuotes", count('"')),
    ]))
}

fn many_types(_: &mut Context<'_>, mut arguments: Arguments) -> Result<Value, Fault> {
    let kinds = ["int", "boolean", "string", "double", "dateTime.iso8601", "base64"];
    let check = |kind: &str| {
        let value = arguments.any()?;
        // JSON has no dates, and writes a double without fraction as an int.
        let fits = value.kind() == kind
            || matches!((kind, &value), ("double", Value::Int(_)) | ("dateTime.iso8601", Value::Text(_)));
        if fits { Ok(value) } else { Err(instead(kind, &value)) }
    };
    kinds.into_iter().map(check).collect::<Result<_, _>>().map(Value::Array)
}

fn moderate_size_array(_: &mut Context<'_>, mut arguments: Arguments) -> Result<Value, Fault> {
    match arguments.array()?.as_slice() {
        [Value::Text(first), .., Value::Text(last)] => Ok(Value::Text(format!("{first}{last}"))),
        [Value::Text(only)] => Ok(Value::Text(format!("{only}{only}"))),
        _ => Err(Fault::parameters("an array whose first and last values are texts")),
    }
}

fn nested_struct(_: &mut Context<'_>, mut arguments: Arguments) -> Result<Value, Fault> {
    let day = ["2000", "04", "01"].into_iter().try_fold(arguments.any()?, member)?;
    stooges(day)
}

fn simple_struct_return(_: &mut Context<'_>, mut arguments: Arguments) -> Result<Value, Fault> {
    let number = arguments.int()?;
    let times = |factor| {
        let product = number.checked_mul(factor).map(Value::Int);
        product.ok_or(Fault::application("a product beyond 64 bits"))
    };
    Ok(Value::members([("times10", times(10)?), ("times100", times(100)?), ("times1000", times(1000)?)]))
}
