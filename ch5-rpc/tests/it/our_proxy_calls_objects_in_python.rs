//! Objects of Pyro's own daemons, called by our client: values go there and come back the same.

use std::process::Stdio;

use ch5_rpc::pyro::call::{Exception, Origin};
use ch5_rpc::pyro::message::Version;
use ch5_rpc::pyro::proxy::{CallError, Options, Proxy};
use ch5_rpc::pyro::serpent::Value;
use common::support::child_server::ChildProcess;

use crate::remote::{PATIENCE, python};

const SERVER: &str = r#"
import sys
if sys.argv[1] == "Pyro4":
    from Pyro4 import Daemon, expose, oneway
else:
    from Pyro5.api import Daemon, expose, oneway

@expose
class Echo(object):
    noted = []
    def echo(self, value, **named):
        return (value, named) if named else value
    @oneway
    def note(self, value):
        Echo.noted.append(value)
    def notes(self):
        return Echo.noted
    def fail(self):
        return {}["missing"]

daemon = Daemon(host="127.0.0.1")
print(daemon.register(Echo, "echo"), flush=True)
daemon.requestLoop()
"#;

#[test]
fn values_calls_and_exceptions_are_pythons() {
    for (package, version) in [("Pyro4", Version::Four), ("Pyro5", Version::Five)] {
        let Some(mut command) = python(SERVER, &[package]) else { return };
        let mut server = ChildProcess::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped())).unwrap();
        let uri = server.next_line(PATIENCE).expect("it prints its URI").parse().unwrap();
        let mut echo =
            Proxy::connect(&uri, Options { timeout: PATIENCE, version, ..Options::default() }).unwrap();
        assert_eq!(echo.methods(), ["echo", "fail", "note", "notes"]);
        let value = Value::List(vec![
            Value::None,
            true.into(),
            Value::Int(i64::MIN),
            Value::Float(1.5e-7),
            Value::Float(f64::NEG_INFINITY),
            "it's \\ \"x\" \n\u{1}äö😀\u{feff}".into(),
            Value::Tuple(vec![Value::Int(1)]),
            Value::Set(vec![Value::Int(2)]),
            Value::dict([("key", Value::List(vec![]))]),
        ]);
        assert_eq!(echo.call("echo", vec![value.clone()]).unwrap(), value);
        let named = echo.call_with("echo", vec![Value::Int(1)], Value::dict([("name", "x".into())])).unwrap();
        assert_eq!(named, Value::Tuple(vec![Value::Int(1), Value::dict([("name", "x".into())])]));
        assert_eq!(echo.call("note", vec!["noted".into()]).unwrap(), Value::None);
        while echo.call("notes", vec![]).unwrap() != Value::texts(["noted"]) {} // Pyro makes a thread for it
        let Err(CallError::Failed(exception)) = echo.call("fail", vec![]) else { panic!("it fails") };
        let expected =
            Exception { origin: Origin::Builtin, class: "KeyError".into(), args: vec!["missing".into()] };
        assert_eq!(exception, expected);
        let other = if version == Version::Four { Version::Five } else { Version::Four };
        let other = Options { version: other, timeout: PATIENCE, ..Options::default() };
        let mut echo = Proxy::connect(&uri, other).expect("the version is found out");
        assert_eq!(echo.call("echo", vec![Value::Int(7)]).unwrap(), Value::Int(7));
        let nobody = ch5_rpc::pyro::uri::Uri { object: "nobody".into(), ..uri };
        let Err(CallError::Refused(_, why)) =
            Proxy::connect(&nobody, Options { version, ..Options::default() })
        else {
            panic!("there is no such object")
        };
        assert_eq!(why, "unknown object");
        server.kill();
    }
}
