//! Small requests to the UDP board, beside a loop that only sends back what it receives: what does a protocol cost?

use std::io::IoSliceMut;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use common::bench::machine::{Pins, process_ms};
use common::support::child_server::ChildServer;
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, setsockopt, sockopt};

use super::sample::{Contestant, Load, Sample, Table};
use super::servers::BenchServer;

/// How many ask.
const CLIENTS: usize = 8;
/// Requests that each of them has under way.
const WINDOW: usize = 16;
/// One of them, bytes.
const REQUEST: usize = 128;
/// When nothing has come for so long, what is missing counts as lost and is asked again.
const LOST: Duration = Duration::from_millis(100);

/// The echo and the board.
pub fn load(pins: Pins) -> Load {
    let ask = move |start: fn() -> anyhow::Result<ChildServer>, request: [u8; REQUEST]| {
        move |time: Duration| {
            pins.go_to_servers()?;
            let server = start();
            pins.go_to_generator()?;
            measure(&server?, &request, time)
        }
    };
    let contestants = vec![
        Contestant::new("minimal echo", "recv, send", ask(|| BenchServer::Echo.start(), publish())),
        Contestant::new("board, PUBLISH", "128 bytes to the board, 1 back", ask(board, publish())),
        Contestant::new(
            "board, GET",
            "the request padded with spaces to 128 bytes; 167 back",
            ask(board, get()),
        ),
    ];
    let about = format!(
        "requests of {REQUEST} bytes from {CLIENTS} clients to a UDP server, each with {WINDOW} under way"
    );
    Load { table: Table::new("requests", about, "requests/s"), contestants, times: 1 }
}

fn board() -> anyhow::Result<ChildServer> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ch2-sockets"));
    command.args(["board-server", "--transport", "udp", "--listenport", "0", "--log", "error"]);
    command.args(["--unproved-rate", "0"]); // it is the machine that is measured
    ChildServer::start(command.stderr(Stdio::piped()))
}

fn publish() -> [u8; REQUEST] {
    let mut request = [b'x'; REQUEST];
    request[..2].copy_from_slice(b"1:");
    request
}

fn get() -> [u8; REQUEST] {
    let mut request = [b' '; REQUEST];
    request[..3].copy_from_slice(b"3:0");
    request
}

fn measure(server: &ChildServer, request: &[u8; REQUEST], time: Duration) -> anyhow::Result<Sample> {
    let mut generator = Generator::new(server.address)?;
    // GET needs a message to get.
    generator.run(&publish(), Duration::from_millis(50))?;
    generator.run(request, time / 4)?;
    let before_ms = process_ms(server.id());
    let per_s = generator.run(request, time)?;
    let cpu_us = (process_ms(server.id()) - before_ms) * 1e3 / (per_s * time.as_secs_f64());
    Ok(Sample { per_s, cpu_us: Some(cpu_us), ..Sample::default() })
}

/// Asks as fast as it is answered, with several clients, so that the server always has one to serve. It must cost less than a
/// server: what a client has to ask goes out in one call, which the kernel cuts up (GSO), and all answers that are there
/// come in in one (recvmmsg(2)).
struct Generator {
    clients: Vec<UdpSocket>,
    headers: MultiHeaders<SockaddrStorage>,
    answers: Vec<[u8; 256]>,
}

impl Generator {
    fn new(server: SocketAddr) -> anyhow::Result<Generator> {
        let client = || {
            let client = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            client.connect(server)?;
            client.set_nonblocking(true)?;
            setsockopt(&client, sockopt::UdpGsoSegment, &i32::try_from(REQUEST)?)?;
            anyhow::Ok(client)
        };
        let clients = (0..CLIENTS).map(|_| client()).collect::<anyhow::Result<_>>()?;
        let headers = MultiHeaders::preallocate(WINDOW, None);
        Ok(Generator { clients, headers, answers: vec![[0; 256]; WINDOW] })
    }

    /// Requests answered per second.
    fn run(&mut self, request: &[u8; REQUEST], time: Duration) -> anyhow::Result<f64> {
        let requests = request.repeat(WINDOW);
        let (began, mut answered, mut last_answer) = (Instant::now(), 0u64, Instant::now());
        for client in &self.clients {
            client.send(&requests)?;
        }
        while began.elapsed() < time {
            for index in 0..CLIENTS {
                let count = self.receive(index)?;
                if count > 0 {
                    answered += count as u64;
                    last_answer = Instant::now();
                    self.clients[index].send(&requests[..count * REQUEST]).context("the server is gone")?;
                }
            }
            if last_answer.elapsed() > LOST {
                anyhow::ensure!(last_answer.elapsed() < 20 * LOST, "the server does not answer");
                self.clients.iter().try_for_each(|client| client.send(&requests).map(drop))?;
                thread::sleep(LOST / 10);
            }
        }
        let per_s = answered as f64 / began.elapsed().as_secs_f64();
        // What is still under way belongs to no measurement.
        thread::sleep(LOST / 2);
        for index in 0..CLIENTS {
            while self.receive(index)? > 0 {}
        }
        Ok(per_s)
    }

    /// As many answers as are there.
    fn receive(&mut self, client: usize) -> anyhow::Result<usize> {
        let mut places: Vec<[IoSliceMut<'_>; 1]> =
            self.answers.iter_mut().map(|answer| [IoSliceMut::new(answer)]).collect();
        let client = self.clients[client].as_raw_fd();
        match recvmmsg(client, &mut self.headers, &mut places, MsgFlags::MSG_DONTWAIT, None) {
            Ok(answers) => Ok(answers.count()),
            Err(nix::Error::EAGAIN | nix::Error::EINTR) => Ok(0),
            Err(error) => Err(error.into()),
        }
    }
}
