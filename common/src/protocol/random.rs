//! The answer of the random-bytes server: 81 bytes, sixteen of them two random points.
//!
//! ```text
//!   offset  0  "You requested some random bytes:"   32 bytes
//!          32  two newlines
//!          34  16 random bytes: four signed 32-bit integers, two points in the square [-1,1]²
//!          50  two spaces, two newlines
//!          54  "You want fries with that?"          25 bytes
//!          79  two newlines
//! ```
//!
//! The note reads the integers with `struct.unpack` in the byte order of its machine. Here they are little-endian, as on the
//! machines that everybody has. The note's own format, `L`, is unsigned and would give points from 0 to 2: it means `i`.

/// Length of an answer, bytes.
pub const LENGTH: usize = 81;

const BEFORE: &[u8] = b"You requested some random bytes:\n\n";
const AFTER: &[u8] = b"  \n\nYou want fries with that?\n\n";

/// The answer that carries these bytes.
#[must_use]
pub fn answer(random: [u8; 16]) -> Vec<u8> {
    [BEFORE, &random, AFTER].concat()
}

/// A point of the square [-1,1]²; never quite 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// From left to right.
    pub x: f64,
    /// From below to above.
    pub y: f64,
}

/// The two points of an answer; `None` when it is none.
///
/// ```
/// use common::protocol::random::{Point, answer, points};
///
/// let bytes = answer(*b"\0\0\0\x40\0\0\0\xc0\0\0\0\0\0\0\0\x80");
/// assert_eq!(points(&bytes), Some([Point { x: 0.5, y: -0.5 }, Point { x: 0.0, y: -1.0 }]));
/// ```
#[must_use]
pub fn points(answer: &[u8]) -> Option<[Point; 2]> {
    let random = answer.strip_prefix(BEFORE)?.strip_suffix(AFTER)?;
    let (numbers, rest) = random.as_chunks::<4>();
    let &[a, b, c, d] = numbers else { return None };
    let coordinate = |bytes| f64::from(i32::from_le_bytes(bytes)) / 2_f64.powi(31);
    let point = |x, y| Point { x: coordinate(x), y: coordinate(y) };
    rest.is_empty().then(|| [point(a, b), point(c, d)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_random_bytes_are_at_offset_34() {
        let bytes = answer([7; 16]);
        assert_eq!((bytes.len(), &bytes[34..50]), (LENGTH, &[7; 16][..]));
    }

    #[test]
    fn what_is_cut_longer_or_other_is_no_answer() {
        let bytes = answer([0xff; 16]);
        let last = Point { x: -1.0 / 2_147_483_648.0, y: -1.0 / 2_147_483_648.0 };
        assert_eq!(points(&bytes), Some([last, last]), "the integers are signed");
        for length in 0..LENGTH {
            assert_eq!(points(&bytes[..length]), None, "{length}");
        }
        assert_eq!(points(&[&bytes[..], b"\n"].concat()), None);
        assert_eq!(points(&answer([0; 16]).to_ascii_lowercase()), None);
    }
}
