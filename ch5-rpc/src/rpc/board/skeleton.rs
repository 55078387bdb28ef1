//! The skeleton: takes a call off the wire, calls the procedure, and puts the result on the wire. What a server has in the place of a
//! client's stub.
//!
//! The part that the macro makes, `ServeBoardRpc`, chooses the method by the variant of the request.

use std::net::SocketAddr;
use std::sync::Arc;

use tarpc::server::Serve;
use tarpc::{ServerError, context};

use super::{Board, CallContext, CallError};
use crate::rpc::intercept::Service;
use crate::rpc::interface::{
    Behind, BoardError, BoardRpc, BoardRpcRequest, BoardRpcResponse, CallId, News, Posting, Seen,
    ServeBoardRpc, Text,
};

/// A board for the calls of one connection.
#[derive(Debug)]
pub struct Skeleton<B> {
    board: Arc<B>,
    peer: SocketAddr,
}

impl<B: Board> Skeleton<B> {
    /// The service of the connection from this peer.
    pub fn service(board: &Arc<B>, peer: SocketAddr) -> ServeBoardRpc<Skeleton<B>> {
        Skeleton { board: Arc::clone(board), peer }.serve()
    }

    fn context(&self, context: context::Context) -> CallContext {
        let trace = u128::from(*context.trace_id());
        CallContext { deadline: context.deadline, trace, from: self.peer }
    }
}

impl<B> Clone for Skeleton<B> {
    fn clone(&self) -> Self {
        Skeleton { board: Arc::clone(&self.board), peer: self.peer }
    }
}

/// A caller of ours hears of a failure behind us as we know it: what is certain stays certain, and what is not stays so.
fn passed_on(error: CallError) -> BoardError {
    match error {
        CallError::Failed(error) => error,
        CallError::NoServer(_) | CallError::NotBegun(_) => {
            BoardError::Behind(Behind::NotBegun(error.to_string()))
        }
        CallError::Unknown(_) => BoardError::Behind(Behind::Unknown(error.to_string())),
    }
}

impl<B: Board> BoardRpc for Skeleton<B> {
    async fn publish(
        self,
        context: context::Context,
        text: Text,
        call: Option<CallId>,
    ) -> Result<u64, BoardError> {
        self.board.publish(self.context(context), text, call).await.map_err(passed_on)
    }

    async fn last(self, context: context::Context, count: u64) -> Result<Vec<u64>, BoardError> {
        self.board.last(self.context(context), count).await.map_err(passed_on)
    }

    async fn get(self, context: context::Context, id: u64) -> Result<Posting, BoardError> {
        self.board.get(self.context(context), id).await.map_err(passed_on)
    }

    async fn last_with_text(self, context: context::Context, count: u64) -> Result<Vec<Posting>, BoardError> {
        self.board.last_with_text(self.context(context), count).await.map_err(passed_on)
    }

    async fn wait(self, context: context::Context, seen: Seen) -> Result<News, BoardError> {
        self.board.wait(self.context(context), seen).await.map_err(passed_on)
    }
}

impl<B: Board> Service for ServeBoardRpc<Skeleton<B>> {
    type Request = BoardRpcRequest;
    type Response = BoardRpcResponse;

    async fn call(
        self,
        context: context::Context,
        request: BoardRpcRequest,
    ) -> Result<BoardRpcResponse, ServerError> {
        self.serve(context, request).await
    }
}
