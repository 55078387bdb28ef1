//! The message board's responses as a client reads them. Notes, chapter 2.
//!
//! A response does not say what it answers, so there is a function per request. What comes from a server is trusted no more
//! than what comes from a client: each function takes any bytes.

use thiserror::Error;

use super::Id;
use super::response::Posted;
use crate::protocol::UnixTime;

/// Why a response holds no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refused {
    /// Code 1.
    #[error("the server could not read the request, or has no room for the text")]
    BadFormat,
    /// Code 2.
    #[error("the server has no message with this id")]
    MessageNotFound,
    /// Code 3.
    #[error("the server does not know this kind of request")]
    UnknownControl,
    /// Code 4.
    #[error("a part of the request was lost on its way to the server")]
    TransmissionError,
    /// Anything that this protocol does not have.
    #[error("the response is not of this protocol")]
    Malformed,
}

/// Reads the response to PUBLISH.
///
/// # Errors
/// [`Refused`]
pub fn published(response: &[u8]) -> Result<(), Refused> {
    match contents(response)? {
        None => Ok(()),
        Some(_) => Err(Refused::Malformed),
    }
}

/// Reads the response to LAST.
///
/// # Errors
/// [`Refused`]
pub fn ids(response: &[u8]) -> Result<Vec<Id>, Refused> {
    let Some(list) = contents(response)? else { return Ok(Vec::new()) };
    list.split(|&byte| byte == b':').map(|id| decimal(id).map(Id)).collect()
}

/// Reads the response to GET. The text may have colons of its own.
///
/// # Errors
/// [`Refused`]
pub fn message(response: &[u8]) -> Result<Posted<'_>, Refused> {
    let fields = contents(response)?.ok_or(Refused::Malformed)?;
    let (time, rest) = split_at_colon(fields)?;
    let (host, rest) = match rest {
        // The colons of an IPv6 address stand in brackets.
        [b'[', ..] => {
            let end = rest.iter().position(|&byte| byte == b']').ok_or(Refused::Malformed)?;
            (&rest[..=end], rest[end + 1..].strip_prefix(b":").ok_or(Refused::Malformed)?)
        }
        _ => split_at_colon(rest)?,
    };
    let (port, text) = split_at_colon(rest)?;
    Posted::from_fields(time, host, port, text).ok_or(Refused::Malformed)
}

/// Reads the response to code 4. A piece that is no message is handed over as it is: that is what the flaw of this code does
/// to a text with a `:`, and a client can show it.
///
/// # Errors
/// [`Refused`]
pub fn joined(response: &[u8]) -> Result<Vec<Result<Posted<'_>, &[u8]>>, Refused> {
    let Some(list) = contents(response)? else { return Ok(Vec::new()) };
    Ok(list.split(|&byte| byte == b':').map(|piece| Posted::parse_line(piece).ok_or(piece)).collect())
}

/// Reads the response to code 5.
///
/// # Errors
/// [`Refused`]
pub fn counted(response: &[u8]) -> Result<Vec<Posted<'_>>, Refused> {
    let mut messages = Vec::new();
    let Some(mut list) = contents(response)? else { return Ok(messages) };
    while !list.is_empty() {
        let (length, rest) = split_at_colon(list)?;
        let length = usize::try_from(decimal(length)?).map_err(|_| Refused::Malformed)?;
        let (line, rest) = rest.split_at_checked(length).ok_or(Refused::Malformed)?;
        messages.push(Posted::parse_line(line).ok_or(Refused::Malformed)?);
        list = rest;
    }
    Ok(messages)
}

/// Reads the response to CURRENT TIME and to DELIVERY TIME.
///
/// # Errors
/// [`Refused`]
pub fn time(response: &[u8]) -> Result<UnixTime, Refused> {
    let time = contents(response)?.and_then(|time| str::from_utf8(time).ok()?.parse().ok());
    time.ok_or(Refused::Malformed)
}

/// What follows `0:`, or `None` behind a bare `0`.
fn contents(response: &[u8]) -> Result<Option<&[u8]>, Refused> {
    match response {
        b"0" => Ok(None),
        [b'0', b':', contents @ ..] => Ok(Some(contents)),
        b"1" => Err(Refused::BadFormat),
        b"2" => Err(Refused::MessageNotFound),
        b"3" => Err(Refused::UnknownControl),
        b"4" => Err(Refused::TransmissionError),
        _ => Err(Refused::Malformed),
    }
}

fn split_at_colon(bytes: &[u8]) -> Result<(&[u8], &[u8]), Refused> {
    let at = bytes.iter().position(|&byte| byte == b':').ok_or(Refused::Malformed)?;
    Ok((&bytes[..at], &bytes[at + 1..]))
}

/// Digits only: `u64::from_str` would take a sign as well.
fn decimal(digits: &[u8]) -> Result<u64, Refused> {
    let digits = str::from_utf8(digits).map_err(|_| Refused::Malformed)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refused::Malformed);
    }
    digits.parse().map_err(|_| Refused::Malformed)
}

#[cfg(test)]
mod tests;
