//! The owner's side of a name with a lease: registers it, and again after a third of the lease, for as long as the owner lives.
//!
//! Two renewals may be lost before the name is. A name server that is away is tried again each time: when it is back, and knows
//! nothing, it has the name after one such period.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::registry::IfTaken;
use crate::pyro::call::Exception;
use crate::pyro::proxy::{CallError, Options, Proxy};
use crate::pyro::serpent::Value;
use crate::pyro::uri::Uri;

/// A name server that needs longer is not there.
const SLOWEST: Duration = Duration::from_secs(2);

/// What is registered.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The name server.
    pub names: Uri,
    /// The name.
    pub name: String,
    /// What it refers to.
    pub uri: Uri,
    /// Words by which it can be found, too.
    pub metadata: Vec<String>,
    /// How long it stays without a renewal; `None` is for ever.
    pub lease: Option<Duration>,
    /// If another has the name.
    pub if_taken: IfTaken,
}

/// Keeps a name until it is dropped, and takes it away then.
#[derive(Debug)]
pub struct Keeper {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Wish {
    /// Registers, or renews what was registered before.
    ///
    /// # Errors
    /// The name server is not there, or refuses.
    pub fn register(&self, options: Options, is_renewal: bool) -> Result<(), CallError> {
        let mut names = Proxy::connect(&self.names, options)?;
        let metadata = Value::Set(self.metadata.iter().map(|word| word.as_str().into()).collect());
        let kwargs = if is_ours(&names) {
            let lease = self.lease.map_or(Value::None, |lease| Value::Float(lease.as_secs_f64()));
            Value::dict([("metadata", metadata), ("lease", lease), ("if_taken", self.if_taken.word().into())])
        } else if self.if_taken == IfTaken::Balance {
            return Err(
                Exception::pyro("NamingError", "this name server lets no servers share a name").into()
            );
        } else {
            // Pyro's own knows no renewal: it is a registration of a name that is taken, by us.
            let is_safe = self.if_taken == IfTaken::Refuse && !is_renewal;
            Value::dict([("metadata", metadata), ("safe", is_safe.into())])
        };
        let args = vec![self.name.as_str().into(), self.uri.to_string().into()];
        names.call_with("register", args, kwargs).map(drop)
    }

    fn remove(&self, options: Options) -> Result<(), CallError> {
        let mut names = Proxy::connect(&self.names, options)?;
        let entries =
            if is_ours(&names) { vec![("uri".into(), self.uri.to_string().into())] } else { Vec::new() };
        names.call_with("remove", vec![self.name.as_str().into()], Value::Dict(entries)).map(drop)
    }
}

/// Whether this name server knows leases and shared names. Pyro's own does not.
pub(super) fn is_ours(names: &Proxy) -> bool {
    names.methods().iter().any(|method| method == "entries")
}

impl Keeper {
    /// Begins to keep a name. It is not an error when the name server is not there yet.
    ///
    /// # Errors
    /// No thread for it.
    pub fn start(wish: Wish, options: Options) -> std::io::Result<Keeper> {
        let (stop, stopped) = mpsc::channel();
        let period = wish.lease.unwrap_or(Duration::from_secs(30)) / 3;
        // The name server may be slow, but not so slow that the next renewal is late, or the owner's end.
        let options = Options { timeout: options.timeout.min(period).min(SLOWEST), ..options };
        let thread = thread::Builder::new().name("names".into()).spawn(move || {
            let (mut said, mut is_renewal) = (None, false);
            loop {
                let done = wish.register(options, is_renewal);
                let again = if is_renewal { " again" } else { "" };
                is_renewal |= done.is_ok();
                let words = Some(done.map_err(|error| error.to_string()));
                if words != said {
                    match &words {
                        Some(Err(why)) => tracing::warn!("the name {} is not registered: {why}", wish.name),
                        _ => tracing::info!("the name {} is registered{again}", wish.name),
                    }
                    said = words;
                }
                if stopped.recv_timeout(period) != Err(RecvTimeoutError::Timeout) {
                    break;
                }
            }
            if let Err(error) = wish.remove(options) {
                tracing::debug!("the name {} ends with its lease: {error}", wish.name);
            }
        })?;
        Ok(Keeper { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
