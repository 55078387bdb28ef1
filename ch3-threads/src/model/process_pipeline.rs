//! The pipeline, its handlers in processes of their own (the notes, "Combining threading and multiprocessing").
//!
//! ```text
//!    [ connections ] ──► receiver-0…7 ──► [ requests ] ──► handler-0 ◄═ pipe ═► process: do the work
//!           ▲                                              handler-1 ◄═ pipe ═► process: …
//!           └──────── sender-0…7 ◄────── [ responses ] ◄──────┘
//! ```
//!
//! - **Accepts:** the main thread. **Answers:** a receiver, a handler with its process, a sender.
//! - **Waits in:** a handler in `read(2)` of the pipe from its process.
//! - **The price:** every request and answer crosses two pipes as a frame; and the processes share no memory.
//! - **Started, not forked:** this process has threads, and `fork` would copy only one of them with every lock as it
//!   happens to stand. So a handler starts its process anew, with `exec`: the same program, asked to be a worker. It is
//!   as easily started again when it has died; the request it had is lost, and its client hung up on.
//! - **Differs from `pipeline`:** the work runs beside the I/O on another processor even where threads cannot (Python's
//!   global lock), and a crash in it takes one request, not the server. As many as there are processors are enough.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{Pid, getppid};
use serde::{Deserialize, Serialize};

use common::core::listener::Listener;
use common::core::queue::Queue;
use common::core::server::Server;
use common::core::service::{AfterAnswer, Answer, Peer, PeerAddress};
use common::core::stop::Stop;
use common::core::work::AnyService;
use common::core::workers::{die_with_parent, wait_for_end, wake_stopped};
use common::protocol::frame;

use super::helpers::keep_working;
use super::job::{self, Job};
use super::semaphore::Semaphore;

/// Receivers, and senders.
pub const IO_THREADS: usize = 8;
/// Longest request or answer between the processes: the board's 200 MiB, and what frames it.
const FRAME_LIMIT: u32 = 202 * 1024 * 1024;

/// What a worker process is asked.
#[derive(Serialize, Deserialize)]
struct Task {
    client: PeerAddress,
    request: Vec<u8>,
}

/// What it answers.
#[derive(Serialize, Deserialize)]
struct Done {
    answer: Vec<u8>,
    ends: bool,
}

/// Runs the pipeline with `workers` processes until the stop. `command` starts one.
pub fn run(
    server: &Server,
    listener: &Listener,
    workers: usize,
    command: impl Fn() -> Command + Sync,
) -> io::Result<()> {
    // Now, as long as there are descriptors: later, idle clients may have taken all of them.
    let processes = (0..workers).map(|_| Ok(Mutex::new(Some(Worker::start(command())?))));
    let processes: Vec<Mutex<Option<Worker>>> = processes.collect::<io::Result<_>>()?;
    let capacity = server.limits.connections;
    let permits = Semaphore::new(capacity);
    let connections: Queue<Job> = Queue::new(capacity);
    let requests: Queue<Job> = Queue::new(capacity);
    let responses: Queue<Job> = Queue::new(capacity);
    thread::scope(|scope| {
        let (connections, requests, responses, command) = (&connections, &requests, &responses, &command);
        let spawned = (0..IO_THREADS).try_for_each(|number| {
            keep_working(scope, server, format!("receiver-{number}"), move || {
                while let Some(job) = connections.pop() {
                    job::receive(server, job, requests);
                }
            })?;
            keep_working(scope, server, format!("sender-{number}"), move || {
                while let Some(job) = responses.pop() {
                    job::send(server, job, connections);
                }
            })
        });
        let spawned = spawned.and_then(|()| {
            processes.iter().enumerate().try_for_each(|(number, process)| {
                keep_working(scope, server, format!("handler-{number}"), move || {
                    let process = process.lock().unwrap_or_else(PoisonError::into_inner).take();
                    let mut handler = Handler { server, number, command, worker: process };
                    while let Some(mut job) = requests.pop() {
                        if handler.handle(&mut job) {
                            job::pass_on(job, responses);
                        }
                    }
                })
            })
        });
        let accepted = spawned.and_then(|()| job::accept(server, listener, &permits, connections));
        server.stop.request();
        permits.wait_until_all_free();
        connections.close();
        requests.close();
        responses.close();
        accepted
    })
}

/// A handler and its process, which is started anew when it has died.
struct Handler<'a, C> {
    server: &'a Server,
    number: usize,
    command: C,
    worker: Option<Worker>,
}

impl<C: Fn() -> Command> Handler<'_, C> {
    /// Has the pending request of a connection handled by the process. `false`: the request is lost, and the connection with it.
    fn handle(&mut self, job: &mut Job<'_>) -> bool {
        let peer = job.connection.peer();
        let request = job.connection.conversation().encode_request();
        let task = Task {
            client: peer.address,
            request: request.expect("a model is refused a service without a codec"),
        };
        let mut lost = None;
        let server = self.server;
        let answer = server.watched(&peer, || {
            self.ask(&task).unwrap_or_else(|error| {
                lost = Some(error);
                Answer::last(Vec::new())
            })
        });
        if let Some(error) = lost {
            self.replaced(&error);
            self.worker = None;
            server.log_disconnect(&peer, Err(io::Error::other("its request was lost")));
            return false;
        }
        job.connection.conversation().answer(answer);
        true
    }

    fn ask(&mut self, task: &Task) -> io::Result<Answer> {
        // One that died between two requests has not read this one, so it can be asked of the next. One that dies over it
        // cannot: the next might die of it as well.
        if let Some(Err(error)) = self.worker.as_mut().map(|worker| worker.send(task)) {
            self.replaced(&error);
            self.worker = None;
        }
        let server = self.server;
        let worker = match &mut self.worker {
            Some(worker) => worker,
            none => {
                let worker = none.insert(Worker::start((self.command)())?);
                worker.send(task)?;
                worker
            }
        };
        worker.wait_for_answer(server.stop);
        let done: Done = read_frame(&mut worker.from)?.ok_or(ErrorKind::UnexpectedEof)?;
        Ok(if done.ends { Answer::last(done.answer) } else { Answer::new(done.answer) })
    }

    fn replaced(&self, error: &io::Error) {
        self.server.counters.replaced.count();
        tracing::warn!("the process of handler-{} died ({error}); it is replaced", self.number);
    }
}

/// A worker process and the pipes to it.
struct Worker {
    process: Child,
    to: Option<ChildStdin>,
    from: ChildStdout,
}

impl Worker {
    fn start(mut command: Command) -> io::Result<Worker> {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let to = process.stdin.take();
        let from = process.stdout.take().ok_or(ErrorKind::BrokenPipe)?;
        Ok(Worker { process, to, from })
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.process.id().cast_signed())
    }

    /// Waits until there is something to read. A process that is stopped must not hold up the stop of the server.
    fn wait_for_answer(&self, stop: Stop) {
        let readable = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let mut fds = [readable(self.from.as_fd()), readable(stop.fd())];
        while poll(&mut fds, PollTimeout::NONE) == Err(Errno::EINTR) {}
        if fds[0].any() != Some(true) {
            wake_stopped(self.pid());
        }
    }

    fn send(&mut self, task: &Task) -> io::Result<()> {
        write_frame(self.to.as_mut().ok_or(ErrorKind::BrokenPipe)?, task)
    }
}

impl Drop for Worker {
    /// The end of its input ends the process; then it is waited for, so that no zombie is left. Until then its number is its own.
    fn drop(&mut self) {
        self.to = None;
        wake_stopped(self.pid());
        wait_for_end(self.pid());
    }
}

/// What the worker process does until its input ends: at the server's stop, or with the server's death.
pub fn be_worker(service: &dyn AnyService) -> io::Result<()> {
    die_with_parent(getppid())?;
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    while let Some(task) = read_frame::<Task>(&mut input)? {
        let answer = service
            .handle_encoded(&Peer::at(task.client), &task.request)
            .ok_or_else(|| io::Error::other("a request that is none of this service's"))?;
        let ends = answer.then != AfterAnswer::Continue;
        write_frame(&mut output, &Done { answer: answer.body.into_bytes(), ends })?;
    }
    Ok(())
}

fn write_frame(to: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let mut bytes = Vec::new();
    frame::encode(value, FRAME_LIMIT, &mut bytes).map_err(io::Error::other)?;
    to.write_all(&bytes)?;
    to.flush()
}

/// One frame, or `None` at the end of the stream.
fn read_frame<T: for<'a> Deserialize<'a>>(from: &mut impl Read) -> io::Result<Option<T>> {
    let (mut bytes, mut chunk) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        // Requests and answers take turns in a pipe, so nothing of a next frame can follow.
        if let Some((value, _)) = frame::decode(&bytes, FRAME_LIMIT).map_err(io::Error::other)? {
            return Ok(Some(value));
        }
        match from.read(&mut chunk) {
            Ok(0) if bytes.is_empty() => return Ok(None),
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
            // Ctrl-C reaches the workers too; they end with their input, not with the signal.
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
