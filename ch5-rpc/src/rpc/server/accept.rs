//! The accept loop, and a task for each connection.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use common::core::listener::{ACCEPT_BACKOFF, AcceptOutcome, Listener};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::admission::Admission;
use super::connection::Connection;
use super::listening::Listening;
use super::settings::Server;
use crate::rpc::intercept::Service;

impl Server {
    /// Serves until the stop; `service_for` makes the service of a connection from the address of its peer.
    ///
    /// # Errors
    /// What accept(2) says that cannot be served around.
    pub async fn run<S: Service>(
        self,
        mut listening: Listening<S::Request, S::Response>,
        service_for: impl Fn(SocketAddr) -> S,
    ) -> io::Result<()> {
        let places = Arc::new(Semaphore::new(self.limits.connections));
        let admission = Admission::new(self.limits.connections_per_address);
        let mut tasks = JoinSet::new();
        let served = loop {
            // A place is had before the connection: without one it waits in the backlog.
            let place = tokio::select! {
                biased;
                () = self.stop.cancelled() => break Ok(()),
                place = Arc::clone(&places).acquire_owned() => place.expect("it is never closed"),
            };
            let accepted = tokio::select! {
                biased;
                () = self.stop.cancelled() => break Ok(()),
                accepted = listening.accept() => accepted,
            };
            while tasks.try_join_next().is_some() {}
            match accepted {
                Ok((stream, peer)) => {
                    let admitted = admission.admit(peer.ip());
                    let connection = Connection::new(&self, peer, admitted.refused());
                    let service = service_for(peer);
                    tasks.spawn(async move {
                        connection.serve(stream, service).await;
                        drop((admitted, place));
                    });
                }
                Err(error) => match Listener::outcome_of(&error) {
                    Some(AcceptOutcome::Full) => {
                        tracing::debug!("no descriptor or memory for a connection: {error}");
                        tokio::select! {
                            () = self.stop.cancelled() => break Ok(()),
                            () = tokio::time::sleep(ACCEPT_BACKOFF) => {}
                        }
                    }
                    Some(_) => {}
                    None => break Err(error),
                },
            }
        };
        drop(listening);
        self.stop.cancel();
        while tasks.join_next().await.is_some() {}
        served
    }
}
