//! The event loop: connects the clients of a workload, reads and writes for them, wakes them.
//!
//! It knows nothing of what is sent and why. One read and one write per wake-up, however many messages are in them: at
//! 16 messages deep that is what makes three million messages per second and core out of two hundred thousand wake-ups.

use std::io;
use std::time::Duration;

use nix::sys::epoll::{EpollEvent, EpollFlags};

use super::context::{LoopContext, Reading};
use super::poll::TIMER;
use super::sockets::{Moved, established, hung_up, read, write};
use super::workload::{Input, Workload};
use crate::core::trace::monotonic_ns;

/// A turn comes at least this often, so that a workload can look at its flags.
pub(super) const TICK: Duration = Duration::from_millis(100);
const EVENTS: usize = 512;
/// Writes to one client before the others have their turn.
const WRITES_AT_ONCE: usize = 4;

/// Runs the loop in this thread until the workload is over. `read_at_once` is the length of the one buffer for all reads.
///
/// # Errors
/// The workload's, or what epoll says.
pub fn drive<W: Workload>(
    workload: &mut W,
    context: LoopContext,
    read_at_once: usize,
) -> Result<(), W::Error> {
    Engine { workload, context, buffer: vec![0; read_at_once].into_boxed_slice() }.run()
}

struct Engine<'a, W> {
    workload: &'a mut W,
    context: LoopContext,
    /// What is read is judged at once and forgotten: one buffer for all.
    buffer: Box<[u8]>,
}

impl<W: Workload> Engine<'_, W> {
    fn run(mut self) -> Result<(), W::Error> {
        let mut events = vec![EpollEvent::empty(); EVENTS];
        loop {
            // 1. What is due. Before the deadlines: a loop that comes late must not stop a client whose last requests were
            //    meant for a moment before the end.
            let now_ns = monotonic_ns();
            self.context.now_ns = now_ns;
            self.workload.act(&mut self.context)?;
            self.settle()?;

            // 2. Each client whose deadline has passed.
            while let Some(client) = self.context.poll.pop_due(now_ns) {
                self.workload.handle_input(client, Input::Timeout, &mut self.context)?;
                self.after(client)?;
            }

            // 3. Wait, and 4. each client whose socket is ready.
            let Some(deadline_ns) = self.workload.deadline(now_ns) else { return Ok(()) };
            self.wait(deadline_ns, &mut events)?;
        }
    }

    fn wait(&mut self, deadline_ns: u64, events: &mut [EpollEvent]) -> Result<(), W::Error> {
        let ready = self.context.poll.wait(events, deadline_ns, TICK)?;
        for event in events[..ready].iter().filter(|event| event.data() != TIMER) {
            self.handle_ready(event.data() as usize, event.events())?;
        }
        Ok(())
    }

    fn handle_ready(&mut self, client: usize, flags: EpollFlags) -> Result<(), W::Error> {
        let broken = EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR;
        let connection = &mut self.context.connections[client];
        // See Poll::watch: a socket that was closed may still be reported.
        let Some(stream) = &connection.stream else { return Ok(()) };
        if flags.contains(EpollFlags::EPOLLOUT) {
            connection.is_blocked = false;
        }
        if connection.is_connecting {
            self.context.now_ns = monotonic_ns();
            match established(stream) {
                Ok(()) => {
                    connection.is_connecting = false;
                    self.workload.handle_input(client, Input::Connected, &mut self.context)?;
                }
                Err(error) => self.fail(client, error)?,
            }
            return self.after(client);
        }
        match connection.reading {
            Reading::UpTo(most) if flags.intersects(broken | EpollFlags::EPOLLIN) => {
                let most = most.min(self.buffer.len());
                let moved = read(stream, &mut self.buffer[..most]);
                self.context.now_ns = monotonic_ns();
                match moved {
                    Moved::Bytes(bytes) => {
                        let input = Input::Received(&self.buffer[..bytes]);
                        self.workload.handle_input(client, input, &mut self.context)?;
                    }
                    Moved::NotYet => {}
                    Moved::End => self.fail(client, hung_up())?,
                    Moved::Broken(error) => self.fail(client, error)?,
                }
            }
            Reading::EndOnly | Reading::Nothing if flags.intersects(broken | EpollFlags::EPOLLRDHUP) => {
                self.context.now_ns = monotonic_ns();
                let error = stream.take_error()?.unwrap_or_else(hung_up);
                self.fail(client, error)?;
            }
            _ => {}
        }
        self.after(client)
    }

    /// Something has happened to this client.
    fn after(&mut self, client: usize) -> Result<(), W::Error> {
        self.transmit(client)?;
        self.settle()
    }

    /// Does what the clients have asked for.
    fn settle(&mut self) -> Result<(), W::Error> {
        while let Some(client) = self.context.pending.pop_front() {
            match self.context.connections[client].refused.take() {
                Some(error) => self.fail(client, error)?,
                None => self.transmit(client)?,
            }
        }
        Ok(())
    }

    /// Writes what the client has to send, as far as the socket takes it. While it connects, too: on loopback the connection is
    /// there when connect(2) returns, and to write at once saves a wake-up.
    fn transmit(&mut self, client: usize) -> Result<(), W::Error> {
        let mut writes = 0;
        while let Some(stream) = self.context.connections[client].writable() {
            let outgoing = &self.context.outgoing[client];
            let is_pulled = outgoing.is_empty();
            let bytes = if is_pulled { self.workload.poll_transmit(client) } else { outgoing };
            if bytes.is_empty() {
                break;
            }
            writes += 1;
            match write(stream, bytes) {
                Moved::Bytes(written) => {
                    let is_full = written < bytes.len() || writes == WRITES_AT_ONCE;
                    let connection = &mut self.context.connections[client];
                    connection.is_blocked = is_full;
                    let is_new = std::mem::take(&mut connection.is_connecting);
                    if !is_pulled {
                        self.context.outgoing[client].drain(..written);
                    }
                    if is_new {
                        self.workload.handle_input(client, Input::Connected, &mut self.context)?;
                    }
                    if is_pulled {
                        self.workload.handle_transmitted(client, written, &mut self.context);
                    }
                }
                Moved::NotYet => self.context.connections[client].is_blocked = true,
                Moved::End => return self.fail(client, hung_up()),
                Moved::Broken(error) => return self.fail(client, error),
            }
        }
        match self.context.update_interest(client) {
            Ok(()) => Ok(()),
            Err(error) => self.fail(client, error),
        }
    }

    fn fail(&mut self, client: usize, error: io::Error) -> Result<(), W::Error> {
        let is_open = self.context.connections[client].is_open();
        self.context.disconnect(client);
        let input = if is_open { Input::Broken(error) } else { Input::Refused(error) };
        self.workload.handle_input(client, input, &mut self.context)
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// What happened to each client.
    #[derive(Default)]
    struct Recorder(Vec<String>);

    impl Workload for Recorder {
        type Error = io::Error;

        fn act(&mut self, _: &mut LoopContext) -> io::Result<()> {
            Ok(())
        }
        fn deadline(&mut self, now_ns: u64) -> Option<u64> {
            Some(now_ns)
        }
        fn handle_input(&mut self, client: usize, input: Input<'_>, _: &mut LoopContext) -> io::Result<()> {
            self.0.push(format!("{client}: {input:?}"));
            Ok(())
        }
    }

    /// With a client that is connected.
    fn engine<'a>(workload: &'a mut Recorder, listener: &TcpListener) -> Engine<'a, Recorder> {
        let context = LoopContext::new(listener.local_addr().unwrap(), 2, 2).unwrap();
        let mut engine = Engine { workload, context, buffer: vec![0; 16].into_boxed_slice() };
        engine.context.connect(0, None);
        engine.settle().unwrap();
        wait(&mut engine);
        engine
    }

    /// What is there at once.
    fn wait(engine: &mut Engine<'_, Recorder>) {
        engine.wait(monotonic_ns() + 20_000_000, &mut [EpollEvent::empty(); 4]).unwrap();
    }

    #[test]
    fn a_client_that_is_gone_hears_nothing_when_its_closed_socket_is_reported() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut recorder = Recorder::default();
        let mut engine = engine(&mut recorder, &listener);
        engine.context.disconnect(0);
        engine.handle_ready(0, EpollFlags::EPOLLHUP).unwrap();
        engine.handle_ready(1, EpollFlags::EPOLLIN | EpollFlags::EPOLLHUP).unwrap();
        assert_eq!(recorder.0, ["0: Connected"]);
    }

    #[test]
    fn a_client_is_told_of_an_end_only_when_it_reads_or_asks_for_it() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        for (reading, is_told) in
            [(Reading::default(), true), (Reading::EndOnly, true), (Reading::Nothing, false)]
        {
            let mut recorder = Recorder::default();
            let mut engine = engine(&mut recorder, &listener);
            engine.context.set_reading(0, reading);
            engine.settle().unwrap();
            let (server, _) = listener.accept().unwrap();
            server.shutdown(std::net::Shutdown::Write).unwrap();
            wait(&mut engine);
            assert_eq!(recorder.0.iter().any(|input| input.starts_with("0: Broken")), is_told, "{reading:?}");
        }
    }
}
