//! A name server is found without its address: it answers a question by UDP, as Pyro's does, and announces itself.
//!
//! ```text
//!   client ── GET_NSURI ──► port 9091, by broadcast ──► name server
//!          ◄── PYRO:Pyro.NameServer@192.0.2.7:9090 ───┘
//! ```
//!
//! Only this one question is answered, and the answer is no question: two servers cannot talk to each other for ever.
//! Our announcements have a group of their own. On the chat's group there are bare references to chats only: the notes' client
//! takes whatever it hears there for one.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::thread;

use super::object::NAME_SERVER;
use crate::announce::Group;
use crate::pyro::uri::Uri;

/// Where name servers announce themselves.
pub const GROUP: Group = Group(Ipv4Addr::new(239, 1, 1, 2), 53125);

const QUESTION: &[u8] = b"GET_NSURI";
const PREFIX: &str = "NAMES 1 ";

/// What is announced.
#[must_use]
pub fn announcement(uri: &Uri) -> String {
    format!("{PREFIX}{uri}")
}

/// Reads an announcement.
#[must_use]
pub fn read_announcement(text: &str) -> Option<Uri> {
    text.strip_prefix(PREFIX)?.parse().ok().filter(|uri: &Uri| uri.object == NAME_SERVER)
}

/// The socket for the questions. A broadcast reaches only a socket that is bound to no address; on loopback there is none.
///
/// # Errors
/// The port is taken.
pub fn socket(listen: IpAddr, port: u16) -> io::Result<UdpSocket> {
    let address = match listen {
        IpAddr::V4(v4) if !v4.is_loopback() => Ipv4Addr::UNSPECIFIED.into(),
        address => address,
    };
    UdpSocket::bind((address, port))
}

/// Answers the questions until the program ends. A server that listens on all addresses is reached on the one from which the way to the
/// asker begins.
///
/// # Errors
/// No thread for it.
pub fn answer(socket: UdpSocket, uri: Uri, listens_on_all: bool) -> io::Result<()> {
    thread::Builder::new().name("discovery".into()).spawn(move || {
        let mut buffer = [0; QUESTION.len() + 1]; // a longer datagram is cut, and is no question
        loop {
            match socket.recv_from(&mut buffer) {
                Ok((length, asker)) if &buffer[..length] == QUESTION => {
                    let host = if listens_on_all { own_address_towards(asker) } else { None };
                    let answer =
                        Uri { host: host.unwrap_or_else(|| uri.host.clone()), ..uri.clone() }.to_string();
                    if let Err(error) = socket.send_to(answer.as_bytes(), asker) {
                        tracing::debug!("no answer to {asker}: {error}");
                    }
                }
                Ok(_) => {}
                // What an earlier answer came back with.
                Err(error) => tracing::debug!("{error}"),
            }
        }
    })?;
    Ok(())
}

fn own_address_towards(asker: SocketAddr) -> Option<String> {
    let any: IpAddr =
        if asker.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(asker).ok()?; // sends nothing
    Some(socket.local_addr().ok()?.ip().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn one_question_is_answered_and_nothing_else() {
        let server = socket(Ipv4Addr::LOCALHOST.into(), 0).unwrap();
        let to = server.local_addr().unwrap();
        let uri: Uri = "PYRO:Pyro.NameServer@192.0.2.7:9090".parse().unwrap();
        answer(server, uri, true).unwrap();
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        for question in ["", "GET_NSUR", "GET_NSURI!", "PYRO:Pyro.NameServer@127.0.0.1:9090", "GET_NSURI"] {
            client.send_to(question.as_bytes(), to).unwrap();
        }
        let mut buffer = [0; 200];
        let length = client.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"PYRO:Pyro.NameServer@127.0.0.1:9090");
        // The questions were answered in their order: had another one been, its answer would be here.
        client.set_nonblocking(true).unwrap();
        assert!(client.recv(&mut buffer).is_err());
    }

    #[test]
    fn an_announcement_is_of_a_name_server() {
        let uri: Uri = "PYRO:Pyro.NameServer@127.0.0.1:9090".parse().unwrap();
        assert_eq!(read_announcement(&announcement(&uri)), Some(uri));
        for text in ["PYRO:6f@h:1", "NAMES 1 PYRO:6f@h:1", "NAMES 2 PYRO:Pyro.NameServer@h:1"] {
            assert_eq!(read_announcement(text), None, "{text}");
        }
    }
}
