//! Ctrl-C: 130 from everything that was not done, 0 from a server.

use std::net::TcpListener;

use crate::support::start_line;

#[test]
fn what_waits_for_a_peer_ends_with_130() {
    for (command, words) in [
        ("socket udp --bind 127.0.0.1:0 --hold", "1. socket("),
        ("socket unix-stream --bind @ch2-ctrl-c --hold", "1. socket("),
        ("datagram receive -p 0 --count 0", "LISTENING"),
        ("parts receive -p 0", "LISTENING"),
        ("parts receive -p 0 --sequence", "LISTENING"),
        ("multicast receive --interface 127.0.0.1 -p 0", "UNCONNECTED"),
        ("multicast send --interface 127.0.0.1 --every 1h", "[1] Multicast sent"),
        ("stream listen -p 0", "LISTENING"),
        ("stream receive -p 0", "LISTENING"),
        ("stream states", "second client: connect()"),
    ] {
        let mut running = start_line(command);
        running.line(words);
        let ended = running.interrupt();
        assert_eq!(ended.status, Some(130), "{command}: {ended:?}");
    }
}

#[test]
fn what_waits_in_the_middle_ends_with_130() {
    // Nobody accepts, and nobody answers.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    for (command, words) in [
        (format!("stream connect -p {port}"), "Press Enter to close"),
        (format!("stream send -p {port} --repeat 1"), "shutdown(SHUT_WR)"),
    ] {
        let mut running = start_line(&command);
        running.line(words);
        let ended = running.interrupt();
        assert_eq!(ended.status, Some(130), "{command}: {ended:?}");
    }

    let mut receiver = start_line("parts receive -p 0 --timeout 1h");
    let port = receiver.listening().port();
    let sender = start_line(&format!("parts send -p {port} --pace 1h"));
    receiver.line("Received block");
    let [sent, received] = [sender.interrupt(), receiver.interrupt()];
    assert_eq!((sent.status, received.status), (Some(130), Some(130)), "{sent:?} {received:?}");
    assert!(sent.stdout.contains("Interrupted: sent 1 part from"), "{sent:?}");
}

#[test]
fn a_server_ends_with_0() {
    for command in ["board-server -p 0", "board-server -t tcp -p 0", "link --listen 127.0.0.1:0"] {
        let mut running = start_line(command);
        running.listening();
        let ended = running.interrupt();
        assert_eq!(ended.status, Some(0), "{command}: {ended:?}");
    }
}
