//! Boards behind servers in this process, and chains of them.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use ch5_rpc::rpc::board::local::{LocalBoard, Settings};
use ch5_rpc::rpc::board::skeleton::Skeleton;
use ch5_rpc::rpc::board::{Board, CallContext, CallError};
use ch5_rpc::rpc::codec::Format;
use ch5_rpc::rpc::intercept::Statistics;
use ch5_rpc::rpc::interface::{BoardError, CallId, News, Posting, Seen, Text};
use ch5_rpc::rpc::server::{Limits, Listening, Server};
use ch5_rpc::rpc::stub::{RemoteBoard, RetryPolicy, StubSettings, Target};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Serves a board; it stops with the runtime of the test.
pub async fn serve<B: Board>(board: B, format: Format, limits: Limits) -> (SocketAddr, Arc<Statistics>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::new(limits, format);
    let (board, statistics) = (Arc::new(board), Arc::clone(&server.statistics));
    tokio::spawn(server.run(Listening::Tcp(listener), move |peer| Skeleton::service(&board, peer)));
    (address, statistics)
}

/// An empty board.
pub fn empty() -> LocalBoard {
    LocalBoard::new(Settings::default(), CancellationToken::new())
}

/// Where a server in this process is.
pub fn at(address: SocketAddr, format: Format) -> Target {
    Target::Tcp { host: address.ip().to_string(), port: address.port(), format }
}

/// A stub that sends each call once.
pub fn once(address: SocketAddr) -> RemoteBoard {
    let settings = StubSettings { retry: RetryPolicy::NEVER, ..StubSettings::default() };
    RemoteBoard::new(at(address, Format::Bincode), settings)
}

/// Servers, each of which calls the next; and a stub of the first.
pub struct Chain {
    pub first: RemoteBoard,
    pub statistics: Vec<Arc<Statistics>>,
}

impl Chain {
    /// So many fronts before a server of this board.
    pub async fn before<B: Board>(board: B, fronts: usize) -> Chain {
        let (mut address, last) = serve(board, Format::Bincode, Limits::default()).await;
        let mut statistics = vec![last];
        for _ in 0..fronts {
            let (front, its) = serve(once(address), Format::Bincode, Limits::default()).await;
            (address, _) = (front, statistics.push(its));
        }
        Chain { first: once(address), statistics }
    }
}

/// A board that notes who calls and how. It has no messages, and `wait` waits for ever.
#[derive(Debug, Clone, Default)]
pub struct Recorder(Arc<Record>);

#[derive(Debug, Default)]
struct Record {
    contexts: Mutex<Vec<CallContext>>,
    calls: Mutex<Vec<Option<CallId>>>,
    running: AtomicU64,
}

struct Running(Recorder);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Recorder {
    fn note(&self, context: CallContext) -> Running {
        self.0.contexts.lock().unwrap().push(context);
        self.0.running.fetch_add(1, Ordering::SeqCst);
        Running(self.clone())
    }

    pub fn contexts(&self) -> Vec<CallContext> {
        self.0.contexts.lock().unwrap().clone()
    }

    /// The ids of the publications.
    pub fn calls(&self) -> Vec<Option<CallId>> {
        self.0.calls.lock().unwrap().clone()
    }

    pub fn running(&self) -> u64 {
        self.0.running.load(Ordering::SeqCst)
    }
}

impl Board for Recorder {
    async fn publish(&self, context: CallContext, _: Text, call: Option<CallId>) -> Result<u64, CallError> {
        let _running = self.note(context);
        self.0.calls.lock().unwrap().push(call);
        Ok(0)
    }

    async fn last(&self, context: CallContext, _: u64) -> Result<Vec<u64>, CallError> {
        let _running = self.note(context);
        Ok(Vec::new())
    }

    async fn get(&self, context: CallContext, id: u64) -> Result<Posting, CallError> {
        let _running = self.note(context);
        Err(CallError::Failed(BoardError::NoMessage(id)))
    }

    async fn last_with_text(&self, context: CallContext, _: u64) -> Result<Vec<Posting>, CallError> {
        let _running = self.note(context);
        Ok(Vec::new())
    }

    async fn wait(&self, context: CallContext, _: Seen) -> Result<News, CallError> {
        let _running = self.note(context);
        std::future::pending().await
    }
}
