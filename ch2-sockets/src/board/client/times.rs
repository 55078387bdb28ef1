//! The homework's two questions: what time is it at the server, and when was a message delivered to the board.
//!
//! Both times are of the server's clock. So the age of a message is one time less the other, whatever our own clock shows.

use std::io::Write;
use std::time::{Duration, SystemTime};

use common::protocol::UnixTime;
use common::protocol::mboard::{Id, Request, received};
use common::support::cli::{human, stdout};
use common::support::local_time::LocalTime;

use super::channel::Channel;
use super::error::Error;

/// A time is written with two decimals, so it is known to this.
const STEP: Duration = Duration::from_millis(10);

/// Asks for the server's time, and compares it with ours: it was read somewhere between our question and its answer.
pub(super) fn current(channel: &mut Channel) -> Result<(), Error> {
    let before = now();
    let server = received::time(&channel.ask(Request::CurrentTime.encode())?)?;
    let after = now();
    let compared = match () {
        () if server.0 + STEP < before.0 => {
            format!("{} behind ours at least", human(before.0 - server.0 - STEP))
        }
        () if server.0 > after.0 => format!("{} ahead of ours at least", human(server.0 - after.0)),
        () => {
            format!("as far as a round trip of {} can tell, it agrees with ours", human(after.0 - before.0))
        }
    };
    Ok(writeln!(stdout(), "{} ({server}) at the server: {compared}", LocalTime(server))?)
}

/// Asks when a message was delivered, and how long ago that is.
pub(super) fn delivery(channel: &mut Channel, id: Id) -> Result<(), Error> {
    let delivered = received::time(&channel.ask(Request::DeliveryTime(id).encode())?)?;
    let server = received::time(&channel.ask(Request::CurrentTime.encode())?)?;
    let age = human(server.0.saturating_sub(delivered.0));
    Ok(writeln!(stdout(), "{} ({delivered}): message {id} was delivered, {age} ago", LocalTime(delivered))?)
}

fn now() -> UnixTime {
    SystemTime::now().into()
}
