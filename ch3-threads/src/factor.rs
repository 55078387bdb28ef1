//! Prime factors of a number of up to 128 bits: the request that costs the server its processor. Notes, chapter 3, *integer
//! prime factorization* as the example of a CPU-bound service.
//!
//! ```text
//! n ── trial division by small primes ──▶ rest ──▶ prime? (Miller–Rabin) ── yes ──▶ a factor
//!                                           ▲           │ no
//!                                           └── split in two (Pollard's rho, Brent's version) ── steps used up ──▶ unsplit
//! ```
//!
//! What a number costs cannot be seen from its length: 2^127 − 1 is done in microseconds, and a product of two primes of 64 bits
//! would hold a thread for a minute. A server that factorises for strangers therefore counts steps and gives up: a limit in
//! steps and not in seconds, so that the same number gets the same answer on every machine and in every test.
//!
//! Not done: the quadratic sieve and elliptic curves, which would split every number of this size in well under a second. The
//! service is here to be slow in a way that can be measured.

mod montgomery;

use std::fmt;

use montgomery::Modulus;
use thiserror::Error;

/// The limit for strangers: about two seconds of one core for the worst number, and enough for every number whose
/// second-largest prime factor has up to about 50 bits.
pub const DEFAULT_STEPS: u64 = 1 << 27;

/// A number taken apart.
///
/// The product of `primes` and `unsplit` is the number, except for 0, which has no factors. It is written like the line of
/// `factor(1)`, `360: 2 2 2 3 3 5`; an unsplit rest comes last and ends in a question mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Factors {
    /// The number.
    pub number: u128,
    /// Its prime factors found, smallest first, each as often as it divides.
    pub primes: Vec<u128>,
    /// What is left when the steps are used up: a composite number, or the product of several.
    pub unsplit: Option<u128>,
}

impl fmt::Display for Factors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.number)?;
        for prime in &self.primes {
            write!(f, " {prime}")?;
        }
        match self.unsplit {
            Some(rest) => write!(f, " {rest}?"),
            None => Ok(()),
        }
    }
}

/// Why a text is no number for [`factor`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NotANumber {
    /// Nothing but white space.
    #[error("no number")]
    Empty,
    /// Something that is no decimal digit; signs and separators are not taken.
    #[error("not a decimal digit at position {0}")]
    NotADigit(usize),
    /// Longer than any number of 128 bits, leading zeros included.
    #[error("{0} digits, the limit is 39")]
    TooManyDigits(usize),
    /// 39 digits, but more than 2^128 − 1.
    #[error("the number does not fit 128 bits")]
    TooBig,
}

/// Reads a decimal number of up to 39 digits; white space around it is taken.
///
/// # Errors
/// [`NotANumber`]
pub fn parse(text: &[u8]) -> Result<u128, NotANumber> {
    const DIGITS: usize = 39;
    let digits = text.trim_ascii();
    if digits.is_empty() {
        return Err(NotANumber::Empty);
    }
    if digits.len() > DIGITS {
        return Err(NotANumber::TooManyDigits(digits.len()));
    }
    let before = text.len() - text.trim_ascii_start().len();
    digits.iter().enumerate().try_fold(0u128, |number, (index, digit)| {
        if !digit.is_ascii_digit() {
            return Err(NotANumber::NotADigit(before + index));
        }
        let shifted = number.checked_mul(10).ok_or(NotANumber::TooBig)?;
        shifted.checked_add(u128::from(digit - b'0')).ok_or(NotANumber::TooBig)
    })
}

/// Takes `number` apart in at most `steps` steps of Pollard's rho, each some fifteen nanoseconds. Everything else it does is
/// bounded by a fraction of a millisecond.
///
/// ```
/// use ch3_threads::factor::{DEFAULT_STEPS, factor};
///
/// assert_eq!(factor(360, DEFAULT_STEPS).to_string(), "360: 2 2 2 3 3 5");
/// assert_eq!(factor(10_403, 0).to_string(), "10403: 101 103");
/// assert_eq!(factor(1_000_003 * 1_000_033, 0).to_string(), "1000036000099: 1000036000099?");
/// ```
pub fn factor(number: u128, steps: u64) -> Factors {
    let mut factors = Factors { number, primes: Vec::new(), unsplit: None };
    let mut steps = steps;
    // Each is a product of primes above the small ones, so there are never more than twelve of them.
    let mut rest = vec![divide_by_small_primes(number, &mut factors.primes)];
    while let Some(part) = rest.pop() {
        if part <= 1 {
            continue;
        }
        let modulus = Modulus::new(part);
        if is_prime(&modulus) {
            factors.primes.push(part);
        } else if let Some(divisor) = split(&modulus, &mut steps) {
            rest.extend([divisor, part / divisor]);
        } else {
            factors.unsplit = Some(factors.unsplit.unwrap_or(1) * part);
        }
    }
    factors.primes.sort_unstable();
    factors
}

/// Divisors above this are left to rho, which finds one of ten bits in some tens of steps.
const SMALL: u128 = 1 << 10;

/// Pushes what is below [`SMALL`], and returns the odd rest; of 0, which every prime divides for ever, nothing.
fn divide_by_small_primes(number: u128, primes: &mut Vec<u128>) -> u128 {
    let mut rest = number;
    // Odd numbers that are not prime are in vain but do no harm: their factors are gone when their turn comes.
    for divisor in std::iter::once(2).chain((3..SMALL).step_by(2)) {
        while rest != 0 && rest.is_multiple_of(divisor) {
            primes.push(divisor);
            rest /= divisor;
        }
    }
    rest
}

/// Miller–Rabin with the primes below 100 as bases, for an odd number above them.
///
/// Proven for numbers below 3317044064679887385961981, about 2^81, with the first 13 primes (Sorenson and Webster, *Strong
/// pseudoprimes to twelve prime bases*, 2015). Above that nobody knows a composite number of 128 bits that passes with all of
/// these, and no one has proven that there is none.
fn is_prime(modulus: &Modulus) -> bool {
    const BASES: [u128; 25] =
        [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97];
    let n = modulus.value();
    debug_assert!(n > 97, "{n} may be one of the bases");
    let twos = (n - 1).trailing_zeros();
    let (one, minus_one) = (modulus.one(), modulus.minus_one());
    BASES.iter().all(|base| {
        let mut power = modulus.power(modulus.enter(*base), (n - 1) >> twos);
        if power == one || power == minus_one {
            return true;
        }
        (1..twos).any(|_| {
            power = modulus.multiply(power, power);
            power == minus_one
        })
    })
}

/// A divisor of a composite odd number, neither 1 nor itself; `None` when the steps are used up.
fn split(modulus: &Modulus, steps: &mut u64) -> Option<u128> {
    let mut increment = 1;
    loop {
        match rho(modulus, increment, steps) {
            Rho::Divisor(divisor) => return Some(divisor),
            Rho::StepsUsedUp => return None,
            // This sequence closes for all factors at once. Another one will not.
            Rho::Failed => increment += 1,
        }
    }
}

enum Rho {
    Divisor(u128),
    Failed,
    StepsUsedUp,
}

/// Pollard's rho in Brent's version (R. P. Brent, *An improved Monte Carlo factorization algorithm*, 1980).
///
/// The sequence x → x² + c modulo n, looked at modulo an unknown prime p that divides n, runs into a cycle after some √p steps.
/// Two places x and y that are equal modulo p show as a common divisor of x − y and n. A common divisor is dear, so the
/// differences of a whole batch are multiplied first; if that product swallows n at once, the batch is gone through again
/// one by one.
fn rho(modulus: &Modulus, increment: u128, steps: &mut u64) -> Rho {
    const BATCH: u64 = 256;
    let n = modulus.value();
    let increment = modulus.enter(increment);
    let next = |y| modulus.add(modulus.multiply(y, y), increment);

    let mut y = modulus.enter(2);
    let mut stretch = 1u64;
    loop {
        // Brent's cycle search: x stands still while y runs twice as far as last time.
        let x = y;
        if !spend(steps, stretch) {
            return Rho::StepsUsedUp;
        }
        for _ in 0..stretch / 2 {
            y = next(y);
        }
        let mut done = stretch / 2;
        while done < stretch {
            let batch = BATCH.min(stretch - done);
            let start = y;
            let mut product = modulus.one();
            for _ in 0..batch {
                y = next(y);
                product = modulus.multiply(product, x.abs_diff(y));
            }
            match common_divisor(product, n) {
                1 => done += batch,
                divisor if divisor == n => return one_by_one(modulus, x, start, batch, next),
                divisor => return Rho::Divisor(divisor),
            }
        }
        stretch *= 2;
    }
}

/// Takes `amount` off `steps`, or all of them if there are not so many.
fn spend(steps: &mut u64, amount: u64) -> bool {
    let enough = *steps >= amount;
    *steps = steps.saturating_sub(amount);
    enough
}

/// The batch that swallowed n, again: the first difference that has a divisor has it alone, or there is none to be had.
fn one_by_one(modulus: &Modulus, x: u128, start: u128, batch: u64, next: impl Fn(u128) -> u128) -> Rho {
    let n = modulus.value();
    let mut y = start;
    for _ in 0..batch {
        y = next(y);
        match common_divisor(x.abs_diff(y), n) {
            1 => {}
            divisor if divisor == n => return Rho::Failed,
            divisor => return Rho::Divisor(divisor),
        }
    }
    Rho::Failed
}

/// The greatest common divisor of `a` and the odd `n`, by shifts and subtractions: a division of 128 bits costs ten of them.
fn common_divisor(a: u128, n: u128) -> u128 {
    let (mut a, mut b) = (a, n);
    while a != 0 {
        a >>= a.trailing_zeros();
        (a, b) = (a.abs_diff(b), a.min(b));
    }
    b
}

#[cfg(test)]
mod tests;
