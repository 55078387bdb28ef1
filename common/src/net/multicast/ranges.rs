//! Which multicast address is whose: IPv4 by ranges (RFC 5771, RFC 2365), IPv6 by four bits of flags and four of scope (RFC 4291).
//!
//! ```text
//!   224.0.0.0                          239.0.0.0      239.192.0.0    239.255.0.0       ff  |0RPT|scope|  group
//!   | link | … | SSM | GLOP | prefix | … | for growth | organisation | … | local |     ff     1     5    ::1234   yours, in this site
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The range that it is in, as text.
    pub range: String,
    /// What the range is called, and where it is defined.
    pub name: String,
    /// Why a program of one's own should take another address; `None` when it may take this one.
    pub unfit: Option<String>,
}

/// A range of IPv4: first, last, name, and why it does not fit.
type Range4 = ([u8; 4], [u8; 4], &'static str, &'static str);

/// A smaller range within a larger one goes before it.
const IPV4: [Range4; 16] = [
    (
        [224, 0, 0, 0],
        [224, 0, 0, 255],
        "link-local control (RFC 5771)",
        "it is for the protocols of the network itself, and no router passes it on, whatever the TTL",
    ),
    (
        [224, 0, 1, 0],
        [224, 0, 1, 255],
        "internetwork control (RFC 5771)",
        "IANA gives these addresses to protocols",
    ),
    (
        [224, 0, 2, 0],
        [224, 0, 255, 255],
        "ad hoc, block I (RFC 5771)",
        "IANA gives these addresses to applications",
    ),
    ([224, 1, 0, 0], [224, 1, 255, 255], "reserved (RFC 5771)", "it is reserved"),
    (
        [224, 2, 0, 0],
        [224, 2, 255, 255],
        "announced sessions, SDP/SAP (RFC 5771)",
        "its addresses are given out by SAP",
    ),
    (
        [224, 3, 0, 0],
        [224, 4, 255, 255],
        "ad hoc, block II (RFC 5771)",
        "IANA gives these addresses to applications",
    ),
    ([224, 5, 0, 0], [231, 255, 255, 255], "reserved (RFC 5771)", "it is reserved"),
    (
        [232, 0, 0, 0],
        [232, 255, 255, 255],
        "source-specific, SSM (RFC 4607)",
        "a receiver has to name the source as well, and we join without one",
    ),
    (
        [233, 252, 0, 0],
        [233, 255, 255, 255],
        "ad hoc, block III; 233.252.0.0/24 for examples (RFC 5771)",
        "IANA gives these addresses to applications",
    ),
    (
        [233, 0, 0, 0],
        [233, 255, 255, 255],
        "GLOP: its middle bytes are an AS number (RFC 3180)",
        "it belongs to the owner of an AS number",
    ),
    (
        [234, 0, 0, 0],
        [234, 255, 255, 255],
        "by unicast prefix (RFC 6034)",
        "it belongs to the owner of the prefix that is in it",
    ),
    ([235, 0, 0, 0], [238, 255, 255, 255], "reserved (RFC 5771)", "it is reserved"),
    ([239, 255, 0, 0], [239, 255, 255, 255], "administratively scoped: local (RFC 2365)", ""),
    ([239, 192, 0, 0], [239, 195, 255, 255], "administratively scoped: organisation (RFC 2365)", ""),
    (
        [239, 0, 0, 0],
        [239, 191, 255, 255],
        "administratively scoped, for growth of the organisation's (RFC 2365)",
        "",
    ),
    ([239, 0, 0, 0], [239, 255, 255, 255], "administratively scoped: private (RFC 2365)", ""),
];

/// All ranges of IPv4 in the order of their addresses, the larger before those within it.
pub fn ipv4() -> impl Iterator<Item = Use> {
    let mut all = IPV4;
    all.sort_by_key(|&(first, last, ..)| (first, std::cmp::Reverse(last)));
    all.into_iter().map(of_range)
}

/// The scopes of IPv6: the last hexadecimal digit of `ff1x`, and how far a group of it reaches (RFC 4291, RFC 7346).
pub const SCOPES: [(u8, &str); 7] = [
    (1, "this interface: never leaves the machine"),
    (2, "this link: no router passes it on"),
    (3, "this realm, which the link's technology defines"),
    (4, "the smallest area that an administrator has set up"),
    (5, "this site"),
    (8, "this organisation"),
    (0xe, "everywhere"),
];

/// What this address is for; `None` for one that is no group.
#[must_use]
pub fn of(address: IpAddr) -> Option<Use> {
    match address {
        IpAddr::V4(address) => IPV4
            .into_iter()
            .find(|(first, last, ..)| (first..=last).contains(&&address.octets()))
            .map(of_range),
        IpAddr::V6(address) => address.is_multicast().then(|| of_ipv6(address)),
    }
}

fn of_range((first, last, name, unfit): Range4) -> Use {
    let [first, last] = [first, last].map(Ipv4Addr::from);
    let unfit = (!unfit.is_empty()).then(|| unfit.to_owned());
    Use { range: format!("{first}-{last}"), name: name.to_owned(), unfit }
}

fn of_ipv6(address: Ipv6Addr) -> Use {
    let [_, second, rest @ ..] = address.octets();
    let (flags, scope) = (second >> 4, second & 0x0f);
    let known = SCOPES.iter().find(|(number, _)| *number == scope);
    let reach = known.map_or("a scope that is reserved or unassigned", |(_, reach)| *reach);
    let (kind, unfit) = match flags {
        0 => ("well known (RFC 4291)", Some("IANA gives these addresses to protocols; yours begin with ff1")),
        1 => ("transient (RFC 4291)", None),
        // Prefix length 0 and prefix 0 in front of the group.
        3 if rest[..2] == [0, 0] => (
            "source-specific, SSM (RFC 4607)",
            Some("a receiver has to name the source as well, and we join without one"),
        ),
        3 => ("by unicast prefix (RFC 3306)", Some("it belongs to the owner of the prefix that is in it")),
        7 => ("with a rendezvous point in it (RFC 3956)", Some("it belongs to the rendezvous point in it")),
        _ => ("reserved flags (RFC 4291)", Some("its flags are reserved")),
    };
    let unfit = unfit.or_else(|| known.is_none().then_some("its scope is reserved or unassigned"));
    Use {
        range: format!("ff{second:02x}::/16"),
        name: format!("{kind}; reaches {reach}"),
        unfit: unfit.map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_text(address: &str) -> Use {
        of(address.parse().unwrap()).unwrap()
    }

    #[test]
    fn every_ipv4_group_is_in_a_range_and_nothing_else_is() {
        for high in 224..=239u8 {
            for low in [0, 1, 2, 191, 192, 195, 196, 252, 255] {
                assert!(of(Ipv4Addr::from([high, low, 1, 1]).into()).is_some(), "{high}.{low}");
            }
        }
        for address in ["223.255.255.255", "240.0.0.0", "127.0.0.1", "fe80::1", "::"] {
            assert_eq!(of(address.parse().unwrap()), None, "{address}");
        }
    }

    #[test]
    fn the_smallest_range_counts() {
        for (address, name, fits) in [
            ("224.0.0.251", "link-local", false),
            ("224.0.1.1", "internetwork control", false),
            ("232.1.2.3", "SSM", false),
            ("233.1.2.3", "GLOP", false),
            ("233.252.0.1", "ad hoc, block III", false),
            ("234.1.2.3", "unicast prefix", false),
            ("239.1.1.1", "for growth", true),
            ("239.192.0.1", "organisation (", true),
            ("239.196.0.1", "private", true),
            ("239.255.255.250", "local", true),
            ("ff02::1", "well known (RFC 4291); reaches this link", false),
            ("ff15::1234", "transient (RFC 4291); reaches this site", true),
            ("ff1e::1", "everywhere", true),
            ("ff10::1", "reserved or unassigned", false),
            ("ff3e::8000:1", "SSM", false),
            ("ff3e:30:2001:db8::1", "unicast prefix (RFC 3306)", false),
            ("ff7e:140:2001:db8::1", "rendezvous", false),
        ] {
            let found = of_text(address);
            assert!(found.name.contains(name), "{address}: {found:?}");
            assert_eq!(found.unfit.is_none(), fits, "{address}: {found:?}");
        }
    }

    #[test]
    fn the_table_is_in_order() {
        let all: Vec<_> = ipv4().collect();
        assert_eq!(all.len(), 16);
        assert_eq!(
            (&*all[0].range, &*all[15].range),
            ("224.0.0.0-224.0.0.255", "239.255.0.0-239.255.255.255")
        );
        assert!(all[12].name.contains("private"), "the whole before its parts: {all:?}");
    }
}
