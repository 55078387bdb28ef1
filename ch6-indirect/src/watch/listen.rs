//! The second listener of the broker's process, in a thread of its own.
//!
//! A page that cannot be served is no reason to end a broker: it is a warning.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread;

use anyhow::{Context, ensure};
use ch3_threads::model::{Model, Settings};
use clap::Args;
use common::core::budget::Budget;
use common::core::counters::Counters;
use common::core::limits::Limits;
use common::core::listener::Listener;
use common::core::server::Server;
use common::core::stop::Stop;
use common::support::cli::stdout;
use common::support::listen::address_and_port;

use super::Watched;
use super::api::view::uptime;
use super::service::WatchService;

/// So much above the port of AMQP is that of the page, as RabbitMQ has it: 5672 and 15672.
const ABOVE: u16 = 10_000;

/// Memory for unfinished requests and unsent answers, bytes.
const BUDGET: u64 = 64 << 20;

/// Where the page and the API are.
#[derive(Debug, Clone, Args)]
pub struct WatchArgs {
    /// Where the page and the JSON API are; only an address of this machine itself, for they are not encrypted
    /// [default: 127.0.0.1, and the port 10000 above the broker's own]
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = address_and_port)]
    pub http: Option<SocketAddr>,
    /// No page and no JSON API
    #[arg(long, conflicts_with_all = ["http", "http_name"])]
    pub no_http: bool,
    /// A name by which browsers reach the page, besides addresses and `localhost`; may be repeated
    #[arg(long, value_name = "HOST")]
    pub http_name: Vec<String>,
}

impl WatchArgs {
    /// Whether these arguments make sense.
    ///
    /// # Errors
    /// A sentence for the user.
    pub fn check(&self) -> anyhow::Result<()> {
        let far = self.http.filter(|address| !address.ip().is_loopback());
        ensure!(
            far.is_none(),
            "--http {}: the page is not encrypted, and passwords would cross the network. Leave it on this machine, and reach \
             it through ssh: ssh -L 15672:127.0.0.1:15672 THIS-MACHINE",
            far.expect("it was looked at")
        );
        Ok(())
    }

    /// Serves the page of this broker until the stop, and says where. `amqp` is the port that the broker was told to listen on. To be
    /// called when the broker serves.
    pub fn start(&self, broker: Arc<dyn Watched>, amqp: u16, stop: Stop) {
        if self.no_http {
            return;
        }
        let default = SocketAddr::from((Ipv4Addr::LOCALHOST, beside(amqp)));
        match self.listen(self.http.unwrap_or(default), broker, stop) {
            Ok(address) => {
                let _ = writeln!(stdout(), "HTTP http://{address}/"); // with its stdout closed it still serves
            }
            Err(error) => tracing::warn!(
                "no page and no `cargo ch6 inspect`: {error:#}; --http 127.0.0.1:0 takes any free port, --no-http none"
            ),
        }
    }

    fn listen(&self, at: SocketAddr, broker: Arc<dyn Watched>, stop: Stop) -> anyhow::Result<SocketAddr> {
        let _ = uptime();
        let listener =
            Listener::open(at, 64, false, stop).with_context(|| format!("cannot listen on {at}"))?;
        let address = listener.address().ip().context("it is an address of IP")?;
        let service = Arc::new(WatchService::new(broker, self.http_name.clone()));
        let mut server = Server::new(service, stop, Counters::shared().context("no memory for counters")?);
        server.limits = Limits {
            budget: Budget::shared(BUDGET).context("no memory for the budget")?,
            ..Limits::default()
        };
        // One loop: requests are few and quick, and browsers leave their connections open.
        let serve = move || {
            let settings = Settings { workers: 1, backlog: 64, worker_command: None };
            if let Err(error) = Model::Epoll.run(&server, listener, &settings) {
                tracing::warn!("the page is no longer served: {error}");
            }
        };
        thread::Builder::new().name("http".into()).spawn(serve).context("no thread for the page")?;
        Ok(address)
    }
}

/// The port of the page beside a port of AMQP; 0, any free one, beside any free one and where there is none.
fn beside(amqp: u16) -> u16 {
    if amqp == 0 { 0 } else { amqp.checked_add(ABOVE).unwrap_or(0) }
}

#[cfg(test)]
mod tests {
    use super::beside;

    #[test]
    fn the_page_is_beside_the_broker() {
        assert_eq!([5672, 5673, 0, 60_000].map(beside), [15672, 15673, 0, 0]);
    }
}
