//! Ctrl-C: 130 from every client, also from one that nothing else would end; 0 from every server.

use std::net::{TcpListener, UdpSocket};

use common::support::child_server::ChildProcess;
use nix::sys::signal::Signal;

use crate::remote::{PATIENCE, background, chat, names, uri, wait_for};
use crate::support::{Server, text};

#[test]
fn a_client_that_waits_ends_with_130() {
    let (board, datagrams) =
        (Server::start(&["board-server"]), Server::start(&["board-server", "-t", "udp"]));
    let (names, chat) = (names(&[]), chat(&[]));
    let chat_uri = uri(&chat).to_string();
    let [board, datagrams, names] =
        [board.address, datagrams.address, names.address].map(|address| address.port().to_string());
    let follow = ["chat-client", "-u", &chat_uri, "-n", "Ann", "-m", "ready", "--follow"];
    // Each with what it prints when it waits.
    let clients: [(&[&str], &str); 7] = [
        (&["board-client", "-p", &board, "-m", "ready", "--follow"], "-> ready"),
        (&["board-client", "-t", "udp", "-p", &datagrams, "-m", "ready", "--follow"], "-> ready"),
        (&follow, "ready"),
        (&[&follow[..], &["--wire", "5"]].concat(), "ready"),
        (&[&follow[..], &["--count", "1000"]].concat(), "ready"),
        (&["names", "watch", "-p", &names], "there Pyro.NameServer"),
        (
            &["names", "register", "x", "PYRO:a@127.0.0.1:1", "--lease", "10s", "-p", &names],
            "x is registered",
        ),
    ];
    for (args, ready) in clients {
        let mut client = background(args);
        wait_for(&client, ready);
        ends_with_130(&mut client, args);
    }
}

/// They print nothing while they wait: their servers hear of them.
#[test]
fn a_client_whose_server_is_silent_ends_with_130() {
    let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
    datagrams.set_read_timeout(Some(PATIENCE)).unwrap();
    let port = datagrams.local_addr().unwrap().port().to_string();
    let args = ["semantics", "call", "-m", "x", "-p", &port, "--give-up", "1h"];
    let mut client = background(&args);
    datagrams.recv(&mut [0; 2000]).unwrap();
    ends_with_130(&mut client, &args);

    let connections = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/RPC2", connections.local_addr().unwrap());
    let args = ["call", &url, "publish", "x", "--timeout", "1h"];
    let mut client = background(&args);
    let _connection = connections.accept().unwrap();
    ends_with_130(&mut client, &args);
}

fn ends_with_130(client: &mut ChildProcess, args: &[&str]) {
    client.signal(Signal::SIGINT).unwrap();
    let ended = client.wait(PATIENCE).unwrap_or_else(|| panic!("{args:?} has not ended"));
    let code = ended.status.and_then(|status| status.code());
    assert_eq!(code, Some(130), "{args:?}: {}", text(&client.stderr.bytes()));
}

#[test]
fn a_server_ends_with_0() {
    for args in [
        &["board-server"][..],
        &["board-server", "-t", "udp"],
        &["xmlrpc-server"],
        &["names", "--discovery-port", "0", "--announce", "off"],
        &["chat-server", "--announce", "off"],
        &["semantics", "serve"],
    ] {
        let mut server = background(&[args, &["-p", "0"]].concat());
        wait_for(&server, "LISTENING");
        server.signal(Signal::SIGINT).unwrap();
        let ended = server.wait(PATIENCE).unwrap_or_else(|| panic!("{args:?} has not ended"));
        assert_eq!(ended.status.and_then(|status| status.code()), Some(0), "{args:?}");
    }
}
