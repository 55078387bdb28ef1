//! `coupling`: the four corners of the notes' table 6.1, each tried, with the failure that it has.
//!
//! ```text
//!                        time-coupled                       time-uncoupled
//!   space-coupled        a TCP connection                   a file in the receiver's mailbox
//!   space-uncoupled      a datagram to a multicast group    a queue of a broker
//! ```
//!
//! Each carries one message three times: with the receiver there; with the receiver away, coming later; and with the receiver at
//! another place than last time. What arrives is counted, not known beforehand.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use common::support::cli::stdout;
use common::support::interrupt;
use lapin::BasicProperties;
use lapin::options::{BasicGetOptions, QueueDeclareOptions};
use socket2::{Domain, Protocol, Socket, Type};

use crate::bus::{self, Bus, publish, said};

/// What should come comes within this time; what has not come by then is lost.
const PATIENCE: Duration = Duration::from_millis(500);

const MESSAGE: &[u8] = b"hello";

/// The arguments of `coupling`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo ch6 coupling
  cargo ch6 coupling --broker amqp://127.0.0.1:5672    with a broker that runs")]
pub struct CouplingArgs {
    /// The broker of the fourth corner: amqp://HOST:PORT, or `embedded:` for one of this program's own
    #[arg(long, value_name = "URL", default_value = "embedded:")]
    pub broker: String,
}

/// Where the receiver is when the message is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scene {
    /// There, where it was.
    There,
    /// Nowhere; it comes after the sender has gone.
    Away,
    /// There, but not where it was.
    Moved,
}

/// One corner of the table.
trait Corner {
    /// What carries the message.
    fn name(&self) -> &'static str;

    /// What the sender must know.
    fn knows(&self) -> &'static str;

    /// Plays the scene; whether the message arrived.
    fn play(&mut self, scene: Scene) -> anyhow::Result<bool>;
}

/// Tries all of them.
///
/// # Errors
/// There is no broker, no loopback, or no directory for temporary files.
pub fn run(args: &CouplingArgs) -> anyhow::Result<ExitCode> {
    interrupt::ends_at_once()?;
    let mailbox = std::env::temp_dir().join(format!("coupling-{}", std::process::id()));
    let corners: [&mut dyn Corner; 4] = [
        &mut Connection,
        &mut Mailbox { directory: mailbox },
        &mut Group { port: 20_000 + rand::random::<u16>() % 10_000 },
        &mut Queue { broker: args.broker.clone() },
    ];
    let mut out = stdout().lock();
    writeln!(out, "Does one message arrive?\n")?;
    writeln!(
        out,
        "  {:<28}  {:<34}  {:>14}  {:>14}  {:>14}",
        "", "the sender knows", "receiver there", "comes later", "has moved"
    )?;
    for corner in corners {
        write!(out, "  {:<28}  {:<34}", corner.name(), corner.knows())?;
        for scene in [Scene::There, Scene::Away, Scene::Moved] {
            let has_come = corner.play(scene).with_context(|| format!("{}, {scene:?}", corner.name()))?;
            write!(out, "  {:>14}", if has_come { "yes" } else { "lost" })?;
            out.flush()?;
        }
        writeln!(out)?;
    }
    writeln!(
        out,
        "\nCoupled in time: what is sent while the receiver is away is lost. Coupled in space: what is sent to where it was is lost."
    )?;
    Ok(ExitCode::SUCCESS)
}

/// Space-coupled, time-coupled.
struct Connection;

impl Corner for Connection {
    fn name(&self) -> &'static str {
        "TCP connection"
    }

    fn knows(&self) -> &'static str {
        "address and port"
    }

    fn play(&mut self, scene: Scene) -> anyhow::Result<bool> {
        let before = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let known = before.local_addr()?;
        let listener = match scene {
            Scene::There => Some(before),
            Scene::Away => {
                drop(before);
                None
            }
            Scene::Moved => {
                let moved = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
                drop(before);
                Some(moved)
            }
        };
        let sent = TcpStream::connect(known).and_then(|mut stream| stream.write_all(MESSAGE));
        // Later, at the same address.
        let listener = listener.map_or_else(|| TcpListener::bind(known), Ok)?;
        listener.set_nonblocking(true)?;
        let mut got = Vec::new();
        if let Some((mut stream, _)) = within(|| listener.accept())? {
            stream.set_nonblocking(false)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.read_to_end(&mut got)?;
        }
        Ok(sent.is_ok() && got == MESSAGE)
    }
}

/// Space-coupled, time-uncoupled: the notes' state file.
struct Mailbox {
    directory: PathBuf,
}

impl Corner for Mailbox {
    fn name(&self) -> &'static str {
        "file in a mailbox"
    }

    fn knows(&self) -> &'static str {
        "the receiver's directory"
    }

    fn play(&mut self, scene: Scene) -> anyhow::Result<bool> {
        let known = self.directory.join("at home");
        let own = if scene == Scene::Moved { self.directory.join("elsewhere") } else { known.clone() };
        // The mailbox is there whether the receiver is or not: that is the point.
        fs::create_dir_all(&known)?;
        fs::create_dir_all(&own)?;
        let look = |directory: &Path| fs::read(directory.join("message"));
        fs::write(known.join("message"), MESSAGE)?;
        let got = look(&own).unwrap_or_default();
        fs::remove_dir_all(&self.directory)?;
        Ok(got == MESSAGE)
    }
}

/// Space-uncoupled, time-coupled.
struct Group {
    port: u16,
}

impl Group {
    const ADDRESS: Ipv4Addr = Ipv4Addr::new(239, 6, 7, 1);

    /// A receiver: whoever joins hears what is sent from now on.
    fn join(&self) -> io::Result<UdpSocket> {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_reuse_address(true)?;
        socket.bind(&SocketAddr::from((Self::ADDRESS, self.port)).into())?;
        socket.join_multicast_v4(&Self::ADDRESS, &Ipv4Addr::LOCALHOST)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(socket.into())
    }
}

impl Corner for Group {
    fn name(&self) -> &'static str {
        "multicast group"
    }

    fn knows(&self) -> &'static str {
        "the group"
    }

    fn play(&mut self, scene: Scene) -> anyhow::Result<bool> {
        let receiver = match scene {
            Scene::There => Some(self.join()?),
            Scene::Away => None,
            Scene::Moved => {
                let before = self.join()?;
                let moved = self.join()?; // another socket, as on another machine
                drop(before);
                Some(moved)
            }
        };
        let sender = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        sender.set_multicast_if_v4(&Ipv4Addr::LOCALHOST)?;
        sender.send_to(MESSAGE, &SocketAddr::from((Self::ADDRESS, self.port)).into())?;
        let receiver = receiver.map_or_else(|| self.join(), Ok)?;
        let mut buffer = [0; 100];
        Ok(receiver.recv(&mut buffer).is_ok_and(|length| &buffer[..length] == MESSAGE))
    }
}

/// Space-uncoupled, time-uncoupled.
struct Queue {
    broker: String,
}

impl Corner for Queue {
    fn name(&self) -> &'static str {
        "queue of a broker"
    }

    fn knows(&self) -> &'static str {
        "the broker, and a name"
    }

    fn play(&mut self, scene: Scene) -> anyhow::Result<bool> {
        bus::run(async {
            let sender = Bus::connect(&self.broker).await?;
            let channel = sender.channel().await?;
            let queue = format!("coupling.{:08x}", rand::random::<u32>());
            let expires = bus::arguments([("x-expires", lapin::types::AMQPValue::LongInt(60_000))]);
            channel
                .queue_declare(queue.clone().into(), QueueDeclareOptions::default(), expires)
                .await
                .map_err(said)?;
            let mut receiver = if scene == Scene::Away { None } else { Some(sender.again().await?) };
            if scene == Scene::Moved {
                let moved = sender.again().await?; // another connection, from another port
                if let Some(before) = receiver.replace(moved) {
                    before.close().await;
                }
            }
            publish(&channel, "", &queue, MESSAGE, BasicProperties::default()).await?;
            let receiver = match receiver {
                Some(receiver) => receiver,
                None => sender.again().await?,
            };
            let channel = receiver.channel().await?;
            let got =
                channel.basic_get(queue.into(), BasicGetOptions { no_ack: true }).await.map_err(said)?;
            Ok(got.is_some_and(|message| message.data == MESSAGE))
        })
    }
}

/// Tries until it would not block any more, no longer than the patience.
fn within<T>(mut attempt: impl FnMut() -> io::Result<T>) -> io::Result<Option<T>> {
    let end = Instant::now() + PATIENCE;
    loop {
        match attempt() {
            Ok(value) => return Ok(Some(value)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && Instant::now() < end => {
                thread::sleep(Duration::from_millis(5));
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}
