//! Programs in Python 3 with the calls of the notes' own client (which is for Python 2), through Pyro 4 and Pyro 5; and our client with
//! such a server.

use std::process::Stdio;

use common::support::child_server::ChildProcess;

use crate::remote::{PATIENCE, chat, client, python, uri};
use crate::support::{run, text};

/// Figure 5.7 of the notes, without its terminal; and then what else a Pyro program may do.
const PROGRAM: &str = r#"
import sys
version, chat_uri, name, other = sys.argv[1:]
if version == "Pyro4":
    from Pyro4 import Proxy, batch, errors
else:
    from Pyro5.api import Proxy, BatchProxy as batch
    from Pyro5 import errors
chat = Proxy(chat_uri)
my_uri = chat.register(name)
me = Proxy(my_uri)
me.get()
me.post("hello äö'\"\\ \n 😀")
chat.post("by nobody")
chat.post(msg=1e30000, name=None)
me.post_private("psst", name)
me.post_private("psst", "nobody")
assert me.get() == ["From %s : hello äö'\"\\ \n 😀" % name, "From Unknown : by nobody", "From None : 1e30000"], "get"
assert me.get() == [] and me.get_private() == ["From %s : psst" % name] and me.get_private() == [], "once"
assert me.whoami() == name and name in chat.get_users()
assert chat.get(-1) == ["From None : 1e30000"] and chat.get(idx=10**6) == []
assert sorted(me._pyroMethods) == ["get", "get_private", "post", "post_private", "subscribe", "whoami"]

def raises(kind, call, *args):
    try:
        call(*args)
    except kind as error:
        return str(error)
    raise SystemExit("no %s from %r" % (kind, args))

assert "idx" in raises(TypeError, chat.get, "x")
raises(TypeError, chat.post)
raises(ValueError, chat.register, "")
raises(AttributeError, lambda: chat.nothing)
chat._pyroMethods.add("nothing")
assert "nothing" in raises(AttributeError, chat.nothing)
nobody = Proxy("PYRO:00@" + chat_uri.split("@")[1])
assert "unknown object" in raises(errors.CommunicationError, nobody._pyroBind)
calls = batch(chat)
calls.get(0); calls.get("x"); calls.post("not done")
results = calls()
assert len(next(results)) >= 3
raises(TypeError, lambda: next(results))
assert "not done" not in " ".join(chat.get())

facet = Proxy(chat.read_only())
assert facet.get() == chat.get()
raises(AttributeError, lambda: facet.post)
assert chat.revoke(facet._pyroUri) is True
assert "unknown object" in raises(errors.DaemonError, facet.get)
Proxy(chat.register(other))
chat.remove_user(other)
assert chat.get()[-1] == "User %s leaved the chat room" % other
print("done")
"#;

#[test]
fn they_find_what_the_notes_chat_has() {
    let server = chat(&[]);
    let uri = uri(&server).to_string();
    for version in ["Pyro4", "Pyro5"] {
        let Some(mut program) = python(PROGRAM, &[version, &uri, &format!("Ann of {version}"), "Bob"]) else {
            return;
        };
        let output = run(&mut program);
        assert_eq!(text(&output.stdout), "done\n", "{version}: {}", text(&output.stderr));
    }
    assert!(server.stop().success());
}

/// Compressed requests, and a request over the limit: a typed error, not a reset.
const LARGE: &str = r#"
import sys
version, chat_uri = sys.argv[1:]
if version == "Pyro4":
    from Pyro4 import Proxy, config, errors
else:
    from Pyro5.api import Proxy, config
    from Pyro5 import errors
config.COMPRESSION = True
Proxy(chat_uri).post("x" * 50000)
assert len(Proxy(chat_uri).get()[-1]) == 50015
config.COMPRESSION = False
try:
    Proxy(chat_uri).post("x" * 2000000)
except errors.ProtocolError as error:
    assert "longer than the limit" in str(error), error
    print("done")
"#;

#[test]
fn long_messages_are_taken_compressed_and_refused_with_a_reason() {
    let server = chat(&[]);
    let uri = uri(&server).to_string();
    for version in ["Pyro4", "Pyro5"] {
        let Some(mut program) = python(LARGE, &[version, &uri]) else { return };
        let output = run(&mut program);
        assert_eq!(text(&output.stdout), "done\n", "{version}: {}", text(&output.stderr));
    }
}

/// A chat as in figure 5.6 of the notes.
const SERVER: &str = r#"
import sys
if sys.argv[1] == "Pyro4":
    from Pyro4 import Daemon, expose
else:
    from Pyro5.api import Daemon, expose

@expose
class User(object):
    def __init__(self, name, chat):
        self.name, self.chat, self.private_msgs, self.last_common = name, chat, [], 0
    def post(self, msg):
        self.chat.post(msg, self.name)
    def post_private(self, msg, to):
        self.chat.post_private(msg, to, self.name)
    def get(self):
        msgs = self.chat.get(self.last_common)
        self.last_common += len(msgs)
        return msgs
    def get_private(self):
        msgs, self.private_msgs = self.private_msgs, []
        return msgs
    def whoami(self):
        return self.name

@expose
class Chat(object):
    def __init__(self):
        self.users, self.msgs = {}, []
    def register(self, me):
        user = self.users[me] = User(me, self)
        return str(daemon.register(user))
    def post(self, msg, name="Unknown"):
        self.msgs.append("From %s : %s" % (name, msg))
    def post_private(self, msg, to, name="Unknown"):
        if to in self.users:
            self.users[to].private_msgs.append("From %s : %s" % (name, msg))
    def get(self, idx=0):
        return self.msgs[idx:]
    def get_users(self):
        return self.users.keys()

daemon = Daemon(host="127.0.0.1")
print(daemon.register(Chat()), flush=True)
daemon.requestLoop()
"#;

#[test]
fn our_client_uses_a_chat_in_python() {
    for version in ["Pyro4", "Pyro5"] {
        let Some(mut command) = python(SERVER, &[version]) else { return };
        let mut server = ChildProcess::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped())).unwrap();
        let uri = server.next_line(PATIENCE).expect("it prints its URI");
        let wire = version.trim_start_matches("Pyro");
        let says = |args: &[&str]| client(&[&["chat-client", "-u", &uri, "--wire", wire], args].concat());
        let ours = crate::remote::failing(&["chat-client", "-u", &uri, "-n", "Ann", "-m", "hello"]);
        assert!(ours.contains("it speaks Pyro's wire (--wire 5, or 4)"), "{ours}");
        assert_eq!(says(&["-n", "Ann", "-m", "hello ä"]), "");
        assert_eq!(
            says(&["-n", "Bob", "--private", "Bob", "psst", "--get", "--users"]),
            "From Ann : hello ä\n(private) From Bob : psst\nAnn\nBob\n"
        );
        assert_eq!(says(&["-n", "Carol", "--follow", "--count", "1"]), "From Ann : hello ä\n");
        server.kill();
    }
}
