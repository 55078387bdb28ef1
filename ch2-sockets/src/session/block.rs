//! The size of a block as the original program computes it. Notes, chapter 2, part 2; its client and ours must agree.
//!
//! ```text
//! b?<session>?<i>?<count>?<len>?<data>      at most 65504 bytes in all
//!    digits    ≤digits digits digits         so the more blocks there are, the fewer bytes each can carry
//! ```
//!
//! How many blocks there are depends on their size, and the size on how many digits their number takes: so it is found by
//! trying, from the biggest size downwards, until header and data fit.

/// The longest PDU in bytes: 2^16 − 32, as in part 1.
pub const PDU_LIMIT: usize = 65_504;

/// Bytes of data in each block but the last of a message of `length` bytes in the session numbered `session`.
pub fn size(session: u64, length: usize) -> usize {
    let mut size = PDU_LIMIT;
    loop {
        // `b?` and the separators behind session, i, count: the original counts the last separator apart, as "+ 2" with `b`.
        let header = digits(session) + 2 * (digits(count(length, size) as u64) + 1) + digits(size as u64) + 4;
        let overshoot = (size + header + 2).saturating_sub(PDU_LIMIT);
        if overshoot == 0 {
            return size;
        }
        size -= overshoot;
    }
}

/// How many blocks of `size` bytes a message of `length` bytes takes.
pub fn count(length: usize, size: usize) -> usize {
    length.div_ceil(size)
}

/// Decimal digits of a number; 0 has one.
fn digits(number: u64) -> usize {
    number.checked_ilog10().map_or(1, |log| log as usize + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_three_checks_of_the_protocol() {
        for (session, length, blocks, bytes) in
            [(0, 150_002, 3, 65_488), (10, 65_488, 2, 65_487), (0, 786_432, 13, 65_486)]
        {
            let size = size(session, length);
            assert_eq!((count(length, size), size), (blocks, bytes), "session {session}, {length} bytes");
        }
    }

    proptest! {
        #[test]
        fn a_block_always_fits_a_datagram(session in 0u64..10_000_000_000_000_000, length in 0usize..300 << 20) {
            let size = size(session, length);
            let count = count(length, size);
            prop_assert!(size > 65_000);
            let header = format!("b?{session}?{}?{count}?{size}?", count.saturating_sub(1));
            prop_assert!(header.len() + size <= PDU_LIMIT);
        }
    }
}
