//! How a program serves objects: under a model, and with references that lead to where it listens.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use anyhow::ensure;
use ch3_threads::model::Model;
use ch3_threads::serve::{RunArgs, serve_and_tell};
use clap::Args;
use common::net::interface::own_addresses;
use common::support::cli::stdout;

use super::both_wires::BothWires;
use super::registry::Objects;
use crate::pyro::uri::Uri;

/// What every server of remote objects takes.
#[derive(Debug, Args)]
#[command(mut_arg("unix", |unix| unix.hide(true)))]
pub struct ObjectServerArgs {
    /// How connections are run
    #[arg(short, long, value_enum, default_value = "epoll")]
    pub model: Model,
    /// The host in its references [default: the address to listen on, or the machine's first if it listens on all]
    #[arg(long, value_name = "HOST")]
    pub advertise: Option<String>,
    #[allow(missing_docs, reason = "flattened: a comment here would replace the command's own")]
    #[command(flatten)]
    pub run: RunArgs,
}

impl ObjectServerArgs {
    /// Whether its references name one of several addresses at which it can be reached.
    #[must_use]
    pub fn listens_on_all(&self) -> bool {
        self.advertise.is_none() && self.run.listenaddr.is_unspecified()
    }

    /// Serves until the stop. Prints the reference to the object `id` as the second line, and gives it to `tell`.
    ///
    /// # Errors
    /// The model cannot run it, or the address cannot be listened on.
    pub fn serve(
        &self,
        name: &'static str,
        objects: Objects,
        id: String,
        tell: impl Fn(Uri) + Send + Sync + 'static,
    ) -> anyhow::Result<()> {
        ensure!(self.run.unix.is_none(), "a reference names a host and a port: a Unix socket has none");
        let service = Arc::new(BothWires::new(name, objects.clone()));
        let advertise = self.advertise.clone();
        serve_and_tell(self.model, service, &self.run, None, move |address| {
            let Some(address) = address.ip() else { return };
            objects.place(host(address.ip(), advertise.as_deref()), address.port());
            let uri = objects.uri(&id);
            let _ = writeln!(stdout(), "URI {uri}");
            tell(uri);
        })
    }
}

/// A server that listens on all addresses has to name one of them: the first that is not loopback.
fn host(listens: IpAddr, advertise: Option<&str>) -> String {
    let own = || own_addresses().into_iter().find(|own| own.is_ipv4() && !own.is_loopback());
    match advertise {
        Some(host) => host.to_owned(),
        None if listens.is_unspecified() => own().unwrap_or(Ipv4Addr::LOCALHOST.into()).to_string(),
        None => listens.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_names_an_address_that_can_be_reached() {
        assert_eq!(host("127.0.0.1".parse().unwrap(), None), "127.0.0.1");
        assert_eq!(host("::1".parse().unwrap(), None), "::1");
        assert_eq!(host("0.0.0.0".parse().unwrap(), Some("lab.example")), "lab.example");
        for all in ["0.0.0.0", "::"] {
            let named: IpAddr = host(all.parse().unwrap(), None).parse().unwrap();
            assert!(!named.is_unspecified() && own_addresses().contains(&named), "{named}");
        }
    }
}
