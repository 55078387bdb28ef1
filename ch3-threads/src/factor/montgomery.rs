//! Multiplication modulo an odd number of 128 bits without a division (P. L. Montgomery, *Modular multiplication without trial
//! division*, 1985).
//!
//! A division of 256 bits by 128 takes hundreds of cycles. Montgomery's trick: instead of a, compute with a·R mod n, where R is
//! 2^128. Then the division is one by R, which is to drop the lower half:
//!
//! ```text
//! (aR)·(bR) = high·R + low         m = low · n⁻¹ mod R, so m·n has the same lower half
//! (aR)·(bR) − m·n = (high − upper half of m·n)·R      divided by R: (ab)·R mod n, up to one n
//! ```

/// An odd modulus. The numbers that [`multiply`](Modulus::multiply) and its like take and give are in Montgomery form (a·R
/// mod n); [`enter`](Modulus::enter) brings one there. Nobody here needs the way back: zero and common divisors with n are the
/// same in both forms.
pub(super) struct Modulus {
    n: u128,
    /// n · `inverse` = 1 modulo 2^128.
    inverse: u128,
    /// 1 in Montgomery form: R mod n.
    one: u128,
    /// R² mod n: multiplying by it enters Montgomery form.
    square: u128,
}

impl Modulus {
    /// `n` is odd and more than 1.
    pub(super) fn new(n: u128) -> Modulus {
        debug_assert!(n % 2 == 1 && n > 1, "{n} is no modulus for Montgomery");
        // Newton: each round doubles the number of right bits, and an odd number is its own inverse modulo 8.
        let inverse = (0..6).fold(n, |x, _| x.wrapping_mul(2u128.wrapping_sub(n.wrapping_mul(x))));
        // 2^128 mod n, since 2^128 itself is one too long.
        let one = n.wrapping_neg() % n;
        let mut modulus = Modulus { n, inverse, one, square: 0 };
        modulus.square = (0..128).fold(one, |x, _| modulus.add(x, x));
        modulus
    }

    pub(super) fn value(&self) -> u128 {
        self.n
    }

    pub(super) fn one(&self) -> u128 {
        self.one
    }

    pub(super) fn minus_one(&self) -> u128 {
        self.n - self.one
    }

    /// The Montgomery form of `a`, which is below n.
    pub(super) fn enter(&self, a: u128) -> u128 {
        self.multiply(a, self.square)
    }

    #[inline]
    pub(super) fn add(&self, a: u128, b: u128) -> u128 {
        let (difference, below) = a.overflowing_sub(self.n - b);
        if below { difference.wrapping_add(self.n) } else { difference }
    }

    #[inline]
    pub(super) fn multiply(&self, a: u128, b: u128) -> u128 {
        let (high, low) = wide_multiply(a, b);
        let (upper, _) = wide_multiply(low.wrapping_mul(self.inverse), self.n);
        let (difference, below) = high.overflowing_sub(upper);
        if below { difference.wrapping_add(self.n) } else { difference }
    }

    pub(super) fn power(&self, base: u128, exponent: u128) -> u128 {
        let (mut result, mut base, mut exponent) = (self.one, base, exponent);
        while exponent > 0 {
            if exponent & 1 == 1 {
                result = self.multiply(result, base);
            }
            base = self.multiply(base, base);
            exponent >>= 1;
        }
        result
    }
}

/// The product of 256 bits as its upper and lower half, from four products of 64 bits as one does it by hand.
#[inline]
fn wide_multiply(a: u128, b: u128) -> (u128, u128) {
    const LOWER: u128 = u64::MAX as u128;
    let (a1, a0, b1, b0) = (a >> 64, a & LOWER, b >> 64, b & LOWER);
    let bottom = a0 * b0;
    // None of these sums can overflow: (2^64 − 1)² + 2·(2^64 − 1) = 2^128 − 1.
    let middle = a1 * b0 + (bottom >> 64);
    let cross = a0 * b1 + (middle & LOWER);
    (a1 * b1 + (middle >> 64) + (cross >> 64), (cross << 64) | (bottom & LOWER))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// By doubling and adding: slow and beyond doubt.
    fn product_modulo(a: u128, b: u128, n: u128) -> u128 {
        let add = |x: u128, y: u128| if x >= n - y { x - (n - y) } else { x + y };
        (0..128).rev().fold(0, |sum, bit| {
            let doubled = add(sum, sum);
            if (b >> bit) & 1 == 1 { add(doubled, a) } else { doubled }
        })
    }

    proptest! {
        #[test]
        fn it_is_multiplication_modulo_n(a: u128, b: u128, n: u128, shift in 0u32..126) {
            let n = (n >> shift) | 3;
            let (a, b) = (a % n, b % n);
            let modulus = Modulus::new(n);
            let product = modulus.multiply(modulus.enter(a), modulus.enter(b));
            prop_assert_eq!(product, modulus.enter(product_modulo(a, b, n)));
            prop_assert_eq!(modulus.multiply(product, 1), product_modulo(a, b, n));
        }
    }

    #[test]
    fn the_largest_modulus_does_not_overflow() {
        let modulus = Modulus::new(u128::MAX);
        let minus_one = modulus.enter(u128::MAX - 1);
        assert_eq!(minus_one, modulus.minus_one());
        assert_eq!(modulus.multiply(minus_one, minus_one), modulus.one());
        assert_eq!(modulus.add(minus_one, modulus.one()), 0);
    }
}
