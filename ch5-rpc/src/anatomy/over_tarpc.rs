//! The call over tarpc: the stub and the skeleton that the macro makes, on tarpc's own transport with a watch in it.
//!
//! ```text
//!  thread "client"   caller ─► stub ─► dispatch task ─► Timed(bincode) ─► length ─► AsyncTap ─► kernel
//!  thread "server"   kernel ─► AsyncTap ─► length ─► Timed(bincode) ─► channel ─► task of the call ─► skeleton ─► procedure
//! ```
//!
//! A runtime of one thread on each side, as a call between two processes has.

use std::future::pending;
use std::io;
use std::net::TcpStream;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::{Bytes, BytesMut};
use futures_util::{FutureExt, StreamExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tarpc::client::RpcError;
use tarpc::server::{BaseChannel, Channel, Serve};
use tarpc::tokio_serde::formats::Bincode;
use tarpc::tokio_serde::{Deserializer, Serializer};
use tarpc::tokio_util::codec::{Framed, LengthDelimitedCodec};
use tarpc::{ClientMessage, Response, ServerError, context, serde_transport};
use tokio::runtime::{Builder, Runtime};

use super::idl::{ServeSmallBoard, SmallBoard, SmallBoardClient, SmallBoardRequest, SmallBoardResponse};
use super::plan::{Ending, PAUSE, WARM_UP};
use super::procedures::{NoMessage, Procedures};
use super::record::{Recorder, What};
use super::tap::AsyncTap;

/// How long to wait for the other side, at most.
const PATIENCE: Duration = Duration::from_secs(10);

/// bincode as tarpc has it, and when it began and ended.
struct Timed<M>(M, Recorder);

impl<In, Out> Serializer<Out> for Timed<Bincode<In, Out>>
where
    Out: Serialize,
    Bincode<In, Out>: Serializer<Out, Error = io::Error> + Unpin,
{
    type Error = io::Error;

    fn serialize(mut self: Pin<&mut Self>, item: &Out) -> io::Result<Bytes> {
        let begin = Instant::now();
        let bytes = Pin::new(&mut self.0).serialize(item)?;
        self.1.since(What::Marshalled, begin);
        Ok(bytes)
    }
}

impl<In, Out> Deserializer<In> for Timed<Bincode<In, Out>>
where
    In: DeserializeOwned,
    Bincode<In, Out>: Deserializer<In, Error = io::Error> + Unpin,
{
    type Error = io::Error;

    fn deserialize(mut self: Pin<&mut Self>, bytes: &BytesMut) -> io::Result<In> {
        let begin = Instant::now();
        let item = Pin::new(&mut self.0).deserialize(bytes)?;
        self.1.since(What::Unmarshalled, begin);
        Ok(item)
    }
}

/// The procedures behind the trait of the interface.
#[derive(Debug, Clone)]
struct Implementation {
    board: Arc<Procedures>,
    /// The last call is never answered: it will be cancelled.
    hangs_at: Option<u64>,
}

impl SmallBoard for Implementation {
    async fn publish(self, _: context::Context, text: String) -> u64 {
        let id = self.board.publish(text);
        if Some(id) == self.hangs_at { pending().await } else { id }
    }

    async fn remove(self, _: context::Context, id: u64) -> bool {
        self.board.remove(id)
    }

    async fn last(self, _: context::Context, count: u64) -> Vec<u64> {
        self.board.last(count)
    }

    async fn get(self, _: context::Context, id: u64) -> Result<String, NoMessage> {
        self.board.get(id)
    }
}

/// In front of the skeleton: nobody may remove anything.
#[derive(Clone)]
struct Guard(ServeSmallBoard<Implementation>);

impl Serve for Guard {
    type Req = SmallBoardRequest;
    type Resp = SmallBoardResponse;

    async fn serve(
        self,
        context: context::Context,
        request: SmallBoardRequest,
    ) -> Result<SmallBoardResponse, ServerError> {
        if matches!(request, SmallBoardRequest::Remove { .. }) {
            return Err(ServerError::new(io::ErrorKind::PermissionDenied, "nobody may remove".into()));
        }
        self.0.serve(context, request).await
    }
}

/// Serves one connection until the client closes it.
///
/// # Errors
/// The socket or the runtime.
pub fn serve(stream: TcpStream, board: Procedures, recorder: &Recorder, ending: Ending) -> io::Result<()> {
    let hangs_at = (ending == Ending::Cancelled).then_some(WARM_UP);
    let service = Guard(Implementation { board: Arc::new(board), hangs_at }.serve());
    runtime()?.block_on(async {
        let wire = Framed::new(AsyncTap::new(stream, recorder)?, LengthDelimitedCodec::new());
        let timed: Timed<Bincode<ClientMessage<SmallBoardRequest>, Response<SmallBoardResponse>>> =
            Timed(Bincode::default(), recorder.clone());
        let channel = BaseChannel::with_defaults(serde_transport::new(wire, timed));
        let calls = channel.execute(service);
        calls.for_each(|call| async { drop(tokio::spawn(call)) }).await;
        Ok(())
    })
}

/// Calls some times to warm up, and once more; what the last call said.
///
/// # Errors
/// The socket or the runtime, or a call that ended in another way than it should.
pub fn call(
    stream: TcpStream,
    text: &str,
    ending: Ending,
    recorder: &Recorder,
    server: &Recorder,
) -> anyhow::Result<String> {
    runtime()?.block_on(async {
        let wire = Framed::new(AsyncTap::new(stream, recorder)?, LengthDelimitedCodec::new());
        let timed: Timed<Bincode<Response<SmallBoardResponse>, ClientMessage<SmallBoardRequest>>> =
            Timed(Bincode::default(), recorder.clone());
        let transport = serde_transport::new(wire, timed);
        let stub = SmallBoardClient::new(tarpc::client::Config::default(), transport).spawn();
        for _ in 0..WARM_UP {
            stub.publish(context::current(), text.to_owned()).await?;
        }
        tokio::time::sleep(PAUSE).await;
        match ending {
            Ending::Answered => answered(&stub, text, recorder).await,
            Ending::Failed => {
                recorder.forget();
                let answer = stub.get(context::current(), 999).await?;
                Ok(answer.err().context("there is a message 999")?.to_string())
            }
            Ending::Refused => {
                recorder.forget();
                match stub.remove(context::current(), 0).await {
                    Err(RpcError::Server(error)) => Ok(error.to_string()),
                    other => anyhow::bail!("it is not refused: {other:?}"),
                }
            }
            Ending::Cancelled => {
                recorder.forget();
                cancelled(&stub, text, server).await
            }
        }
    })
}

/// The call that counts.
async fn answered(stub: &SmallBoardClient, text: &str, recorder: &Recorder) -> anyhow::Result<String> {
    let (context, text) = (context::current(), text.to_owned());
    recorder.forget();
    recorder.now(What::Called);
    let id = stub.publish(context, text).await?;
    recorder.now(What::Returned);
    let said = format!("published as message {id}");
    recorder.now(What::Continued);
    Ok(said)
}

/// A call whose caller waits no longer than until the procedure runs.
async fn cancelled(stub: &SmallBoardClient, text: &str, server: &Recorder) -> anyhow::Result<String> {
    let ran = server.count(What::Ran);
    {
        let mut call = pin!(stub.publish(context::current(), text.to_owned()).fuse());
        tokio::select! {
            answer = &mut call => anyhow::bail!("it is answered: {answer:?}"),
            reached = until(|| server.count(What::Ran) > ran) => reached?,
        }
        // Here the caller drops the future of the call, and that is all that it does.
    }
    let parts = server.count(What::Read);
    until(|| server.count(What::Read) > parts).await?;
    Ok("the caller waits no longer".into())
}

async fn until(mut come: impl FnMut() -> bool) -> anyhow::Result<()> {
    let begin = Instant::now();
    while !come() {
        anyhow::ensure!(begin.elapsed() < PATIENCE, "the server does not go on");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}
