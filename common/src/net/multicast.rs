//! What sender and receiver share: the group's flags, the choice of an interface, and the options of either family.

pub mod ranges;

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};

use anyhow::{Context, bail, ensure};
use clap::Args;
use nix::ifaddrs::getifaddrs;
use nix::net::if_::{InterfaceFlags, if_nametoindex};
use socket2::Socket;

use super::interface;

/// Which group, and by which interface.
#[derive(Debug, Args)]
pub struct GroupArgs {
    /// The group: 224.0.0.0 to 239.255.255.255, or an IPv6 address that begins with ff
    #[arg(short, long, value_name = "ADDR", default_value = "239.1.1.1")]
    group: IpAddr,
    /// The group's port
    #[arg(short, long, default_value_t = 53124)]
    port: u16,
    /// An address of the interface, or its name [default: the first that can multicast, or else loopback]
    #[arg(short, long, value_name = "ADDR")]
    interface: Option<String>,
}

/// A group on an interface.
#[derive(Debug, Clone)]
pub struct Group {
    /// Where to send to, and where a receiver binds.
    pub address: SocketAddr,
    interface: Interface,
}

/// IPv4 names an interface by an address of it, IPv6 by its index (ip(7), ipv6(7)).
#[derive(Debug, Clone, PartialEq, Eq)]
struct Interface {
    name: String,
    v4: Option<Ipv4Addr>,
    index: u32,
    is_loopback: bool,
}

impl GroupArgs {
    /// The group, on the interface asked for. An address that is kept for something else is used all the same, with a warning.
    pub fn group(&self) -> anyhow::Result<Group> {
        ensure!(
            self.group.is_multicast(),
            "{} is no multicast group: 224.0.0.0-239.255.255.255, or ff00::/8",
            self.group
        );
        if let Some(ranges::Use { range, name, unfit: Some(why) }) = ranges::of(self.group) {
            tracing::warn!(
                "{} is in {range}, {name}: {why}; take one of 239.0.0.0/8 or ff15::/16",
                self.group
            );
        }
        let interface = match &self.interface {
            Some(wanted) => named(wanted)?,
            None => first(self.group)?,
        };
        ensure!(
            self.group.is_ipv6() || interface.v4.is_some(),
            "the interface {} has no IPv4 address",
            interface.name
        );
        let address = match self.group {
            IpAddr::V4(group) => SocketAddr::from((group, self.port)),
            // ff02::1 is another group on every interface: the address is whole only with the scope.
            IpAddr::V6(group) => SocketAddrV6::new(group, self.port, 0, interface.index).into(),
        };
        Ok(Group { address, interface })
    }
}

impl Group {
    /// Datagrams to the group leave by the interface, cross `ttl - 1` routers, and reach this machine only with `looped`.
    pub fn prepare_sender(&self, socket: &Socket, ttl: u8, looped: bool) -> io::Result<()> {
        if let (IpAddr::V4(_), Some(interface)) = (self.address.ip(), self.interface.v4) {
            socket.set_multicast_if_v4(&interface)?;
            socket.set_multicast_ttl_v4(ttl.into())?;
            socket.set_multicast_loop_v4(looped)
        } else {
            socket.set_multicast_if_v6(self.interface.index)?;
            socket.set_multicast_hops_v6(ttl.into())?;
            socket.set_multicast_loop_v6(looped)
        }
    }

    /// Joins: the kernel tells the network (IGMP, MLD) and takes the group's datagrams in from now on.
    pub fn join(&self, socket: &Socket) -> io::Result<()> {
        match (self.address.ip(), self.interface.v4) {
            (IpAddr::V4(group), Some(interface)) => {
                // Otherwise Linux hands us what any other program has joined, on any interface (ip(7), IP_MULTICAST_ALL).
                socket.set_multicast_all_v4(false)?;
                socket.join_multicast_v4(&group, &interface)
            }
            (IpAddr::V6(group), _) => {
                socket.set_multicast_all_v6(false)?;
                socket.join_multicast_v6(&group, self.interface.index)
            }
            (IpAddr::V4(_), None) => Err(io::Error::other("an interface without an IPv4 address")),
        }
    }

    /// The options of a sender, read back from the socket: what the system really holds.
    pub fn show(&self, socket: &Socket, out: &mut impl Write) -> anyhow::Result<()> {
        let (ttl, looped) = match self.address {
            SocketAddr::V4(_) => (socket.multicast_ttl_v4()?, socket.multicast_loop_v4()?),
            SocketAddr::V6(_) => (socket.multicast_hops_v6()?, socket.multicast_loop_v6()?),
        };
        // The option is about the copy that the kernel makes on the way out; what goes out by loopback comes in by it.
        let looped = match (looped, self.interface.is_loopback) {
            (true, _) => "on",
            (false, false) => "off: receivers on this machine hear nothing",
            (false, true) => "off, but what leaves by the loopback interface comes back all the same",
        };
        writeln!(out, "Time-to-live: {ttl} {}", if ttl == 1 { "hop" } else { "hops" })?;
        writeln!(out, "Loop: {looped}")?;
        Ok(())
    }

    /// The interface's name, and its address.
    pub fn interface(&self) -> String {
        match self.interface.v4 {
            Some(v4) if self.address.is_ipv4() => format!("{} ({v4})", self.interface.name),
            _ => format!("{} (index {})", self.interface.name, self.interface.index),
        }
    }
}

/// The interface that has this name or this address.
fn named(wanted: &str) -> anyhow::Result<Interface> {
    let address: Option<IpAddr> = wanted.parse().ok();
    for interface in getifaddrs().context("the interfaces of this machine")? {
        let own = interface.address.as_ref().and_then(interface::ip);
        if interface.interface_name == wanted || (own.is_some() && own == address) {
            let mut found = interface_of(&interface.interface_name)?;
            if let Some(IpAddr::V4(v4)) = address {
                found.v4 = Some(v4); // an interface may have several
            }
            return Ok(found);
        }
    }
    bail!("no interface has the name or the address {wanted}")
}

/// The first interface that is up, can multicast and has an address of the group's family; or else loopback, which
/// works without the MULTICAST flag as long as it is named.
fn first(group: IpAddr) -> anyhow::Result<Interface> {
    let wanted = InterfaceFlags::IFF_UP | InterfaceFlags::IFF_RUNNING | InterfaceFlags::IFF_MULTICAST;
    let found = getifaddrs().context("the interfaces of this machine")?.find(|interface| {
        let family = interface.address.as_ref().and_then(interface::ip).map(|ip| ip.is_ipv4());
        interface.flags.contains(wanted)
            && !interface.flags.contains(InterfaceFlags::IFF_LOOPBACK)
            && family == Some(group.is_ipv4())
    });
    match found {
        Some(interface) => interface_of(&interface.interface_name),
        None => named("127.0.0.1"),
    }
}

fn interface_of(name: &str) -> anyhow::Result<Interface> {
    let index = if_nametoindex(name).with_context(|| format!("the index of the interface {name}"))?;
    let entries: Vec<_> = getifaddrs()?.filter(|entry| entry.interface_name == name).collect();
    let v4 = entries.iter().find_map(|entry| match interface::ip(entry.address.as_ref()?)? {
        IpAddr::V4(v4) => Some(v4),
        IpAddr::V6(_) => None,
    });
    let is_loopback = entries.iter().any(|entry| entry.flags.contains(InterfaceFlags::IFF_LOOPBACK));
    Ok(Interface { name: name.to_owned(), v4, index, is_loopback })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_found_by_address_and_by_name() {
        let loopback = named("127.0.0.1").unwrap();
        assert_eq!(loopback.v4, Some(Ipv4Addr::LOCALHOST));
        assert_eq!(named(&loopback.name).unwrap(), loopback);
        assert!(named("192.0.2.255").is_err());
    }

    #[test]
    fn only_a_group_is_a_group() {
        let args = |group: &str| GroupArgs {
            group: group.parse().unwrap(),
            port: 1,
            interface: Some("127.0.0.1".into()),
        };
        assert!(args("127.0.0.1").group().is_err());
        assert!(args("fe80::1").group().is_err());
        assert_eq!(args("239.1.1.1").group().unwrap().address, "239.1.1.1:1".parse().unwrap());
        assert!(
            matches!(args("ff02::1234").group().unwrap().address, SocketAddr::V6(v6) if v6.scope_id() > 0)
        );
    }
}
