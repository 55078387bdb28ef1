//! From the protocol header to an open virtual host, sans-I/O. Specification 0-9-1, section 2.2.4.
//!
//! ```text
//!   client                          server
//!   "AMQP" 0 0 9 1             ──►
//!                              ◄──  Start     what we can do, PLAIN and AMQPLAIN
//!   StartOk   who I am         ──►
//!                              ◄──  Tune      channels, frame size, heartbeat: our offer
//!   TuneOk    what I take      ──►
//!   Open      a virtual host   ──►
//!                              ◄──  OpenOk
//! ```

use std::net::IpAddr;

use super::decoder::{CHANNEL_MAX, FRAME_MAX};
use super::users::Users;
use crate::amqp::exception::{Exception, ReplyCode};
use crate::amqp::frame::SMALLEST_MAX;
use crate::amqp::{AMQPClass, AMQPValue, FieldTable, connection};

/// Seconds between heartbeats, as we offer it.
pub const HEARTBEAT: u16 = 60;

/// What clients look for before they use it.
const CAPABILITIES: [&str; 9] = [
    "publisher_confirms",
    "exchange_exchange_bindings",
    "basic.nack",
    "consumer_cancel_notify",
    "connection.blocked",
    "consumer_priorities",
    "authentication_failure_close",
    "per_consumer_qos",
    "direct_reply_to",
];

/// `connection.start`.
#[must_use]
pub fn start() -> AMQPClass {
    let mut capabilities = FieldTable::default();
    for capability in CAPABILITIES {
        capabilities.insert(capability.into(), AMQPValue::Boolean(true));
    }
    let mut properties = FieldTable::default();
    properties.insert("capabilities".into(), AMQPValue::FieldTable(capabilities));
    let text = |text: &str| AMQPValue::LongString(text.into());
    properties.insert("product".into(), text("ch6-indirect"));
    properties.insert("version".into(), text(env!("CARGO_PKG_VERSION")));
    properties.insert("platform".into(), text("Rust"));
    properties.insert("information".into(), text("The broker of a course: cargo ch6 broker --help"));
    AMQPClass::Connection(connection::AMQPMethod::Start(connection::Start {
        version_major: 0,
        version_minor: 9,
        server_properties: properties,
        mechanisms: "PLAIN AMQPLAIN".into(),
        locales: "en_US".into(),
    }))
}

/// `connection.tune`.
#[must_use]
pub fn tune() -> AMQPClass {
    let tune = connection::Tune { channel_max: CHANNEL_MAX, frame_max: FRAME_MAX, heartbeat: HEARTBEAT };
    AMQPClass::Connection(connection::AMQPMethod::Tune(tune))
}

/// The user that a client says it is, if the password is right.
///
/// # Errors
/// 503 for a mechanism that was not offered, 403 for a login that is refused.
pub fn authenticate(start: &connection::StartOk, users: &Users, from: IpAddr) -> Result<String, Exception> {
    let mechanism = start.mechanism.as_str();
    let response = start.response.as_bytes();
    let said = match mechanism {
        "PLAIN" => plain(response),
        "AMQPLAIN" => amqplain(response),
        _ => {
            let why = format_args!("unknown authentication mechanism '{mechanism}'");
            return Err(Exception { method: (10, 11), ..Exception::new(ReplyCode::CommandInvalid, why) });
        }
    };
    let refused = |why: &dyn std::fmt::Display| {
        let text = format_args!("Login was refused using authentication mechanism {mechanism}{why}");
        Exception::new(ReplyCode::AccessRefused, text)
    };
    let Some((user, password)) = said else {
        return Err(refused(&": its response cannot be read"));
    };
    match users.verify(&user, &password, from) {
        Ok(()) => Ok(user),
        Err(why) => {
            tracing::info!("a login as {user:?} from {from} is refused: {why}");
            Err(refused(&". For details see the broker logfile."))
        }
    }
}

/// RFC 4616: the identity to act as, NUL, the user, NUL, the password.
fn plain(response: &[u8]) -> Option<(String, Vec<u8>)> {
    let mut parts = response.split(|&byte| byte == 0);
    let (_, user, password) = (parts.next()?, parts.next()?, parts.next()?);
    let user = String::from_utf8(user.to_vec()).ok()?;
    (parts.next().is_none() && user.len() <= 255).then(|| (user, password.to_vec()))
}

/// A table without its length: LOGIN and PASSWORD.
fn amqplain(response: &[u8]) -> Option<(String, Vec<u8>)> {
    let length = u32::try_from(response.len()).ok()?;
    let table = [&length.to_be_bytes()[..], response].concat();
    let place = crate::amqp::known::TablePlace { fixed: 0, strings: 0, bits: 0 };
    crate::amqp::table::check_argument(&table, place).ok()?;
    let (_, table) = amq_protocol::types::parsing::parse_field_table(&table[..]).ok()?;
    let text = |name| match table.inner().get(name)? {
        AMQPValue::LongString(text) => Some(text.as_bytes().to_vec()),
        _ => None,
    };
    let user = String::from_utf8(text("LOGIN")?).ok().filter(|user| user.len() <= 255)?;
    Some((user, text("PASSWORD")?))
}

/// What was agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agreed {
    /// The largest frame that we send.
    pub frame_max: usize,
    /// Seconds between heartbeats; 0 for none.
    pub heartbeat: u16,
}

/// Whether a client takes our offer, or less.
///
/// # Errors
/// 530: it wants more than we offered, or frames that are too small to speak in.
pub fn agree(tune: &connection::TuneOk) -> Result<Agreed, Exception> {
    let refuse = |why: std::fmt::Arguments<'_>| {
        Err(Exception { method: (10, 31), ..Exception::new(ReplyCode::NotAllowed, why) })
    };
    let (channel_max, frame_max) = (tune.channel_max, tune.frame_max);
    if channel_max > CHANNEL_MAX {
        return refuse(format_args!(
            "negotiated channel_max = {channel_max} is greater than the maximum allowed value ({CHANNEL_MAX})"
        ));
    }
    if frame_max > FRAME_MAX {
        return refuse(format_args!(
            "negotiated frame_max = {frame_max} is greater than the maximum allowed value ({FRAME_MAX})"
        ));
    }
    if frame_max != 0 && (frame_max as usize) < SMALLEST_MAX {
        return refuse(format_args!(
            "negotiated frame_max = {frame_max} is lower than the minimum permitted value ({SMALLEST_MAX})"
        ));
    }
    let frame_max = if frame_max == 0 { FRAME_MAX } else { frame_max } as usize;
    Ok(Agreed { frame_max, heartbeat: tune.heartbeat })
}

/// Whether a client says of itself that it can do this.
#[must_use]
pub fn is_capable(client: &FieldTable, capability: &str) -> bool {
    let capabilities = client.inner().get("capabilities");
    matches!(capabilities, Some(AMQPValue::FieldTable(table))
        if table.inner().get(capability) == Some(&AMQPValue::Boolean(true)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start_ok(mechanism: &str, response: &[u8]) -> connection::StartOk {
        connection::StartOk {
            client_properties: FieldTable::default(),
            mechanism: mechanism.into(),
            response: response.to_vec().into(),
            locale: "en_US".into(),
        }
    }

    fn login(mechanism: &str, response: &[u8]) -> Result<String, u16> {
        let from = IpAddr::from([127, 0, 0, 1]);
        authenticate(&start_ok(mechanism, response), &Users::guest(), from)
            .map_err(|exception| exception.code as u16)
    }

    #[test]
    fn plain_and_amqplain_say_the_same() {
        assert_eq!(login("PLAIN", b"\0guest\0guest"), Ok("guest".into()));
        let table = b"\x05LOGINS\0\0\0\x05guest\x08PASSWORDS\0\0\0\x05guest";
        assert_eq!(login("AMQPLAIN", table), Ok("guest".into()));
        for response in [&b""[..], b"guest\0guest", b"\0guest\0wrong", b"\0guest\0guest\0", b"\0\xff\0x"] {
            assert_eq!(login("PLAIN", response), Err(403));
        }
        for response in [&b""[..], b"\x05LOGINS", &table[..20]] {
            assert_eq!(login("AMQPLAIN", response), Err(403));
        }
        assert_eq!(login("EXTERNAL", b""), Err(503));
    }

    #[test]
    fn a_client_takes_what_we_offer_or_less() {
        let agree = |channel_max, frame_max| {
            let tune = connection::TuneOk { channel_max, frame_max, heartbeat: 7 };
            agree(&tune).map(|agreed| agreed.frame_max).map_err(|exception| exception.code as u16)
        };
        assert_eq!(agree(2047, 131_072), Ok(131_072));
        assert_eq!(agree(0, 0), Ok(131_072), "no limit of its own");
        assert_eq!(agree(1, 4096), Ok(4096));
        assert_eq!([agree(2048, 0), agree(1, 131_073), agree(1, 4095)], [Err(530); 3]);
    }

    #[test]
    fn the_capabilities_that_clients_look_for_are_there() {
        let AMQPClass::Connection(connection::AMQPMethod::Start(start)) = start() else { panic!() };
        for capability in CAPABILITIES {
            assert!(is_capable(&start.server_properties, capability));
        }
        assert!(!is_capable(&start.server_properties, "other"));
    }
}
