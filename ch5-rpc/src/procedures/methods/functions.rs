//! A few plain functions, as the test suite of Python's own `xmlrpc` registers them. `--validator`

use crate::procedures::arguments::Arguments;
use crate::procedures::fault::Fault;
use crate::procedures::method::{Context, Method};
use crate::procedures::value::Value;

pub const METHODS: &[Method] = &[
    Method {
        name: "Fixture.getData",
        help: "Returns '42': a method of an instance inside the registered one.",
        signatures: &[&["string"]],
        parameters: &[],
        run: |_, _| Ok(Value::text("42")),
    },
    Method {
        name: "add",
        help: "Returns the sum of two numbers, or one text behind another.",
        signatures: &[
            &["int", "int", "int"],
            &["double", "double", "double"],
            &["string", "string", "string"],
        ],
        parameters: &["x", "y"],
        run: add,
    },
    Method {
        name: "div",
        help: "This is the div function",
        signatures: &[&["int", "int", "int"]],
        parameters: &["x", "y"],
        run: div,
    },
    Method {
        name: "my_function",
        help: "This is my function",
        signatures: &[&["boolean"]],
        parameters: &[],
        run: |_, _| Ok(Value::Bool(true)),
    },
    Method {
        name: "pow",
        help: "Returns x to the power of y.",
        signatures: &[&["int", "int", "int"], &["double", "double", "double"]],
        parameters: &["x", "y"],
        run: pow,
    },
    Method {
        name: "t\u{ea}\u{161}t",
        help: "Returns its parameter; its name is not ASCII.",
        signatures: &[&["int", "int"], &["string", "string"]],
        parameters: &["x"],
        run: |_, mut arguments| arguments.any(),
    },
];

const TOO_LARGE: Fault =
    Fault { code: -32500, text: std::borrow::Cow::Borrowed("the result does not fit into 64 bits") };

/// Two numbers; if one has a fraction, both.
enum Pair {
    Ints(i64, i64),
    Doubles(f64, f64),
}

fn pair(x: &Value, y: &Value) -> Result<Pair, Fault> {
    match (x, y) {
        (Value::Int(x), Value::Int(y)) => Ok(Pair::Ints(*x, *y)),
        (Value::Double(x), Value::Double(y)) => Ok(Pair::Doubles(*x, *y)),
        (Value::Int(x), Value::Double(y)) => Ok(Pair::Doubles(*x as f64, *y)),
        (Value::Double(x), Value::Int(y)) => Ok(Pair::Doubles(*x, *y as f64)),
        _ => Err(Fault::parameters("parameters that are not both numbers")),
    }
}

fn add(_: &mut Context<'_>, mut arguments: Arguments) -> Result<Value, Fault> {
    match (arguments.any()?, arguments.any()?) {
        (Value::Text(x), Value::Text(y)) => Ok(Value::Text(x + &y)),
        (x, y) => match pair(&x, &y)? {
            Pair::Ints(x, y) => x.checked_add(y).map(Value::Int).ok_or(TOO_LARGE),
            Pair::Doubles(x, y) => Ok(Value::Double(x + y)),
        },
    }
}

fn pow(_: &mut Context<'_>, mut arguments: Arguments) -> Result<Value, Fault> {
    let (x, y) = match pair(&arguments.any()?, &arguments.any()?)? {
        Pair::Ints(x, y @ 0..) => {
            let result = u32::try_from(y).ok().and_then(|y| x.checked_pow(y));
            return result.map(Value::Int).ok_or(TOO_LARGE);
        }
        Pair::Ints(x, y) => (x as f64, y as f64),
        Pair::Doubles(x, y) => (x, y),
    };
    Ok(Value::Double(x.powf(y)))
}

fn div(_: &mut Context<'_>, mut arguments: Arguments) -> Result<Value, Fault> {
    let (x, y) = (arguments.int()?, arguments.int()?);
    if y == 0 {
        return Err(Fault::application("division by zero"));
    }
    let rounded = x.checked_div(y).ok_or(TOO_LARGE)?;
    let is_between = x % y != 0 && (x < 0) != (y < 0);
    Ok(Value::Int(if is_between { rounded - 1 } else { rounded }))
}
