//! Every way to run connections, one file each. Reading order, and what each adds to the one before:
//!
//! | model | who serves a client |
//! |---|---|
//! | [`one_client`] | the main thread, once |
//! | [`sequential`] | the main thread, one client after the other |
//! | [`fork_per_connection`] | a process made for it |
//! | [`thread_per_connection`] | a thread made for it |
//! | [`thread_pool`] | one of N threads, handed the connection through a queue |
//! | [`prethreaded`] | one of N threads, each of which accepts |
//! | [`prefork`] | one of N processes, each of which accepts |
//! | [`prefork_reuseport`] | one of N processes, each with a listening socket of its own |
//! | [`fd_passing`] | an idle one of N processes, handed the connection by their parent |
//! | [`select`], [`poll`], [`epoll`] | a loop that serves all of them |
//! | [`thread_per_request`] | a loop, and a thread made for each request |
//! | [`pipeline`] | a receiver, a handler and a sender |
//! | [`delegation`] | the same, made for each request |
//! | [`process_pipeline`] | the same, the handler in a process |
//! | [`tokio`] | a task |
//! | [`io_uring`] | a loop that is told what is done, not what may be done |

pub mod delegation;
pub mod epoll;
pub mod fd_passing;
pub mod fork_per_connection;
pub mod io_uring;
pub mod one_client;
pub mod pipeline;
pub mod poll;
pub mod prefork;
pub mod prefork_reuseport;
pub mod prethreaded;
pub mod process_pipeline;
pub mod select;
pub mod sequential;
pub mod thread_per_connection;
pub mod thread_per_request;
pub mod thread_pool;
pub mod tokio;

mod helpers;
mod job;
mod semaphore;
mod slot;

use std::io;
use std::process::Command;
use std::thread;

use clap::ValueEnum;
use common::core::listener::Listener;
use common::core::server::Server;
use common::core::service::Memory;
use common::core::work::AnyService;

/// The models, in reading order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
#[allow(missing_docs, reason = "each is explained by its file, and in a line by `about`")]
pub enum Model {
    OneClient,
    Sequential,
    ForkPerConnection,
    ThreadPerConnection,
    ThreadPool,
    Prethreaded,
    Prefork,
    PreforkReuseport,
    FdPassing,
    Select,
    Poll,
    Epoll,
    ThreadPerRequest,
    Pipeline,
    Delegation,
    ProcessPipeline,
    Tokio,
    IoUring,
}

/// Starts a worker process.
pub type WorkerCommand = Box<dyn Fn() -> Command + Sync>;

/// What a model is given besides the server itself.
pub struct Settings {
    /// Threads, processes or loops, where the model has a number of them.
    pub workers: usize,
    /// The backlog of each listening socket.
    pub backlog: i32,
    /// Starts a worker process of the process pipeline; `None` where there is no such program.
    pub worker_command: Option<WorkerCommand>,
}

impl Model {
    /// All of them, in reading order.
    pub const ALL: [Model; 18] = [
        Model::OneClient,
        Model::Sequential,
        Model::ForkPerConnection,
        Model::ThreadPerConnection,
        Model::ThreadPool,
        Model::Prethreaded,
        Model::Prefork,
        Model::PreforkReuseport,
        Model::FdPassing,
        Model::Select,
        Model::Poll,
        Model::Epoll,
        Model::ThreadPerRequest,
        Model::Pipeline,
        Model::Delegation,
        Model::ProcessPipeline,
        Model::Tokio,
        Model::IoUring,
    ];

    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> String {
        self.to_possible_value().expect("no model is hidden").get_name().to_owned()
    }

    /// The model in a line.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Model::OneClient => "the main thread serves one client and ends",
            Model::Sequential => "the main thread serves one client after the other",
            Model::ForkPerConnection => "a process forked for each connection",
            Model::ThreadPerConnection => "a thread made for each connection",
            Model::ThreadPool => "a queue of connections and N threads (the notes' pre-fork)",
            Model::Prethreaded => "N threads, each of which accepts",
            Model::Prefork => "N processes, each of which accepts",
            Model::PreforkReuseport => "N processes, each with a listening socket of its own",
            Model::FdPassing => "the parent accepts and passes connections to idle processes",
            Model::Select => "one loop over select(2), at most 1024 descriptors",
            Model::Poll => "one loop over poll(2)",
            Model::Epoll => "one loop, or N, over epoll(7)",
            Model::ThreadPerRequest => "one loop for the I/O, a thread made for each request",
            Model::Pipeline => "receivers, handlers and senders with three queues between them",
            Model::Delegation => "four fixed threads, and a thread made for each task",
            Model::ProcessPipeline => "the pipeline, its handlers in processes",
            Model::Tokio => "a task for each connection on the tokio runtime",
            Model::IoUring => "one loop over io_uring(7), told what is done",
        }
    }

    /// How many workers it has unless told otherwise: the notes' 8 threads, csd's 10 children, a process for each
    /// processor; 1 where the number means nothing.
    #[must_use]
    pub fn default_workers(self) -> usize {
        match self {
            Model::ThreadPool | Model::Prethreaded | Model::Pipeline => 8,
            Model::Prefork | Model::PreforkReuseport | Model::FdPassing => 10,
            Model::ProcessPipeline => thread::available_parallelism().map_or(2, usize::from),
            _ => 1,
        }
    }

    /// Whether `--workers` changes anything.
    #[must_use]
    pub fn has_workers(self) -> bool {
        self.default_workers() > 1 || matches!(self, Model::Epoll | Model::Tokio | Model::ProcessPipeline)
    }

    /// How many idle clients it holds while still serving the next; `None` when any number.
    #[must_use]
    pub fn seats(self, workers: usize) -> Option<usize> {
        match self {
            Model::OneClient | Model::Sequential => Some(1),
            Model::ThreadPool | Model::Prethreaded | Model::Prefork | Model::FdPassing | Model::Pipeline => {
                Some(workers)
            }
            // The kernel's hash may send a second client to a child that is busy: one is all that is sure.
            Model::PreforkReuseport => Some(1),
            Model::ProcessPipeline => Some(process_pipeline::IO_THREADS),
            _ => None,
        }
    }

    /// Whether each handler has a copy of the service's memory, or all have the same.
    #[must_use]
    pub fn copies_memory(self) -> bool {
        matches!(
            self,
            Model::ForkPerConnection
                | Model::Prefork
                | Model::PreforkReuseport
                | Model::FdPassing
                | Model::ProcessPipeline
        )
    }

    /// Whether it serves in processes that it forks.
    #[must_use]
    pub fn forks(self) -> bool {
        self.copies_memory() && self != Model::ProcessPipeline
    }

    /// Why the model cannot run a service, if it cannot.
    #[must_use]
    pub fn objection(self, service: &dyn AnyService) -> Option<String> {
        (self.copies_memory() && service.memory() == Memory::Shared).then(|| {
            format!(
                "{} needs one memory, and {} gives every process a copy: what one client writes, a client of \
                 another process would not find. Choose a model whose handlers share memory, or watch it go wrong with \
                 --show-divergence",
                service.name(),
                self.name()
            )
        })
    }

    /// Why the model cannot run on this system, if it cannot.
    ///
    /// # Errors
    /// What the kernel says to a first attempt.
    pub fn available(self) -> io::Result<()> {
        if self == Model::IoUring { io_uring::available() } else { Ok(()) }
    }

    /// Serves until the stop.
    ///
    /// # Errors
    /// What no server could serve around.
    pub fn run(self, server: &Server, listener: Listener, settings: &Settings) -> io::Result<()> {
        let workers = settings.workers;
        let serve = || match self {
            Model::OneClient => one_client::run(server, &listener),
            Model::Sequential => sequential::run(server, &listener),
            Model::ForkPerConnection => fork_per_connection::run(server, listener),
            Model::ThreadPerConnection => thread_per_connection::run(server, &listener),
            Model::ThreadPool => thread_pool::run(server, &listener, workers),
            Model::Prethreaded => prethreaded::run(server, &listener, workers),
            Model::Prefork => prefork::run(server, &listener, workers),
            Model::PreforkReuseport => prefork_reuseport::run(server, listener, settings.backlog, workers),
            Model::FdPassing => fd_passing::run(server, listener, workers),
            Model::Select => select::run(server, listener),
            Model::Poll => poll::run(server, listener),
            Model::Epoll => epoll::run(server, listener, workers),
            Model::ThreadPerRequest => thread_per_request::run(server, listener),
            Model::Pipeline => pipeline::run(server, &listener, workers),
            Model::Delegation => delegation::run(server, &listener),
            Model::ProcessPipeline => match &settings.worker_command {
                Some(command) => process_pipeline::run(server, &listener, workers, command),
                None => Err(io::Error::other("there is no program to start as a worker process")),
            },
            Model::Tokio => tokio::run(server, listener, workers),
            Model::IoUring => io_uring::run(server, &listener),
        };
        // Where processes are forked, each child starts the service for itself.
        if self.forks() { serve() } else { server.serve_here(serve) }
    }
}
