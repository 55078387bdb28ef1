//! `serve`: one model runs one service until SIGTERM or Ctrl-C.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use common::core::conversation::Layer;
use common::core::counters::Counters;
use common::core::limits::Limits;
use common::core::listener::{ListenAddress, Listener};
use common::core::outbox::{OutboxLimit, WhenFull};
use common::core::server::Server;
use common::core::socket_file::SocketFile;
use common::core::stop::Stop;
use common::core::trace::EventTrace;
use common::core::work::AnyService;
use common::support::cli::{LimitArgs, at_least_one, duration, human, stdout, within, writable};
use common::support::count::count;

use crate::model::{Model, Settings, WorkerCommand, process_pipeline};
use crate::service::ServiceKind;

/// What a service needs to be built; the worker processes of the process pipeline are told the same.
#[derive(Debug, Clone, Args)]
pub struct ServiceArgs {
    /// What the server does
    #[arg(long, short_alias = 's', value_enum, default_value = "hold")]
    pub service: ServiceKind,
    /// How long a request of `heavy` takes
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "5s")]
    pub delay: Duration,
}

/// The arguments of `serve`.
#[derive(Debug, Args)]
#[command(after_help = "Example: a pool of four threads that offer a service, and five clients for it:
  cargo ch3 serve --model thread-pool --workers 4 --service hold
  cargo ch3 simulate --scenario stay          (in another terminal)
On a Unix socket, which only this machine can reach:
  cargo ch3 serve --model epoll --service echo --unix /tmp/echo.socket
  echo hello | nc -N -U /tmp/echo.socket      (in another terminal)
`cargo ch3 models` says what each model is; `cargo ch3 lab-server` has the lab's faults.")]
pub struct ServeArgs {
    /// How connections are run
    #[arg(short, long, value_enum, default_value = "thread-per-connection")]
    pub model: Model,
    #[allow(missing_docs, reason = "flattened: a comment here would replace the command's own")]
    #[command(flatten)]
    pub service: ServiceArgs,
    #[allow(missing_docs, reason = "flattened: a comment here would replace the command's own")]
    #[command(flatten)]
    pub run: RunArgs,
}

/// What every server takes that runs under a model, in whatever chapter.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The address to listen on
    #[arg(short = 'l', long, default_value = "127.0.0.1", value_parser = common::support::listen::address)]
    pub listenaddr: IpAddr,
    /// The port to listen on; 0 takes any free one
    #[arg(short = 'p', long, default_value_t = 7777)]
    pub listenport: u16,
    /// Listen on a Unix socket at this path instead, which only programs of this machine can reach
    #[arg(long, value_name = "PATH", conflicts_with_all = ["listenaddr", "listenport"])]
    pub unix: Option<PathBuf>,
    /// Threads, processes or loops, for the models that have a number of them [default: the model's own]
    #[arg(short, long, value_parser = workers)]
    pub workers: Option<NonZeroUsize>,
    /// Connections that may wait in the kernel until they are accepted
    #[arg(long, default_value_t = 4096, value_parser = within(0..=1_000_000i32))]
    pub backlog: i32,
    /// Connections that a model with queues keeps in hand; the others wait in the backlog
    #[arg(long, default_value = "4096", value_parser = at_least_one(10_000_000))]
    pub connections: NonZeroUsize,
    #[allow(missing_docs, reason = "flattened: a comment here would replace the command's own")]
    #[command(flatten)]
    pub limits: LimitArgs,
    /// A client that has been silent for so long is asked by the kernel whether it is still there, and is gone if it does not
    /// say so in as long again (TCP keep-alive); 0 asks nobody
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "60s")]
    pub keep_alive: Duration,
    /// Run a service that needs one memory under a model that copies it, and watch it go wrong
    #[arg(long)]
    pub show_divergence: bool,
    /// At the end, write what happened, when and in which thread or process, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
}

impl RunArgs {
    fn limits(&self) -> anyhow::Result<Limits> {
        let budget = self.limits.budget().context("no memory for the budget")?;
        Ok(Limits { timeouts: self.limits.timeouts(), connections: self.connections, budget })
    }
}

/// Serves one of this chapter's services until the stop.
///
/// # Errors
/// What [`serve`] says.
pub fn run(args: &ServeArgs) -> anyhow::Result<()> {
    let service = args.service.service.build(args.service.delay);
    serve(args.model, service, &args.run, Some(worker_command(&args.service)?))
}

/// Serves any service until the stop. `worker_command` starts a worker process of the process pipeline; a service that
/// needs one memory never runs under it.
///
/// # Errors
/// The model cannot run the service, or the address cannot be listened on, or what no server could serve around.
pub fn serve(
    model: Model,
    service: Arc<dyn AnyService>,
    args: &RunArgs,
    worker_command: Option<WorkerCommand>,
) -> anyhow::Result<()> {
    serve_and_tell(model, service, args, worker_command, |_| {})
}

/// [`serve`], with more to say than `LISTENING` when the server serves.
///
/// # Errors
/// As there.
pub fn serve_and_tell(
    model: Model,
    service: Arc<dyn AnyService>,
    args: &RunArgs,
    worker_command: Option<WorkerCommand>,
    tell: impl Fn(&ListenAddress) + Send + Sync + 'static,
) -> anyhow::Result<()> {
    serve_over(None, model, service, args, worker_command, move |address, _| tell(address))
}

/// What stands below each connection of a server: TLS, say. See [`Server::layer`].
pub type Below = Arc<dyn Fn() -> Box<dyn Layer> + Send + Sync>;

/// [`serve_and_tell`], over what stands below each connection, and with the stop for a second listener of this process.
///
/// # Errors
/// As there.
pub fn serve_over(
    below: Option<Below>,
    model: Model,
    service: Arc<dyn AnyService>,
    args: &RunArgs,
    worker_command: Option<WorkerCommand>,
    tell: impl Fn(&ListenAddress, Stop) + Send + Sync + 'static,
) -> anyhow::Result<()> {
    if let Some(objection) = model.objection(&*service) {
        if !args.show_divergence {
            bail!(objection);
        }
        tracing::warn!("as you wish: every process of {} has its own {}", model.name(), service.name());
    }
    if model == Model::ProcessPipeline && (worker_command.is_none() || !service.is_portable()) {
        bail!(
            "the handlers of {} are other processes, and a request to {} cannot leave this one",
            model.name(),
            service.name()
        );
    }
    model.available().with_context(|| format!("{} is not possible here", model.name()))?;

    allow_descriptors();
    let stop = Stop::install().context("no descriptor for the stop")?;
    writable(&args.trace)?;
    let trace = match args.trace {
        Some(_) => EventTrace::shared().context("no memory for the trace")?,
        None => EventTrace::off(),
    };
    let counters = Counters::shared().context("no memory for the counters")?;
    let mut server = Server::new(service, stop, counters);
    (server.trace, server.limits, server.layer) = (trace, args.limits()?, below);
    let listener = match &args.unix {
        Some(path) => listen_on_path(model, path, args, stop)?,
        None => listen_on_port(model, &*server.service, args, stop)?,
    };
    let address = listener.address().clone();
    server.when_ready = Some(Arc::new(move || {
        let _ = writeln!(stdout(), "LISTENING {address}"); // with its stdout closed it still serves
        tell(&address, stop);
        tracing::info!("{}: {}", model.name(), model.about());
    }));

    let workers = args.workers.map_or(model.default_workers(), NonZeroUsize::get);
    let settings = Settings { workers, backlog: args.backlog, worker_command };
    let file = args.unix.as_deref().map(SocketFile::of).transpose().context("the socket is gone")?;
    model.run(&server, listener, &settings)?;
    drop(file);

    if let (Some(path), Some(file)) = (&args.trace, args.trace.as_ref().map(File::create)) {
        let lost = file
            .and_then(|file| trace.write(BufWriter::new(file)))
            .with_context(|| format!("cannot write {}", path.display()))?;
        if lost > 0 {
            tracing::warn!("the trace was full: {} did not fit", count(lost, "event"));
        }
    }
    report_shares(&server, model, workers);
    tracing::info!("Terminating: {}", server.counters);
    Ok(())
}

fn listen_on_port(
    model: Model,
    service: &dyn AnyService,
    args: &RunArgs,
    stop: Stop,
) -> anyhow::Result<Listener> {
    let address = SocketAddr::new(args.listenaddr, args.listenport);
    let listener = Listener::is_free(address)
        .and_then(|()| Listener::open(address, args.backlog, model == Model::PreforkReuseport, stop))
        .map_err(common::support::listen::refusal)
        .with_context(|| format!("cannot listen on {address}"))?;
    if !args.keep_alive.is_zero() {
        listener.keep_alive(args.keep_alive).context("the system does not let a silent client be asked")?;
    }
    if let Some(OutboxLimit { bytes, when_full: WhenFull::Disconnect }) = service.outbox() {
        listener.keep_unsent(bytes).context("the system does not let unsent bytes be bounded")?;
    }
    Ok(listener)
}

/// A Unix socket needs neither of the two options of TCP: the kernel knows when a client's process is gone, and keeps no more than the
/// client's receive buffer for it.
fn listen_on_path(model: Model, path: &Path, args: &RunArgs, stop: Stop) -> anyhow::Result<Listener> {
    if model == Model::PreforkReuseport {
        bail!("the children of {} share a port with SO_REUSEPORT, and a Unix socket has none", model.name());
    }
    Listener::open_unix(path, args.backlog, stop)
        .with_context(|| format!("cannot listen on {}", path.display()))
}

/// Takes as many descriptors as this process may have: the soft limit is there for programs that use `select`.
fn allow_descriptors() {
    if let Ok((_, most)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, most, most); // with fewer it serves fewer at once
    }
}

/// Beyond these it would be a slip of the keyboard, and no machine has room for their stacks.
const MOST_WORKERS: usize = 10_000;

/// Reads how many workers there are to be, for clap.
///
/// # Errors
/// None, more than 10 000, or no number.
pub fn workers(text: &str) -> Result<NonZeroUsize, String> {
    at_least_one(MOST_WORKERS)(text)
}

/// How the connections spread over the workers, as the csd examples print it. Whoever no longer reads is not told.
fn report_shares(server: &Server, model: Model, workers: usize) {
    let role = match model {
        Model::Prefork | Model::PreforkReuseport | Model::FdPassing => "child",
        Model::Prethreaded => "worker",
        _ => return,
    };
    for number in 0..workers {
        let _ = writeln!(stdout(), "{role} {number} : {} times", server.counters.worker(number).value());
    }
}

/// This program again, as a worker process with the same service.
fn worker_command(args: &ServiceArgs) -> anyhow::Result<WorkerCommand> {
    let program = std::env::current_exe().context("cannot find this program again")?;
    let (service, delay) = (args.service.build(args.delay).name(), human(args.delay));
    Ok(Box::new(move || {
        let mut command = Command::new(&program);
        command.args(["worker", "--service", service, "--delay", &delay]).stderr(Stdio::inherit());
        command
    }))
}

/// The worker process of the process pipeline.
pub fn worker(args: &ServiceArgs) -> anyhow::Result<()> {
    // Ctrl-C reaches the whole group; this process ends when its input does, not in the middle of a request.
    Stop::install()?;
    process_pipeline::be_worker(&*args.service.build(args.delay)).context("worker process")
}
