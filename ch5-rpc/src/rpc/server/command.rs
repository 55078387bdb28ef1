//! `cargo ch5 board-server`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, ValueEnum};
use common::board::Limits as BoardLimits;
use common::core::budget::return_freed_memory;
use common::core::socket_file::SocketFile;
use common::core::stop::Stop;
use common::support::cli::{duration_within, within};
use common::support::size;

use super::endpoint;
use super::listening::Listening;
use super::settings::{Limits, Server};
use crate::names::found::Behind;
use crate::names::keeper::{Keeper, Wish};
use crate::names::object::NAME_SERVER;
use crate::names::registry::IfTaken;
use crate::pyro::proxy::Options;
use crate::pyro::uri::Uri;
use crate::rpc::board::Board;
use crate::rpc::board::local::{LocalBoard, Settings};
use crate::rpc::board::skeleton::Skeleton;
use crate::rpc::codec::{Format, body};
use crate::rpc::datagrams::Datagrams;
use crate::rpc::interface::{BoardRpcRequest, BoardRpcResponse};
use crate::rpc::stop::requested;
use crate::rpc::stub::{RemoteBoard, RetryPolicy, StubSettings, Target};

const DAY: Duration = Duration::from_secs(86_400);
const SHORTEST: Duration = Duration::from_millis(10);

/// What stands for the object in the reference of a board: it has procedures, and no objects.
const RPC_BOARD: &str = "rpc-board";

/// What stands before the transport, in a word of metadata under the board's name.
pub const TRANSPORT: &str = "transport:";

/// What carries the calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ServerTransport {
    /// TCP, messages in bincode
    Tcp,
    /// TCP, messages in JSON
    Json,
    /// A Unix socket, messages in bincode; --socket says where
    Unix,
    /// UDP, one datagram a call, messages in bincode: each call is run at most once
    Udp,
}

/// The arguments of `board-server`.
#[derive(Debug, Args)]
#[command(after_help = "Example: a board, and a client that calls it:
  cargo ch5 board-server
  cargo ch5 board-client -m 'Hello world!'      (in a second terminal)
  cargo ch5 board-client --follow               (in a third)
A chain: a front that calls the board behind it. The log of both shows the same trace id:
  cargo ch5 board-server --log debug
  cargo ch5 board-server --log debug -p 7778 --forward 127.0.0.1:7777
  cargo ch5 board-client -p 7778 -m 'through the front'
A call through a Unix socket:
  cargo ch5 board-server -t unix --socket /tmp/board
  cargo ch5 board-client -t unix --socket /tmp/board -m 'no network'
A call in a datagram, as `cargo ch5 semantics` has it; a text has 895 bytes at most:
  cargo ch5 board-server -t udp
  cargo ch5 board-client -t udp -m 'no connection'
Found by its name; no port number anywhere but in the name server:
  cargo ch5 names
  cargo ch5 board-server -p 0 --names 127.0.0.1:9090
  cargo ch5 board-client --names 127.0.0.1:9090 -m 'by name'
What was published is held in memory until the server ends: Ctrl-C, or SIGTERM.")]
pub struct BoardServerArgs {
    /// What carries the calls
    #[arg(short, long, value_enum, default_value = "tcp")]
    pub transport: ServerTransport,
    /// The address to listen on; 0.0.0.0 and :: are all of this machine's
    #[arg(short = 'l', long, default_value = "127.0.0.1", value_parser = common::support::listen::address)]
    pub listenaddr: IpAddr,
    /// The port to listen on; 0 takes any free one
    #[arg(short = 'p', long, default_value_t = 7777)]
    pub listenport: u16,
    /// Unix: the file of the socket
    #[arg(long, value_name = "PATH", required_if_eq("transport", "unix"))]
    pub socket: Option<PathBuf>,
    /// Have no board: call the one at this address (over TCP, in bincode) for each call that comes
    #[arg(long, value_name = "ADDR:PORT", value_parser = common::support::listen::address_and_port)]
    pub forward: Option<SocketAddr>,
    /// A name server, in which the board has a name while it runs
    #[arg(long, value_name = "ADDR:PORT", value_parser = common::support::listen::address_and_port, conflicts_with = "socket")]
    pub names: Option<SocketAddr>,
    /// The board's name there
    #[arg(long, value_name = "NAME", default_value = "board", requires = "names")]
    pub board: String,
    /// If another has the name there
    #[arg(long, value_enum, default_value = "refuse", requires = "names")]
    pub if_taken: IfTaken,
    /// The longest message, in both directions; over UDP no more than 1023 bytes
    #[arg(long, value_name = "SIZE", default_value = "8MiB", value_parser = frame)]
    pub frame: usize,
    /// Memory for unfinished requests and unread answers of all clients together, at least a frame; a call that finds none is refused
    #[arg(long, value_name = "SIZE", default_value = "256MiB", value_parser = size::in_memory)]
    pub memory: usize,
    /// So many calls of one connection (UDP: of one address) at once; one more is refused
    #[arg(long, value_name = "N", default_value_t = Limits::default().calls, value_parser = within(1..=100_000usize))]
    pub calls: usize,
    /// So many connections at once; the others wait in the backlog
    #[arg(long, value_name = "N", default_value_t = Limits::default().connections, value_parser = within(1..=1_000_000usize))]
    pub connections: usize,
    /// So many connections of one address at once; one more is told so and closed
    #[arg(long, value_name = "N", default_value_t = Limits::default().connections_per_address, value_parser = within(1..=1_000_000usize))]
    pub connections_per_address: usize,
    /// A client that calls nothing for this long after it has connected is disconnected
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration_within(SHORTEST..=DAY))]
    pub first_request: Duration,
    /// An unfinished request gets this long, and then must come at 1 kB/s or faster
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration_within(SHORTEST..=DAY))]
    pub grace: Duration,
    /// A client that calls nothing for this long, and waits for nothing, is disconnected
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration_within(SHORTEST..=DAY))]
    pub idle: Duration,
    /// A client that takes nothing of its answers for this long is disconnected
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration_within(SHORTEST..=DAY))]
    pub stall: Duration,
    /// Texts of so many bytes in all are held, then the board is full
    #[arg(long, value_name = "BYTES", default_value_t = BoardLimits::default().bytes, value_parser = within(0..=1_000_000_000_000usize))]
    pub board_bytes: usize,
    /// So many messages are held, then the board is full
    #[arg(long, value_name = "N", default_value_t = BoardLimits::default().messages, value_parser = within(0..=1_000_000_000_000usize))]
    pub board_messages: usize,
    /// So many calls that have been executed are known again when they come once more; 0 knows none
    #[arg(long, value_name = "N", default_value_t = Settings::default().call_ids, value_parser = within(0..=100_000_000usize))]
    pub call_ids: usize,
}

/// Reads the limit of a frame. For clap.
///
/// # Errors
/// A sentence for the user.
pub fn frame(text: &str) -> Result<usize, String> {
    match size::in_memory(text)? {
        bytes @ 1024..=0x4000_0000 => Ok(bytes),
        _ => Err("a size from 1KiB to 1GiB".into()),
    }
}

impl BoardServerArgs {
    /// The longest message that its transport carries.
    fn longest(&self) -> usize {
        if self.transport == ServerTransport::Udp { self.frame.min(body::LONGEST) } else { self.frame }
    }

    fn limits(&self) -> Limits {
        Limits {
            frame: self.longest(),
            memory: self.memory,
            calls: self.calls,
            connections: self.connections,
            connections_per_address: self.connections_per_address,
            first_request: self.first_request,
            grace: self.grace,
            idle: self.idle,
            stall: self.stall,
            ..Limits::default()
        }
    }
}

/// Serves until the stop, on a runtime of its own with one thread.
///
/// # Errors
/// When the address cannot be had.
pub fn run(args: &BoardServerArgs) -> anyhow::Result<ExitCode> {
    return_freed_memory(); // --memory counts what is held, and not what the allocator keeps of it
    let stop = Stop::install().context("no descriptor for the stop")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(args, stop))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(args: &BoardServerArgs, stop: Stop) -> anyhow::Result<()> {
    let format = if args.transport == ServerTransport::Json { Format::Json } else { Format::Bincode };
    let server = Server::new(args.limits(), format);
    tokio::spawn({
        let (stop, requested) = (server.stop.clone(), requested(stop)?);
        async move {
            requested.await;
            stop.cancel();
        }
    });
    let (open, _file) = listen(args)?;
    let _name = match (open.address()?, args.names) {
        (Some(here), Some(names)) => {
            let wish = wish(args, names, here);
            Some(Keeper::start(wish, Options::default()).context("no thread for the name")?)
        }
        _ => None,
    };
    match args.forward {
        None => {
            let board = BoardLimits { bytes: args.board_bytes, messages: args.board_messages };
            let settings = Settings { board, call_ids: args.call_ids, frame: args.longest() };
            let stop = server.stop.clone();
            serve_board(server, open, LocalBoard::new(settings, stop)).await
        }
        Some(address) => {
            let target =
                Target::Tcp { host: address.ip().to_string(), port: address.port(), format: Format::Bincode };
            // Only the caller at the begin of the chain repeats a call.
            let settings =
                StubSettings { frame: args.frame, retry: RetryPolicy::NEVER, ..Default::default() };
            serve_board(server, open, RemoteBoard::new(target, settings)).await
        }
    }
}

/// The name of the board: it outlives a board that dies by ten seconds at most.
fn wish(args: &BoardServerArgs, names: SocketAddr, mut here: SocketAddr) -> Wish {
    if here.ip().is_unspecified() {
        // All addresses: the one that the name server is reached from will do for its clients.
        here.set_ip(towards(names).unwrap_or(here.ip()));
    }
    Wish {
        names: Uri::at(NAME_SERVER, names),
        name: args.board.clone(),
        uri: Uri::at(RPC_BOARD, here),
        metadata: vec![
            Behind::Board.word().into(),
            format!(
                "{TRANSPORT}{}",
                args.transport.to_possible_value().expect("it is not skipped").get_name()
            ),
        ],
        lease: Some(Duration::from_secs(10)),
        if_taken: args.if_taken,
    }
}

/// The address of this machine from which another one is reached.
fn towards(other: SocketAddr) -> std::io::Result<IpAddr> {
    let any = if other.is_ipv4() { IpAddr::from([0; 4]) } else { IpAddr::from([0; 16]) };
    let socket = std::net::UdpSocket::bind((any, 0))?;
    socket.connect(other)?; // sends nothing
    Ok(socket.local_addr()?.ip())
}

async fn serve_board<B: Board>(server: Server, open: Open, board: B) -> anyhow::Result<()> {
    let (board, statistics) = (Arc::new(board), Arc::clone(&server.statistics));
    let service_for = |peer| Skeleton::service(&board, peer);
    match open {
        Open::Connections(listening) => {
            server.run(listening, service_for).await.context("accept has failed")?;
        }
        Open::Datagrams(socket) => {
            server.run_udp(socket, service_for).await.context("the socket has failed")?;
        }
    }
    let [done, not_begun, cancelled, crashed] =
        [&statistics.done, &statistics.not_begun, &statistics.cancelled, &statistics.crashed]
            .map(|count| count.load(Ordering::Relaxed));
    tracing::info!(
        "stopped; calls: {done} done, {not_begun} not begun, {cancelled} cancelled, {crashed} crashed"
    );
    Ok(())
}

/// Where calls come from.
enum Open {
    Connections(Listening<BoardRpcRequest, BoardRpcResponse>),
    Datagrams(Datagrams),
}

impl Open {
    /// Its address, if it is one of a network.
    fn address(&self) -> std::io::Result<Option<SocketAddr>> {
        match self {
            Open::Connections(Listening::Tcp(listener)) => listener.local_addr().map(Some),
            Open::Connections(_) => Ok(None),
            Open::Datagrams(socket) => socket.address().map(Some),
        }
    }
}

/// Listens and says so. The socket's file goes with the second value.
fn listen(args: &BoardServerArgs) -> anyhow::Result<(Open, Option<SocketFile>)> {
    let address = SocketAddr::new(args.listenaddr, args.listenport);
    Ok(match args.transport {
        ServerTransport::Unix => {
            let (listener, file) = endpoint::unix(args.socket.as_deref().context("--socket says where")?)?;
            (Open::Connections(Listening::Unix(listener)), Some(file))
        }
        ServerTransport::Udp => (Open::Datagrams(endpoint::udp(address)?), None),
        ServerTransport::Tcp | ServerTransport::Json => {
            (Open::Connections(Listening::Tcp(endpoint::tcp(address)?)), None)
        }
    })
}
