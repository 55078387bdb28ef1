//! Things that are counted, for a sentence: 1 file, 2 files.

use std::fmt::Display;

/// The number and the word for it: `one` for 1, else `many`.
pub fn counted<N: Display + Copy + PartialEq + From<u8>>(count: N, one: &str, many: &str) -> String {
    let word = if count == N::from(1) { one } else { many };
    format!("{count} {word}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular() {
        let words = [0_u64, 1, 2, 11].map(|count| counted(count, "guess", "guesses"));
        assert_eq!(words, ["0 guesses", "1 guess", "2 guesses", "11 guesses"]);
    }
}
