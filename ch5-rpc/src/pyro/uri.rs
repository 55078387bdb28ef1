//! A reference to an object: what a client is given, and what it may pass on.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use thiserror::Error;

use super::message::Version;
use super::serpent::Value;

/// Longest reference, bytes.
pub const LIMIT: usize = 500;

/// `PYRO:<id>@<host>:<port>`
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Uri {
    /// Which object there.
    pub object: String,
    /// A name or an address, IPv6 without brackets.
    pub host: String,
    /// The port of the server that has the object.
    pub port: u16,
}

/// Not such a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a reference to an object: expected PYRO:<id>@<host>:<port>")]
pub struct NotAUri;

impl Uri {
    /// An object at an address.
    #[must_use]
    pub fn at(object: &str, address: SocketAddr) -> Uri {
        Uri { object: object.to_owned(), host: address.ip().to_string(), port: address.port() }
    }

    /// As an argument or a result: an instance of Pyro's own class.
    #[must_use]
    pub fn to_value(&self, version: Version) -> Value {
        let state = vec![
            "PYRO".into(),
            self.object.as_str().into(),
            Value::None, // no Unix socket
            self.host.as_str().into(),
            Value::Int(self.port.into()),
        ];
        let class = format!("{}.core.URI", version.package());
        Value::dict([("__class__", class.into()), ("state", Value::Tuple(state))])
    }

    /// From an argument or a result: a text, or an instance of Pyro's own class.
    #[must_use]
    pub fn from_value(value: &Value) -> Option<Uri> {
        if let Some(text) = value.as_text() {
            return text.parse().ok();
        }
        let class = value.get("__class__")?.as_text()?;
        if !matches!(class, "Pyro4.core.URI" | "Pyro5.core.URI") {
            return None;
        }
        let [protocol, object, _, host, Value::Int(port)] = value.get("state")?.items()? else { return None };
        let (protocol, object, host) = (protocol.as_text()?, object.as_text()?, host.as_text()?);
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        format!("{protocol}:{object}@{host}:{port}").parse().ok()
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Uri { object, host, port } = self;
        if host.contains(':') {
            write!(f, "PYRO:{object}@[{host}]:{port}")
        } else {
            write!(f, "PYRO:{object}@{host}:{port}")
        }
    }
}

/// White space is refused, as Pyro refuses it: that is why an object's id is no user's name.
impl FromStr for Uri {
    type Err = NotAUri;

    fn from_str(text: &str) -> Result<Uri, NotAUri> {
        let is_plain = |part: &str| {
            !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control() || c == '@')
        };
        let (protocol, rest) = text.split_at_checked(5).ok_or(NotAUri)?;
        let (object, location) = rest.split_once('@').ok_or(NotAUri)?;
        let (host, port) = location.rsplit_once(':').ok_or(NotAUri)?;
        let host = match host.strip_prefix('[') {
            Some(host) => host.strip_suffix(']').ok_or(NotAUri)?,
            None if host.contains(':') => return Err(NotAUri),
            None => host,
        };
        let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        let is_brackets = host.contains(['[', ']']);
        if !protocol.eq_ignore_ascii_case("PYRO:")
            || !is_plain(object)
            || !is_plain(host)
            || !is_port
            || is_brackets
            || text.len() > LIMIT
        {
            return Err(NotAUri);
        }
        let port = port.parse().map_err(|_| NotAUri)?;
        Ok(Uri { object: object.to_owned(), host: host.to_owned(), port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_read_as_it_is_written() {
        for text in ["PYRO:6f1c@127.0.0.1:7777", "PYRO:Pyro.NameServer@host.example:9090", "PYRO:a@[::1]:1"] {
            let uri: Uri = text.parse().unwrap();
            assert_eq!(uri.to_string(), text);
            for version in [Version::Four, Version::Five] {
                assert_eq!(Uri::from_value(&uri.to_value(version)), Some(uri.clone()));
            }
        }
        assert_eq!("pyro:a@b:1".parse::<Uri>().unwrap().to_string(), "PYRO:a@b:1");
        assert_eq!(Uri::at("a", "[::1]:7".parse().unwrap()).to_string(), "PYRO:a@[::1]:7");
    }

    #[test]
    fn anything_else_is_none() {
        for text in [
            "",
            "PYRO:",
            "PYRO:a",
            "PYRO:a@",
            "PYRO:a@b",
            "PYRO:a@b:",
            "PYRO:a@b:70000",
            "PYRO:a@b:+1",
            "PYRO:@b:1",
            "PYRO:Ann Lee@b:1",
            "PYRONAME:a@b:1",
            "PYRO:a@::1:1",
            "PYRO:a@[::1:1",
            "PYRO:a@b\n:1",
            "PYRO:a@./u:sock",
            "PYRO:a@c@b:1",
            "ÄÖÜ:a@b:1",
        ] {
            assert_eq!(text.parse::<Uri>(), Err(NotAUri), "{text:?}");
        }
        assert!(format!("PYRO:{}@b:1", "a".repeat(LIMIT)).parse::<Uri>().is_err());
        let proxy = Value::dict([("__class__", "os.system".into()), ("state", Value::Tuple(vec![]))]);
        assert_eq!(Uri::from_value(&proxy), None);
    }
}
