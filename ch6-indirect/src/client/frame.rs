//! Frames as the client has them: read in place by [`Frame::read`], so that nothing is copied and nothing is allocated.

use anyhow::{Context, bail};

pub use crate::amqp::frame::{BODY, END, Frame, HEADER, HEARTBEAT, METHOD};

/// The size that is offered: what RabbitMQ has by default.
pub const FRAME_MAX: u32 = 131_072;

/// The first frame, and how many bytes it has; `None` when it is not whole.
///
/// # Errors
/// It is longer than was agreed, of a kind that is not known, or does not end where it should.
pub fn next(bytes: &[u8]) -> anyhow::Result<Option<(Frame<'_>, usize)>> {
    let frame = Frame::read(bytes, FRAME_MAX as usize)?;
    Ok(frame.map(|frame| (frame, frame.length())))
}

/// Appends a frame.
pub fn write(kind: u8, channel: u16, payload: &[u8], out: &mut Vec<u8>) {
    let size = u32::try_from(payload.len()).expect("a frame is shorter than 4 GiB");
    out.push(kind);
    out.extend_from_slice(&channel.to_be_bytes());
    out.extend_from_slice(&size.to_be_bytes());
    out.extend_from_slice(payload);
    out.push(END);
}

/// The arguments of a method, one after the other.
#[derive(Debug, Clone, Copy)]
pub struct Arguments<'a>(pub &'a [u8]);

impl<'a> Arguments<'a> {
    /// One byte.
    ///
    /// # Errors
    /// As for all: the method ends before.
    pub fn octet(&mut self) -> anyhow::Result<u8> {
        Ok(self.bytes::<1>()?[0])
    }

    /// Two bytes.
    ///
    /// # Errors
    /// The method ends before.
    pub fn short(&mut self) -> anyhow::Result<u16> {
        Ok(u16::from_be_bytes(*self.bytes()?))
    }

    /// Four bytes.
    ///
    /// # Errors
    /// The method ends before.
    pub fn long(&mut self) -> anyhow::Result<u32> {
        Ok(u32::from_be_bytes(*self.bytes()?))
    }

    /// Eight bytes.
    ///
    /// # Errors
    /// The method ends before.
    pub fn long_long(&mut self) -> anyhow::Result<u64> {
        Ok(u64::from_be_bytes(*self.bytes()?))
    }

    /// A short string.
    ///
    /// # Errors
    /// The method ends before.
    pub fn text(&mut self) -> anyhow::Result<&'a [u8]> {
        let length = usize::from(self.octet()?);
        let (text, rest) = self.0.split_at_checked(length).context("a string is cut")?;
        self.0 = rest;
        Ok(text)
    }

    fn bytes<const N: usize>(&mut self) -> anyhow::Result<&'a [u8; N]> {
        let Some((bytes, rest)) = self.0.split_first_chunk() else { bail!("a method is cut") };
        self.0 = rest;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_when_it_is_whole() {
        let mut bytes = Vec::new();
        write(METHOD, 1, &[0, 60, 0, 80], &mut bytes);
        let length = bytes.len();
        write(BODY, 2, b"", &mut bytes);
        for cut in 0..length {
            assert!(next(&bytes[..cut]).unwrap().is_none(), "{cut}");
        }
        let (frame, used) = next(&bytes).unwrap().unwrap();
        assert_eq!((frame, used), (Frame { kind: METHOD, channel: 1, payload: &[0, 60, 0, 80] }, length));
        let (frame, used) = next(&bytes[length..]).unwrap().unwrap();
        assert_eq!((frame, used), (Frame { kind: BODY, channel: 2, payload: b"" }, 8));
    }

    #[test]
    fn arguments_end_where_the_method_does() {
        let mut arguments = Arguments(&[1, 0, 2, 3, b'a', b'b', b'c']);
        assert_eq!((arguments.octet().unwrap(), arguments.short().unwrap()), (1, 2));
        assert_eq!(arguments.text().unwrap(), b"abc");
        assert!(arguments.octet().is_err());
        assert!(Arguments(&[4, b'a']).text().is_err());
    }
}
