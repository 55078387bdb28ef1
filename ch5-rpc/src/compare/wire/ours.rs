//! The stub of `board-client`, with all its checks. Publications have no call id, as those of bare tarpc have none.

use std::net::SocketAddr;

use super::FRAME;
use crate::rpc::board::{Board, CallContext};
use crate::rpc::codec::Format;
use crate::rpc::interface::Text;
use crate::rpc::stub::{RemoteBoard, RetryPolicy, StubSettings, Target};

use super::TIMEOUT;

/// A stub; it connects with the first call.
pub struct Ours(RemoteBoard);

impl Ours {
    pub fn new(server: SocketAddr, format: Format) -> Ours {
        let target = Target::Tcp { host: server.ip().to_string(), port: server.port(), format };
        // A call that was made twice would be counted once.
        let settings = StubSettings { frame: FRAME, retry: RetryPolicy::NEVER, ..StubSettings::default() };
        Ours(RemoteBoard::new(target, settings))
    }

    pub async fn publish(&self, text: &[u8]) -> anyhow::Result<()> {
        self.0.publish(CallContext::within(TIMEOUT), Text(text.into()), None).await?;
        Ok(())
    }

    pub async fn last(&self, count: u64) -> anyhow::Result<Vec<u64>> {
        Ok(self.0.last(CallContext::within(TIMEOUT), count).await?)
    }

    pub async fn get(&self, id: u64) -> anyhow::Result<usize> {
        Ok(self.0.get(CallContext::within(TIMEOUT), id).await?.text.bytes().len())
    }

    pub async fn list(&self, count: u64) -> anyhow::Result<usize> {
        Ok(self.0.last_with_text(CallContext::within(TIMEOUT), count).await?.len())
    }
}
