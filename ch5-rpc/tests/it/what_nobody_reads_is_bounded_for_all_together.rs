//! Clients of the board that ask for long answers and read none, or send long requests and stay: all of them together hold no more of the
//! server than `--memory` says.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use bincode::Options;
use ch5_rpc::rpc::interface::{BoardRpcRequest, BoardRpcResponse};
use ch5_rpc::rpc::refusal::Refusal;
use tarpc::{ClientMessage, Request, Response, ServerError};

use crate::long_answers_are_not_held_in_memory::peak;
use crate::probe::{LONG, within};
use crate::support::Server;

const LENGTH: usize = 4 << 20;

/// A client that reads when it is told to.
struct Client(TcpStream);

impl Client {
    fn connect(server: &Server) -> Client {
        let stream = TcpStream::connect(server.address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        Client(stream)
    }

    fn ask(&mut self, message: BoardRpcRequest) {
        let request = Request { context: within(2 * LONG), id: 0, message };
        let message = bincode::DefaultOptions::new().serialize(&ClientMessage::Request(request)).unwrap();
        self.0.write_all(&(message.len() as u32).to_be_bytes()).unwrap();
        self.0.write_all(&message).unwrap();
    }

    fn answer(&mut self) -> Result<BoardRpcResponse, ServerError> {
        let mut length = [0; 4];
        self.0.read_exact(&mut length).unwrap();
        let mut message = vec![0; u32::from_be_bytes(length) as usize];
        self.0.read_exact(&mut message).unwrap();
        let response: Response<BoardRpcResponse> =
            bincode::DefaultOptions::new().deserialize(&message).unwrap();
        response.message
    }

    fn call(&mut self, message: BoardRpcRequest) -> Result<BoardRpcResponse, ServerError> {
        self.ask(message);
        self.answer()
    }
}

fn publish() -> BoardRpcRequest {
    BoardRpcRequest::Publish { text: vec![b'x'; LENGTH].into(), call: None }
}

fn get() -> BoardRpcRequest {
    BoardRpcRequest::Get { id: 0 }
}

#[test]
fn answers_are_refused_where_there_is_no_room_and_given_where_there_is() {
    let server = Server::start(&["board-server", "--memory", "24MiB"]);
    let mut client = Client::connect(&server);
    client.call(publish()).unwrap();
    let before = peak(&server);
    let deaf: Vec<Client> = (0..60)
        .map(|_| {
            let mut deaf = Client::connect(&server);
            (0..3).for_each(|_| deaf.ask(get()));
            deaf
        })
        .collect();
    let is_full = |client: &mut Client| match client.call(get()) {
        Ok(_) => false,
        Err(error) => {
            assert_eq!(Refusal::from(&error), Refusal::NoRoomForAnswer);
            true
        }
    };
    let began = Instant::now();
    while !is_full(&mut client) {
        assert!(began.elapsed() < LONG, "60 clients that read nothing fill no room");
    }
    assert!(client.call(BoardRpcRequest::Last { count: 1 }).is_ok(), "what is short needs no room");
    let grown = peak(&server) - before;
    assert!(grown < 48, "{grown} MiB more for 60 clients that read nothing");
    drop(deaf);
    while is_full(&mut client) {
        assert!(began.elapsed() < LONG, "the room of clients that have gone stays taken");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(server.stop().success());
}

#[test]
fn clients_that_have_sent_or_read_something_long_and_stay_hold_nothing() {
    let server = Server::start(&["board-server", "--memory", "24MiB", "--board-bytes", "5000000"]);
    let mut client = Client::connect(&server);
    client.call(publish()).unwrap();
    let before = peak(&server);
    let idle: Vec<Client> = (0..40)
        .map(|_| {
            let mut idle = Client::connect(&server);
            // Executed, and refused: the board is full.
            assert!(matches!(idle.call(publish()), Ok(BoardRpcResponse::Publish(Err(_)))));
            assert!(matches!(idle.call(get()), Ok(BoardRpcResponse::Get(Ok(_)))));
            idle
        })
        .collect();
    let grown = peak(&server) - before;
    assert!(grown < 48, "{grown} MiB more for 40 clients that do nothing");
    drop(idle);
    assert!(server.stop().success());
}
