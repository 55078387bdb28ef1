//! The numbers that the clients of `factor` ask for: products of two primes, so that the answer is known without factorising.
//!
//! ```text
//! seed, client ─▶ p, q    two primes of so many bits      asked:     1099511627689000 …\n
//!                                                         expected:  1099511627689000 …: p q\n
//! ```
//!
//! What a number costs the server grows with the square root of its smaller prime (Pollard's rho): two bits more, twice the work.

use rand::RngExt;

use super::decisions::{Purpose, generator};

/// The question of client number `index` and its right answer, both with their newline.
pub(super) fn question(seed: u64, index: u64, bits: u32) -> (Vec<u8>, Vec<u8>) {
    let mut generator = generator(seed, Purpose::Number, index);
    let mut prime = || loop {
        let candidate = generator.random_range(1_u64 << (bits - 1)..1 << bits) | 1;
        if is_prime(candidate) {
            return candidate;
        }
    };
    let (one, other) = (prime(), prime());
    let (number, small, large) = (u128::from(one) * u128::from(other), one.min(other), one.max(other));
    (format!("{number}\n").into_bytes(), format!("{number}: {small} {large}\n").into_bytes())
}

/// Miller and Rabin's test with the twelve smallest primes, which no composite number below 2^64 passes.
fn is_prime(number: u64) -> bool {
    const BASES: [u64; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];
    if number < 2 || BASES.contains(&number) {
        return number >= 2;
    }
    if number.is_multiple_of(2) {
        return false;
    }
    let product = |a: u64, b: u64| (u128::from(a) * u128::from(b) % u128::from(number)) as u64;
    let twos = (number - 1).trailing_zeros();
    BASES.into_iter().all(|base| {
        let (mut power, mut square, mut exponent) = (1, base, (number - 1) >> twos);
        while exponent > 0 {
            if exponent % 2 == 1 {
                power = product(power, square);
            }
            square = product(square, square);
            exponent /= 2;
        }
        power == 1
            || (0..twos).any(|_| {
                let is_minus_one = power == number - 1;
                power = product(power, power);
                is_minus_one
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primes_are_told_from_the_others() {
        let by_division =
            |number: u64| number > 1 && (2..number).all(|divisor| !number.is_multiple_of(divisor));
        for number in 0..2000 {
            assert_eq!(is_prime(number), by_division(number), "{number}");
        }
        for liar in [3_215_031_751, 3_474_749_660_383, 3_825_123_056_546_413_051] {
            assert!(!is_prime(liar), "{liar}");
        }
        assert!(is_prime(18_446_744_073_709_551_557));
    }

    #[test]
    fn the_answer_is_the_question_taken_apart() {
        let (ask, answer) = question(7, 3, 40);
        let text = String::from_utf8(answer).unwrap();
        let (number, factors) = text.trim_end().split_once(": ").unwrap();
        assert_eq!(ask, format!("{number}\n").into_bytes());
        let factors: Vec<u128> = factors.split(' ').map(|factor| factor.parse().unwrap()).collect();
        assert_eq!(factors.iter().product::<u128>(), number.parse().unwrap());
        assert!(factors.len() == 2 && factors[0] <= factors[1] && factors[1] >> 39 == 1);
        assert_eq!(question(7, 3, 40), question(7, 3, 40));
        assert_ne!(question(7, 3, 40), question(7, 4, 40));
    }
}
