//! The message board as procedures. Notes, figure 5.4.

use crate::procedures::arguments::{Arguments, instead, int};
use crate::procedures::board::{HOST_LIMIT, Source};
use crate::procedures::fault::Fault;
use crate::procedures::method::{Context, Method};
use crate::procedures::value::Value;

pub const METHODS: &[Method] = &[
    Method {
        name: "publish",
        help: "Puts a text (or any bytes, as base64) on the board and returns its id. \
               The source, a host and a port, is repeated by get; without it that is ' ' and -1.",
        signatures: &[
            &["int", "string"],
            &["int", "base64"],
            &["int", "string", "array"],
            &["int", "base64", "array"],
        ],
        parameters: &["msg", "source"],
        run: publish,
    },
    Method {
        name: "last",
        help: "Returns the ids of the last n messages, the oldest first. Without n, or with 0, of all.",
        signatures: &[&["array"], &["array", "int"]],
        parameters: &["n"],
        run: last,
    },
    Method {
        name: "get",
        help: "Returns the message with this id: when it was published (seconds since 1970), host and port of \
               its source, and its text; as base64 where XML cannot carry it.",
        signatures: &[&["array", "int"]],
        parameters: &["id"],
        run: get,
    },
];

fn publish(context: &mut Context<'_>, mut arguments: Arguments) -> Result<Value, Fault> {
    let text = arguments.bytes()?;
    let source = arguments.optional().map(source).transpose()?;
    let id = context.board.publish(text, context.sender, source)?;
    Ok(Value::Int(id.0.cast_signed()))
}

fn source(value: Value) -> Result<Source, Fault> {
    let wrong = || Fault::parameters("a source is an array of a host and a port from -1 to 65535");
    let Value::Array(values) = value else { return Err(instead("array", &value)) };
    match <[Value; 2]>::try_from(values) {
        Ok([Value::Text(host), Value::Int(port @ -1..=65535)]) if host.len() <= HOST_LIMIT => {
            Ok(Source { host, port: port as i32 })
        }
        _ => Err(wrong()),
    }
}

fn last(context: &mut Context<'_>, mut arguments: Arguments) -> Result<Value, Fault> {
    let count = arguments.optional().map_or(Ok(0), |value| int(&value))?;
    let count = u64::try_from(count).map_err(|_| Fault::parameters("n counts messages: 0 asks for all"))?;
    let ids = context.board.last(count);
    context.add_to_answer((ids.end - ids.start) * 36)?;
    Ok(Value::Ids(ids))
}

fn get(context: &mut Context<'_>, mut arguments: Arguments) -> Result<Value, Fault> {
    let id = arguments.int()?;
    let found = u64::try_from(id).ok().and_then(|id| context.board.message(id));
    let message = found.ok_or(Fault::application("no message has this id"))?;
    context.add_to_answer(message.text.bytes().len() as u64)?;
    Ok(Value::Array(vec![
        Value::Double(message.time.0.as_secs_f64()),
        Value::Text(message.source.host),
        Value::Int(message.source.port.into()),
        Value::Shared(message.text),
    ]))
}
