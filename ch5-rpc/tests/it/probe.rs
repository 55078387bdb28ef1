//! A service to try a server with: procedures that sleep, panic, and answer at length. And the same service on bare tarpc, which shows
//! that what is tested is not there by itself.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bincode::Options;
use ch5_rpc::rpc::codec::Format;
use ch5_rpc::rpc::intercept::{Service, Statistics};
use ch5_rpc::rpc::server::{Limits, Listening, Server};
use futures_util::StreamExt;
use tarpc::client::Config;
use tarpc::server::{BaseChannel, Channel, Serve};
use tarpc::{ClientMessage, Request, Response, ServerError, context};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::codec::LengthDelimitedCodec;
use tokio_util::sync::CancellationToken;

/// Long enough for anything that happens at all on a loaded machine.
pub const LONG: Duration = Duration::from_secs(30);

#[tarpc::service]
pub trait Probe {
    /// Returns at once.
    async fn nothing() -> u64;
    /// Returns after so many milliseconds.
    async fn sleep(milliseconds: u64) -> u64;
    /// Panics.
    async fn panic() -> u64;
    /// Returns so many bytes.
    async fn bytes(count: u64) -> Vec<u8>;
    /// Returns when the test lets it.
    async fn hold() -> u64;
}

/// The procedures, and how often they have been called.
#[derive(Debug, Clone, Default)]
pub struct Prober(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    begun: AtomicU64,
    running: AtomicU64,
    most: AtomicU64,
    released: Notify,
}

/// Counts a procedure that runs, until it returns or is dropped.
struct Running(Prober);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Prober {
    fn begin(&self) -> Running {
        self.0.begun.fetch_add(1, Ordering::SeqCst);
        let now = self.0.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.most.fetch_max(now, Ordering::SeqCst);
        Running(self.clone())
    }

    /// Lets one `hold` return.
    pub fn release(&self) {
        self.0.released.notify_one();
    }

    /// How many have been called.
    pub fn begun(&self) -> u64 {
        self.0.begun.load(Ordering::SeqCst)
    }

    /// How many run now.
    pub fn running(&self) -> u64 {
        self.0.running.load(Ordering::SeqCst)
    }

    /// How many have run at once.
    pub fn most(&self) -> u64 {
        self.0.most.load(Ordering::SeqCst)
    }
}

impl Probe for Prober {
    async fn nothing(self, _: context::Context) -> u64 {
        drop(self.begin());
        0
    }

    async fn sleep(self, _: context::Context, milliseconds: u64) -> u64 {
        let _running = self.begin();
        sleep(Duration::from_millis(milliseconds)).await;
        milliseconds
    }

    async fn panic(self, _: context::Context) -> u64 {
        let _running = self.begin();
        panic!("a panic of the test, on purpose");
    }

    async fn bytes(self, _: context::Context, count: u64) -> Vec<u8> {
        let _running = self.begin();
        vec![7; count as usize]
    }

    async fn hold(self, _: context::Context) -> u64 {
        let _running = self.begin();
        self.0.released.notified().await;
        1
    }
}

/// The skeleton of the probe, as our server wants it.
#[derive(Debug, Clone)]
pub struct Probed(Prober);

impl Service for Probed {
    type Request = ProbeRequest;
    type Response = ProbeResponse;

    async fn call(
        self,
        context: context::Context,
        request: ProbeRequest,
    ) -> Result<ProbeResponse, ServerError> {
        Serve::serve(self.0.serve(), context, request).await
    }
}

/// A server in this process.
pub struct Probing {
    pub address: SocketAddr,
    pub prober: Prober,
    pub statistics: Arc<Statistics>,
    pub stop: CancellationToken,
    pub task: JoinHandle<std::io::Result<()>>,
}

/// Our server.
pub async fn ours(limits: Limits) -> Probing {
    ours_in(Format::Bincode, limits).await
}

/// Our server with this encoding.
pub async fn ours_in(format: Format, limits: Limits) -> Probing {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (server, prober) = (Server::new(limits, format), Prober::default());
    let (stop, statistics) = (server.stop.clone(), Arc::clone(&server.statistics));
    let service = prober.clone();
    let task = tokio::spawn(server.run(Listening::Tcp(listener), move |_| Probed(service.clone())));
    Probing { address, prober, statistics, stop, task }
}

/// The same service on bare tarpc, as its examples have it.
pub async fn bare(frame: usize) -> (SocketAddr, Prober) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, prober) = (listener.local_addr().unwrap(), Prober::default());
    let service = prober.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let framed = LengthDelimitedCodec::builder().max_frame_length(frame).new_framed(stream);
            let transport = tarpc::serde_transport::new(framed, tokio_serde::formats::Bincode::default());
            let calls = BaseChannel::with_defaults(transport).execute(service.clone().serve());
            tokio::spawn(calls.for_each(|call| async { drop(tokio::spawn(call)) }));
        }
    });
    (address, prober)
}

/// tarpc's own client over tarpc's own transport: our server is one for it, too.
pub async fn client(address: SocketAddr) -> ProbeClient {
    let transport = tarpc::serde_transport::tcp::connect(address, tokio_serde::formats::Bincode::default);
    ProbeClient::new(Config::default(), transport.await.unwrap()).spawn()
}

/// A context of a call that may take so long.
pub fn within(time: Duration) -> context::Context {
    let mut context = context::current();
    context.deadline = Instant::now() + time;
    context
}

/// The frame of a message.
pub fn frame(message: &ClientMessage<ProbeRequest>) -> Vec<u8> {
    let message = bincode::DefaultOptions::new().serialize(message).unwrap();
    [&(message.len() as u32).to_be_bytes()[..], &message].concat()
}

/// The frame of a call.
pub fn call(id: u64, time: Duration, message: ProbeRequest) -> Vec<u8> {
    frame(&ClientMessage::Request(Request { context: within(time), id, message }))
}

/// An answer without its header.
pub fn response(message: &[u8]) -> Response<ProbeResponse> {
    bincode::DefaultOptions::new().deserialize(message).unwrap()
}

/// A client that writes bytes as it likes.
pub struct Raw(pub TcpStream);

impl Raw {
    pub async fn connect(address: SocketAddr) -> Raw {
        Raw(TcpStream::connect(address).await.unwrap())
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// The next answer; `None` at the end of the connection.
    pub async fn answer(&mut self) -> Option<Response<ProbeResponse>> {
        let read = async {
            let length = self.0.read_u32().await.ok()?;
            let mut message = vec![0; length as usize];
            self.0.read_exact(&mut message).await.ok()?;
            Some(response(&message))
        };
        timeout(LONG, read).await.expect("an answer, or an end")
    }

    /// The next answer as it is on the wire, which must be text.
    pub async fn text(&mut self) -> String {
        let length = timeout(LONG, self.0.read_u32()).await.unwrap().unwrap();
        let mut message = vec![0; length as usize];
        self.0.read_exact(&mut message).await.unwrap();
        String::from_utf8(message).unwrap()
    }
}

/// Waits until something is so.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < LONG, "not so after {LONG:?}: {what}");
        sleep(Duration::from_millis(2)).await;
    }
}
