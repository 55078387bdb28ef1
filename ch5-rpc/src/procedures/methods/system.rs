//! What a server says of itself, and several calls in one request. (The names are those of Eric Kidd's proposals, which Python has, too.)

use crate::procedures::arguments::{Arguments, members};
use crate::procedures::fault::Fault;
use crate::procedures::method::{Context, Method};
use crate::procedures::value::Value;

pub const METHODS: &[Method] = &[
    Method {
        name: "system.listMethods",
        help: "Returns the names of all methods.",
        signatures: &[&["array"]],
        parameters: &[],
        run: list_methods,
    },
    Method {
        name: "system.methodHelp",
        help: "Returns what a method does.",
        signatures: &[&["string", "string"]],
        parameters: &["name"],
        run: |context, mut arguments| Ok(Value::text(context.methods.find(&arguments.text()?)?.help)),
    },
    Method {
        name: "system.methodSignature",
        help: "Returns an array for each way to call a method: the type of its result, then those of its parameters.",
        signatures: &[&["array", "string"]],
        parameters: &["name"],
        run: method_signature,
    },
    Method {
        name: "system.multicall",
        help: "Calls several methods, given as structs of methodName and params. Returns for each an array of its \
               result, or the struct of its fault.",
        signatures: &[&["array", "array"]],
        parameters: &["calls"],
        run: multicall,
    },
    Method {
        name: "system.getCapabilities",
        help: "Returns which specifications the server keeps to.",
        signatures: &[&["struct"]],
        parameters: &[],
        run: capabilities,
    },
];

fn list_methods(context: &mut Context<'_>, _: Arguments) -> Result<Value, Fault> {
    Ok(Value::Array(context.methods.names().map(Value::text).collect()))
}

fn method_signature(context: &mut Context<'_>, mut arguments: Arguments) -> Result<Value, Fault> {
    let method = context.methods.find(&arguments.text()?)?;
    let one = |signature: &&[&str]| Value::Array(signature.iter().map(|kind| Value::text(kind)).collect());
    Ok(Value::Array(method.signatures.iter().map(one).collect()))
}

fn multicall(context: &mut Context<'_>, mut arguments: Arguments) -> Result<Value, Fault> {
    let calls = arguments.array()?;
    context.begin_several(calls.len())?;
    let results = calls.into_iter().map(|call| match one_call(context, call) {
        Ok(result) => Value::Array(vec![result]),
        Err(fault) => Value::from(&fault),
    });
    Ok(Value::Array(results.collect()))
}

fn one_call(context: &mut Context<'_>, call: Value) -> Result<Value, Fault> {
    let mut call = members(call)?;
    match (call.remove("methodName"), call.remove("params")) {
        (Some(Value::Text(name)), Some(Value::Array(parameters))) => {
            context.call(&name, Arguments::positional(parameters))
        }
        _ => Err(Fault::parameters("a call has a methodName and an array params")),
    }
}

fn capabilities(_: &mut Context<'_>, _: Arguments) -> Result<Value, Fault> {
    let one = |address: &str, version| {
        Value::members([("specUrl", Value::text(address)), ("specVersion", Value::Int(version))])
    };
    Ok(Value::members([
        ("xmlrpc", one("http://xmlrpc.com/spec.md", 1)),
        ("introspection", one("http://xmlrpc-c.sourceforge.net/introspection.html", 1)),
        ("system.multicall", one("https://mirrors.talideon.com/articles/multicall.html", 1)),
        ("faults_interop", one("http://xmlrpc-epi.sourceforge.net/specs/rfc.fault_codes.php", 20_010_516)),
        ("nil", one("http://ontosys.com/xml-rpc/extensions.html", 20_010_518)),
        ("json-rpc", one("https://www.jsonrpc.org/specification", 2)),
    ]))
}
