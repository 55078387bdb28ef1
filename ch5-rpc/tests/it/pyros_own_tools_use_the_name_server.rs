//! `nsc` of Pyro 4 and Pyro 5, as it is installed, and a program that looks a server up; and ours with Pyro's own name servers.

use std::net::UdpSocket;
use std::process::Stdio;

use common::support::child_server::ChildProcess;

use crate::remote::{PATIENCE, chat, client, failing, names, python, python_module};
use crate::support::{Server, run, text};

fn nsc(port: &str, command: &[&str]) -> Option<[String; 2]> {
    let mut said = [const { String::new() }; 2];
    for (package, said) in ["Pyro4.nsc", "Pyro5.nsc"].iter().zip(&mut said) {
        let output = run(&mut python_module(&[&[package, "-n", "127.0.0.1", "-p", port], command].concat())?);
        *said = text(&output.stdout);
    }
    Some(said)
}

#[test]
fn they_list_look_up_register_and_remove() {
    let server = names(&[]);
    let port = server.address.port().to_string();
    let uri = format!("PYRO:Pyro.NameServer@127.0.0.1:{port}");
    let both = |command: &[&str], words: &str| {
        let Some(said) = nsc(&port, command) else { return false };
        assert!(said.iter().all(|said| said.contains(words)), "{command:?}: {said:?}");
        true
    };
    if !both(&["ping"], "ping ok") {
        return;
    }
    both(&["list"], &format!("Pyro.NameServer --> {uri}"));
    both(&["lookup", "Pyro.NameServer"], &uri);
    client(&["names", "register", "board", "PYRO:6f@127.0.0.1:7777", "--metadata", "fast", "-p", &port]);
    both(&["lookup", "board"], "PYRO:6f@127.0.0.1:7777\nmetadata: ");
    both(&["listmatching", "b.*d"], "board --> PYRO:6f@127.0.0.1:7777");
    both(&["register", "board", "PYRO:77@127.0.0.1:7777"], "NamingError - name already registered: board");
    both(&["lookup", "nothing"], "NamingError - unknown name: nothing");
    both(&["setmeta", "board", "slow"], "Metadata updated");
    assert!(client(&["names", "list", "-p", &port]).contains("board PYRO:6f@127.0.0.1:7777 [slow]\n"));
    let [four, five] = nsc(&port, &["remove", "board"]).unwrap();
    assert_eq!([four.trim(), five.trim()], ["Removed board", "Nothing removed"]);
    assert!(server.stop().success());
}

#[test]
fn our_commands_use_pyros_own_name_server() {
    for module in [
        &["Pyro4.naming", "-p", "0", "-x", "-n", "127.0.0.1"],
        &["Pyro5.nameserver", "-p", "0", "-x", "-n", "127.0.0.1"],
    ] {
        let Some(mut command) = python_module(module) else { return };
        let command = command.env("PYTHONUNBUFFERED", "1").stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut server = ChildProcess::spawn(command).unwrap();
        let uri = |text: &str| {
            Some(text.split_once("URI = PYRO:Pyro.NameServer@127.0.0.1:")?.1.split_once('\n')?.0.to_owned())
        };
        let port = server.stdout.wait(PATIENCE, uri).unwrap();
        let names = |args: &[&str]| client(&[&["names"], args, &["-p", &port]].concat());
        names(&["register", "board", "PYRO:6f@127.0.0.1:7777", "--metadata", "fast"]);
        assert_eq!(names(&["lookup", "board"]), "PYRO:6f@127.0.0.1:7777\n");
        assert_eq!(names(&["list", "b"]), "board PYRO:6f@127.0.0.1:7777 [fast]\n");
        let again = ["names", "register", "board", "PYRO:77@127.0.0.1:7777", "-p", &port];
        assert!(failing(&again).contains("NamingError: name already registered: board"));
        assert!(failing(&[&again[..], &["--if-taken", "balance"]].concat()).contains("share a name"));
        assert!(failing(&["names", "watch", "-p", &port]).contains("AttributeError"));
        names(&["remove", "board"]);

        // A chat keeps its name there, too: until it stops.
        let chat = chat(&["--names", &format!("127.0.0.1:{port}"), "--lease", "300ms"]);
        let is_there = |is_there: bool| while names(&["list", "chat"]).is_empty() == is_there {};
        is_there(true);
        client(&["chat-client", "--names", &format!("127.0.0.1:{port}"), "-n", "Ann", "-m", "hello"]);
        names(&["remove", "chat"]);
        is_there(true);
        assert!(chat.stop().success());
        assert_eq!(names(&["list", "chat"]), "");
        server.kill();
    }
}

const PROGRAM: &str = r#"
import sys
version, port, discovery = sys.argv[1:]
if version == "Pyro4":
    import Pyro4
    Pyro4.config.NS_BCPORT = int(discovery)
    Pyro4.config.NS_PORT = 1
    Pyro4.config.BROADCAST_ADDRS = "127.0.0.1"
    Proxy, locate = Pyro4.Proxy, Pyro4.locateNS
else:
    import Pyro5.api
    Pyro5.api.config.NS_BCPORT = int(discovery)
    Pyro5.api.config.NS_PORT = 1
    Pyro5.api.config.BROADCAST_ADDRS = ["127.0.0.1"]
    Proxy, locate = Pyro5.api.Proxy, Pyro5.api.locate_ns
ns = locate()
ns.register("by discovery", "PYRO:6f@127.0.0.1:1", safe=False, metadata={"a", "b"})
ns.register("itself", ns._pyroUri)
uri, metadata = ns.lookup("by discovery", return_metadata=True)
assert str(uri) == "PYRO:6f@127.0.0.1:1" and set(metadata) == {"a", "b"}, (uri, metadata)
assert list(ns.yplookup(meta_all=["a"])) == ["by discovery"]
again = Proxy("PYRONAME:itself@127.0.0.1:" + port)
assert again.count() == 3, again.count()
assert again.remove("by discovery") == 1
print("done")
"#;

#[test]
fn a_program_finds_it_by_a_question_to_the_discovery_port() {
    // A port that was free a moment ago.
    let discovery = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let server = Server::start(&["names", "--announce", "off", "--discovery-port", &discovery]);
    let port = server.address.port().to_string();
    for version in ["Pyro4", "Pyro5"] {
        let Some(mut program) = python(PROGRAM, &[version, &port, &discovery]) else { return };
        let output = run(&mut program);
        assert_eq!(text(&output.stdout), "done\n", "{version}: {}", text(&output.stderr));
    }
}
