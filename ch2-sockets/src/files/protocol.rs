//! The bytes of the file dump: the homework's five steps as one protocol, sans I/O.
//!
//! One connection per request. Codes and numbers are decimal text, each ended by `:`, as on the message board; a name has
//! its length before it, and a file its size, so that any byte may be in them.
//!
//! ```text
//!  UPLOAD                                      LIST                          DOWNLOAD
//!  client                     server           client         server        client              server
//!    │ 0:<size>:<length>:<name> │                │ 1:            │             │ 2:<length>:<name>  │
//!    │ ───────────────────────► │                │ ────────────► │             │ ─────────────────► │
//!    │        0:  `can start`   │                │  0:<count>:   │             │      0:<size>:     │
//!    │ ◄─────────────────────── │                │  <size>:<length>:<name>     │      <bytes>       │
//!    │ <bytes><digest>          │                │  … once per file            │      <digest>      │
//!    │ ───────────────────────► │                │ ◄──────────── │             │ ◄───────────────── │
//!    │ shutdown(SHUT_WR)        │                │ close         │             │ close              │
//!    │ ───────────────────────► │
//!    │        0:  stored        │                answers: 0 OK          4 EXISTS     `exists`
//!    │ ◄─────────────────────── │                         1 BADFORMAT   5 NOSPACE    `not enough space`
//!    │ close                    │                         2 NOTFOUND    6 BADNAME
//!                                                         3 UNKNCONTROL 7 DAMAGED   8 FAILED
//! ```
//!
//! - The server answers *before* a byte of the file is sent, so a refusal costs one round trip and not a transfer. In
//!   exchange every upload pays that round trip.
//! - An upload ends with the client's `shutdown`, as the homework has it; but a client that crashes ends its stream as
//!   well, so the end alone proves nothing. The size and the digest do: what stops short of them is unfinished.
//! - An empty directory is `0:0:`, which is an answer; an empty reply is a server that died.
//! - The digest is SHA-256 in 64 hexadecimal digits, the line that sha256sum(1) prints. It comes after the bytes, so that
//!   a file is read once. It is against accidents; against a forger one would sign it.
//!
//! `Ok(None)`: not all of it is here, read more and ask again. `Ok(Some((value, consumed)))`: drop so many bytes.
//! `Err`: it will never be well formed. What is longer than [`LONGEST_HEADER`] is never `Ok(None)`.

use thiserror::Error;

use super::digest::{DIGEST, Digest};
use super::name::{self, BadName, FileName};

/// No header is longer, in bytes: a code, a size, a length and a name, each number with at most 20 digits.
pub const LONGEST_HEADER: usize = 2 + 21 + 21 + name::LONGEST;

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileRequest {
    /// To store so many bytes, which follow, under a name.
    Upload {
        /// Bytes of the file.
        size: u64,
        /// Its name.
        name: FileName,
    },
    /// Names and sizes of all files.
    List,
    /// The bytes of one file.
    Download {
        /// Its name.
        name: FileName,
    },
}

/// How a server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Yes: `can start`, or stored, or here it is.
    Ok,
    /// The request is not well formed.
    BadFormat,
    /// No file of that name.
    NotFound,
    /// No such request.
    UnknownControl,
    /// There is a file of that name, or somebody is uploading one.
    Exists,
    /// The file would not fit.
    NoSpace,
    /// That is no name for a file.
    BadName,
    /// What came is not what was sent: too short, too long, or of another digest.
    Damaged,
    /// The server has a trouble of its own.
    Failed,
}

const STATUSES: [Status; 9] = [
    Status::Ok,
    Status::BadFormat,
    Status::NotFound,
    Status::UnknownControl,
    Status::Exists,
    Status::NoSpace,
    Status::BadName,
    Status::Damaged,
    Status::Failed,
];

/// Why bytes are not of this protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Malformed {
    /// A field is not a number, or too long to be one.
    #[error("a field is not a number")]
    Number,
    /// A code that nobody knows.
    #[error("the code is unknown")]
    Code,
    /// Well formed, but for the name.
    #[error(transparent)]
    Name(#[from] BadName),
    /// A digest has digits 0 to 9 and a to f.
    #[error("a digest is {DIGEST} hexadecimal digits")]
    Digest,
}

impl Malformed {
    /// What a server answers.
    #[must_use]
    pub fn status(self) -> Status {
        match self {
            Malformed::Number | Malformed::Digest => Status::BadFormat,
            Malformed::Code => Status::UnknownControl,
            Malformed::Name(_) => Status::BadName,
        }
    }
}

/// A value with the bytes it took, if all of it is there.
pub type Decoded<T> = Result<Option<(T, usize)>, Malformed>;

impl FileRequest {
    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            FileRequest::Upload { size, name } => format!("0:{}", entry(*size, name)).into_bytes(),
            FileRequest::List => b"1:".to_vec(),
            FileRequest::Download { name } => format!("2:{}:{name}", name.as_str().len()).into_bytes(),
        }
    }

    /// Takes a request from the front of `bytes`.
    ///
    /// # Errors
    /// It is none.
    pub fn decode(bytes: &[u8]) -> Decoded<FileRequest> {
        let mut fields = Fields(bytes, 0);
        match fields.code()? {
            None => return Ok(None),
            Some(b'0') => {
                let Some(size) = fields.number()? else { return Ok(None) };
                let Some(name) = fields.name()? else { return Ok(None) };
                return fields.done(FileRequest::Upload { size, name });
            }
            Some(b'1') => return fields.done(FileRequest::List),
            Some(b'2') => {}
            Some(_) => return Err(Malformed::Code),
        }
        let Some(name) = fields.name()? else { return Ok(None) };
        fields.done(FileRequest::Download { name })
    }
}

impl Status {
    /// Its bytes: `4:`.
    #[must_use]
    pub fn encode(self) -> [u8; 2] {
        [b'0' + self as u8, b':']
    }

    /// Takes a status from the front of `bytes`.
    ///
    /// # Errors
    /// It is none.
    pub fn decode(bytes: &[u8]) -> Decoded<Status> {
        let mut fields = Fields(bytes, 0);
        let Some(code) = fields.code()? else { return Ok(None) };
        let status = STATUSES.get(usize::from(code.wrapping_sub(b'0'))).ok_or(Malformed::Code)?;
        fields.done(*status)
    }
}

/// A number and its `:`, a count or a size.
#[must_use]
pub fn encode_number(number: u64) -> Vec<u8> {
    format!("{number}:").into_bytes()
}

/// Takes a number and its `:` from the front of `bytes`.
///
/// # Errors
/// It is none, or 2^63 and more, which no file can have.
pub fn decode_number(bytes: &[u8]) -> Decoded<u64> {
    let mut fields = Fields(bytes, 0);
    let Some(number) = fields.number()? else { return Ok(None) };
    fields.done(number)
}

/// A line of the list.
#[must_use]
pub fn encode_entry(size: u64, name: &FileName) -> Vec<u8> {
    entry(size, name).into_bytes()
}

/// Takes a line of the list from the front of `bytes`.
///
/// # Errors
/// It is none. A server's names are parsed like a client's: a client shall not open what a server made up either.
pub fn decode_entry(bytes: &[u8]) -> Decoded<(u64, FileName)> {
    let mut fields = Fields(bytes, 0);
    let Some(size) = fields.number()? else { return Ok(None) };
    let Some(name) = fields.name()? else { return Ok(None) };
    fields.done((size, name))
}

/// Takes a digest from the front of `bytes`.
///
/// # Errors
/// It is none.
pub fn decode_digest(bytes: &[u8]) -> Decoded<Digest> {
    let digits = &bytes[..bytes.len().min(DIGEST)];
    if !digits.iter().all(Digest::is_digit) {
        return Err(Malformed::Digest);
    }
    Ok(Digest::parse(digits).map(|digest| (digest, DIGEST)))
}

fn entry(size: u64, name: &FileName) -> String {
    format!("{size}:{}:{name}", name.as_str().len())
}

/// Fields taken one by one from the front of the bytes; the number counts what is taken.
struct Fields<'a>(&'a [u8], usize);

impl Fields<'_> {
    /// One byte and a `:`.
    fn code(&mut self) -> Result<Option<u8>, Malformed> {
        match self.0 {
            [] => Ok(None),
            // Wrong already, whatever follows.
            [code, ..] if !code.is_ascii_digit() => Err(Malformed::Code),
            [_] => Ok(None),
            [code, b':', rest @ ..] => {
                let code = *code;
                (self.0, self.1) = (rest, self.1 + 2);
                Ok(Some(code))
            }
            _ => Err(Malformed::Code),
        }
    }

    /// Decimal digits and a `:`.
    fn number(&mut self) -> Result<Option<u64>, Malformed> {
        /// 2^63 has 19 digits.
        const DIGITS: usize = 19;
        let count = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count > DIGITS {
            return Err(Malformed::Number);
        }
        match self.0.get(count) {
            None => Ok(None),
            Some(b':') if count > 0 => {
                let number = self.0[..count].iter().fold(0_u64, |n, digit| n * 10 + u64::from(digit - b'0'));
                (self.0, self.1) = (&self.0[count + 1..], self.1 + count + 1);
                if i64::try_from(number).is_ok() { Ok(Some(number)) } else { Err(Malformed::Number) }
            }
            Some(_) => Err(Malformed::Number),
        }
    }

    /// A length, a `:`, and so many bytes.
    fn name(&mut self) -> Result<Option<FileName>, Malformed> {
        let Some(length) = self.number()? else { return Ok(None) };
        // Before it is waited for.
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > name::LONGEST {
            return Err(BadName::TooLong.into());
        }
        let Some(name) = self.0.get(..length) else { return Ok(None) };
        let name = FileName::parse(name)?;
        (self.0, self.1) = (&self.0[length..], self.1 + length);
        Ok(Some(name))
    }

    fn done<T>(self, value: T) -> Decoded<T> {
        Ok(Some((value, self.1)))
    }
}

#[cfg(test)]
mod tests;
