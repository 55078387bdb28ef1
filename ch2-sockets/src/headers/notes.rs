//! Where the lecture notes err about these headers ("UDP packet (datagram)", "TCP packet/header"), checked against the RFCs.

/// Of the UDP header: what the notes say, and what is so.
pub(super) const UDP: &[(&str, &str)] = &[
    (
        "the 2 bytes are the size of the payload",
        "the length counts the header too, so it is at least 8 (RFC 768); over IPv4 at most 65507 bytes of payload are left",
    ),
    (
        "the checksum covers the payload, the UDP header and the IP header",
        "of the IP header only the two addresses, the protocol and the length: the pseudo header; the TTL changes at every router",
    ),
    (
        "a port helps to distinguish requests \"and optionally a checksum\"",
        "a port is a number; the checksum is another field, and may be 0 (none) over IPv4 (RFC 768), not over IPv6 (RFC 8200)",
    ),
];

/// Of the TCP header.
pub(super) const TCP: &[(&str, &str)] = &[
    ("source and destination address (2 bytes)", "these are ports; the addresses are in the IP header"),
    ("data offset: the 1st bit of a byte", "its upper 4 bits: 5 to 15 words, so a header of 20 to 60 bytes"),
    ("reserved: the 2nd bit of that byte", "its lower 4 bits (RFC 9293, section 3.1)"),
    (
        "flags: 3 bits of that byte, NS among them",
        "8 flags, the whole next byte; NS (RFC 3540) is historic, and its bit is used anew by RFC 9768",
    ),
    ("window size (4 bytes)", "2 bytes; larger windows by the option window scale (RFC 7323)"),
    (
        "the urgent pointer, then the checksum",
        "the checksum is in bytes 16 and 17, the urgent pointer in 18 and 19",
    ),
    ("the checksum is of the header and the data", "and of the pseudo header, as with UDP"),
    (
        "options (4 bytes)",
        "0 to 40 bytes, as the data offset says; kinds 0 and 1 are one byte without length and data",
    ),
];
