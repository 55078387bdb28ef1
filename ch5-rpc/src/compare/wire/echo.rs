//! The least server that a client of XML-RPC can call: it looks for the end of a request and answers with the same bytes. What the load
//! generator does here is its ceiling; a server that comes near it was not measured, the generator was.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};

use common::protocol::http::{Keep, ResponseHead, Status};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use crate::procedures::value::Value;
use crate::xmlrpc::write::method_response;

const END: &[u8] = b"</methodCall>\n";

/// Answers for ever, in one loop.
pub fn serve(listener: &TcpListener) -> anyhow::Result<()> {
    let content = method_response(&Ok(Value::Int(0)));
    let head = ResponseHead::new(Status::Ok).content("text/xml", content.length()).keep(Keep::Open);
    let answer = content.behind(head.end());
    let epoll = Epoll::new(EpollCreateFlags::empty())?;
    epoll.add(listener, EpollEvent::new(EpollFlags::EPOLLIN, u64::MAX))?;
    let (mut connections, mut events) = (Vec::<Option<Connection>>::new(), [EpollEvent::empty(); 128]);
    loop {
        let count = match epoll.wait(&mut events, EpollTimeout::NONE) {
            Err(nix::Error::EINTR) => continue,
            count => count?,
        };
        for event in &events[..count] {
            if event.data() == u64::MAX {
                let (stream, _) = listener.accept()?;
                stream.set_nodelay(true)?;
                stream.set_nonblocking(true)?;
                epoll.add(&stream, EpollEvent::new(EpollFlags::EPOLLIN, connections.len() as u64))?;
                connections.push(Some(Connection { stream, request: Vec::new() }));
                continue;
            }
            let place = &mut connections[event.data() as usize];
            if place.as_mut().is_some_and(|connection| !connection.serve(&answer)) {
                *place = None;
            }
        }
    }
}

struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
}

impl Connection {
    /// One read, and the answer if it ends a request; whether the connection goes on.
    fn serve(&mut self, answer: &[u8]) -> bool {
        let mut piece = [0; 4096];
        match self.stream.read(&mut piece) {
            Ok(0) => false,
            Ok(count) => {
                self.request.extend_from_slice(&piece[..count]);
                let is_whole = self.request.ends_with(END);
                if is_whole {
                    self.request.clear();
                }
                !is_whole || self.stream.write_all(answer).is_ok()
            }
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        }
    }
}
