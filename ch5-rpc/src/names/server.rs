//! `names`: the server.

use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use anyhow::anyhow;
use clap::Args;

use super::discovery::{self, GROUP};
use super::object::{NAME_SERVER, NameServer};
use crate::announce::Announce;
use crate::daemon::registry::Objects;
use crate::daemon::serve::ObjectServerArgs;

/// The arguments of the server.
#[derive(Debug, Args)]
pub struct ServerArgs {
    /// The UDP port for Pyro's question where the name server is; 0 answers no question
    #[arg(long, value_name = "PORT", default_value_t = 9091)]
    pub discovery_port: u16,
    /// By which interface it announces itself once a second, to 239.1.1.2:53125
    #[arg(long, value_enum, default_value = "lo")]
    pub announce: Announce,
    #[allow(missing_docs, reason = "flattened: a comment here would replace the command's own")]
    #[command(flatten)]
    pub server: ObjectServerArgs,
}

/// Serves names until the stop.
///
/// # Errors
/// An address or a port cannot be had.
pub fn run(args: &ServerArgs) -> anyhow::Result<ExitCode> {
    let (objects, names) = (Objects::default(), Arc::new(NameServer::default()));
    objects.add_as(NAME_SERVER, names.clone())?;
    let (port, listen) = (args.discovery_port, args.server.run.listenaddr);
    let socket = (port > 0).then(|| discovery::socket(listen, port)).transpose();
    let socket = socket.map_err(|error| {
        anyhow!("cannot answer questions on UDP port {port}: {error}; --discovery-port 0 does without")
    })?;
    let (socket, announce, listens_on_all) =
        (Mutex::new(socket), args.announce, args.server.listens_on_all());
    args.server.serve("names", objects, NAME_SERVER.into(), move |uri| {
        names.reserve(uri.clone());
        let socket = socket.lock().ok().and_then(|mut socket| socket.take());
        let found = socket
            .map_or(Ok(()), |socket| discovery::answer(socket, uri.clone(), listens_on_all))
            .and_then(|()| GROUP.announce(announce, discovery::announcement(&uri)));
        if let Err(error) = found {
            tracing::warn!("it is found by its address only: {error}");
        }
    })?;
    Ok(ExitCode::SUCCESS)
}
