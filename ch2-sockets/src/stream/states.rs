//! Both ends of a connection in one process: every state of RFC 9293's diagram (the notes' figure 2.11) that lasts long
//! enough to be seen, after the call that leads to it.
//!
//! Most states pass in microseconds on one machine. They are held still by what keeps the other end from answering: a
//! backlog that is full (SYN-SENT), and a reader that does not read, behind whose full buffer the FIN has to wait
//! (FIN-WAIT-1, CLOSING, LAST-ACK). SYN-RECEIVED alone is not shown: only a lost ACK would hold it.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use socket2::Socket;

use crate::kernel::endpoint;
use crate::kernel::{self, Protocol, SocketRow};
use common::support::count::count;

/// How long a state may take to come; a SYN is sent again after a second.
const SOON: Duration = Duration::from_secs(5);

const EXAMPLES: &str = "\
Examples:
  cargo ch2 stream states
  cargo ch2 stream states --listenaddr ::1";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct StatesArgs {
    /// The address both ends are on
    #[arg(short, long, default_value = "127.0.0.1", value_parser = common::support::listen::address)]
    listenaddr: IpAddr,
}

pub(super) fn run(args: &StatesArgs) -> anyhow::Result<ExitCode> {
    let mut out = common::support::cli::stdout().lock();
    let address = SocketAddr::new(args.listenaddr, 0);
    writeln!(out, "== A connection from its beginning to its end")?;
    one_life(&mut out, address)?;
    writeln!(out, "\n== A backlog that is full")?;
    full_backlog(&mut out, address)?;
    writeln!(out, "\n== Both ends close, and neither reads")?;
    both_close(&mut out, address)?;
    writeln!(out, "\n== The last to close, and the other does not read")?;
    last_to_close(&mut out, address)?;
    Ok(ExitCode::SUCCESS)
}

fn one_life(out: &mut impl Write, address: SocketAddr) -> anyhow::Result<()> {
    let listener = endpoint::socket(address, Protocol::Tcp)?;
    writeln!(out, "server: socket()")?;
    show_listener(out, &listener)?;
    endpoint::bind(&listener, address, Protocol::Tcp)?;
    let server = endpoint::local(&listener)?;
    writeln!(out, "server: bind({server})")?;
    show_listener(out, &listener)?;
    listener.listen(0)?;
    writeln!(out, "server: listen(0)")?;
    show_listener(out, &listener)?;

    let mut client = endpoint::socket(address, Protocol::Tcp)?;
    client.connect(&server.into())?;
    let ends = Ends { client: endpoint::local(&client)?, server };
    writeln!(out, "client: connect(): established, and nobody has accepted yet (Recv-Q of the listener)")?;
    ends.settle(out, Some(&listener), ["ESTABLISHED", "ESTABLISHED"])?;
    let mut accepted = listener.accept()?.0;
    writeln!(out, "server: accept(): the connection gets a descriptor")?;
    ends.settle(out, Some(&listener), ["ESTABLISHED", "ESTABLISHED"])?;
    client.write_all(b"Hello world!")?;
    writeln!(out, "client: send(12 bytes): they wait in the server's Recv-Q")?;
    kernel::settled(
        SOON,
        || ends.rows(),
        |rows| rows[1].as_ref().is_some_and(|row| row.receive_queue == 12),
    )?;
    ends.settle(out, Some(&listener), ["ESTABLISHED", "ESTABLISHED"])?;
    accepted.read_exact(&mut [0; 12])?;
    client.shutdown(Shutdown::Write)?;
    writeln!(out, "server: recv() = 12; client: shutdown(SHUT_WR): its FIN is acknowledged")?;
    ends.settle(out, Some(&listener), ["FIN-WAIT-2", "CLOSE-WAIT"])?;
    let end = accepted.read(&mut [0; 12])?;
    accepted.write_all(b"bye")?;
    client.read_exact(&mut [0; 3])?;
    writeln!(out, "server: recv() = {end}: the end; send(3) still works: the client gets it")?;
    drop(accepted);
    writeln!(out, "server: close()")?;
    ends.settle(out, Some(&listener), ["TIME-WAIT", ""])?;
    drop(client);
    writeln!(
        out,
        "client: close(): who closed first keeps the TIME-WAIT, a minute long, without a descriptor"
    )?;
    ends.settle(out, Some(&listener), ["TIME-WAIT", ""])
}

fn full_backlog(out: &mut impl Write, address: SocketAddr) -> anyhow::Result<()> {
    let listener = listening(address)?;
    let server = endpoint::local(&listener)?;
    let connect = || -> anyhow::Result<(Socket, Ends)> {
        let client = endpoint::socket(address, Protocol::Tcp)?;
        client.set_nonblocking(true)?;
        let _ = client.connect(&server.into()); // EINPROGRESS: the state tells what became of it
        let ends = Ends { client: endpoint::local(&client)?, server };
        Ok((client, ends))
    };
    let (_first, ends) = connect()?;
    writeln!(out, "server: listen(0); first client: connect(): there is room for one")?;
    ends.settle(out, Some(&listener), ["ESTABLISHED", "ESTABLISHED"])?;
    let (_second, ends) = connect()?;
    writeln!(out, "second client: connect(): its SYN is dropped, no answer comes")?;
    ends.settle(out, Some(&listener), ["SYN-SENT", ""])?;
    let _accepted = listener.accept()?;
    writeln!(out, "server: accept() the first: room again; a second later the SYN is sent once more")?;
    ends.settle(out, Some(&listener), ["ESTABLISHED", "ESTABLISHED"])
}

fn both_close(out: &mut impl Write, address: SocketAddr) -> anyhow::Result<()> {
    let (client, server, ends) = connected(address)?;
    fill(&client)?;
    fill(&server)?;
    client.shutdown(Shutdown::Write)?;
    writeln!(
        out,
        "both: send() until nothing fits; client: shutdown(SHUT_WR): its FIN has to wait behind the data"
    )?;
    ends.settle(out, None, ["FIN-WAIT-1", "ESTABLISHED"])?;
    server.shutdown(Shutdown::Write)?;
    writeln!(out, "server: shutdown(SHUT_WR) too")?;
    ends.settle(out, None, ["FIN-WAIT-1", "FIN-WAIT-1"])?;
    let bytes = drain(&server)?;
    writeln!(out, "server: recv() to the end, {bytes}: it has the client's FIN, its own is still waiting")?;
    ends.settle(out, None, ["FIN-WAIT-2", "CLOSING"])?;
    let bytes = drain(&client)?;
    writeln!(out, "client: recv() to the end, {bytes}: both have both")?;
    ends.settle(out, None, ["TIME-WAIT", "TIME-WAIT"])
}

fn last_to_close(out: &mut impl Write, address: SocketAddr) -> anyhow::Result<()> {
    let (client, server, ends) = connected(address)?;
    fill(&server)?;
    client.shutdown(Shutdown::Write)?;
    writeln!(out, "server: send() until nothing fits; client: shutdown(SHUT_WR)")?;
    ends.settle(out, None, ["FIN-WAIT-2", "CLOSE-WAIT"])?;
    drain(&server)?;
    drop(server);
    writeln!(out, "server: recv() = 0, close(): the kernel still has data to deliver, and no descriptor")?;
    ends.settle(out, None, ["FIN-WAIT-2", "LAST-ACK"])?;
    let bytes = drain(&client)?;
    writeln!(out, "client: recv() to the end, {bytes}: sent before the close, and none was lost")?;
    ends.settle(out, None, ["TIME-WAIT", ""])
}

/// The two addresses of a connection.
struct Ends {
    client: SocketAddr,
    server: SocketAddr,
}

impl Ends {
    fn rows(&self) -> io::Result<[Option<SocketRow>; 2]> {
        Ok([kernel::connection(self.client, self.server)?, kernel::connection(self.server, self.client)?])
    }

    /// Waits for the states (`""`: none) and prints what is there, be it so or not.
    fn settle(
        &self,
        out: &mut impl Write,
        listener: Option<&Socket>,
        states: [&str; 2],
    ) -> anyhow::Result<()> {
        let is_so = |rows: &[Option<SocketRow>; 2]| {
            rows.iter().zip(states).all(|(row, state)| row.as_ref().map_or("", |row| row.state) == state)
        };
        let [client, server] = kernel::settled(SOON, || self.rows(), is_so)?;
        let listening = match listener {
            Some(listener) => kernel::row_of(listener, Protocol::Tcp)?,
            None => None,
        };
        let mut lines = vec![("client", client.as_ref()), ("server", server.as_ref())];
        if listener.is_some() {
            lines.insert(0, ("listener", listening.as_ref()));
        }
        write!(out, "{}", kernel::table::text(&lines))?;
        Ok(())
    }
}

fn show_listener(out: &mut impl Write, listener: &Socket) -> anyhow::Result<()> {
    let row = kernel::row_of(listener, Protocol::Tcp)?;
    write!(out, "{}", kernel::table::text(&[("listener", row.as_ref())]))?;
    Ok(())
}

fn listening(address: SocketAddr) -> anyhow::Result<Socket> {
    let listener = endpoint::socket(address, Protocol::Tcp)?;
    endpoint::bind(&listener, address, Protocol::Tcp)?;
    listener.listen(0)?;
    Ok(listener)
}

fn connected(address: SocketAddr) -> anyhow::Result<(Socket, Socket, Ends)> {
    let listener = listening(address)?;
    let client = endpoint::socket(address, Protocol::Tcp)?;
    let server = endpoint::local(&listener)?;
    client.connect(&server.into())?;
    let ends = Ends { client: endpoint::local(&client)?, server };
    Ok((client, listener.accept()?.0, ends))
}

/// Sends until the socket's buffer is full and stays so: what the other end's kernel takes away makes room at first.
fn fill(mut socket: &Socket) -> io::Result<()> {
    let block = [b'x'; 64 * 1024];
    socket.set_nonblocking(false)?;
    socket.set_write_timeout(Some(Duration::from_millis(100)))?;
    loop {
        match socket.write(&block) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// Reads to the end of the stream; how many bytes there were.
fn drain(socket: &Socket) -> anyhow::Result<String> {
    socket.set_read_timeout(Some(SOON))?;
    let mut socket = socket;
    let bytes = io::copy(&mut socket, &mut io::sink()).context("reading to the end")?;
    Ok(count(bytes, "byte"))
}
