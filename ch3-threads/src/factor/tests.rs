//! Known hard numbers, the limit, and the two laws: the product is the number, and every factor is prime.

use proptest::prelude::*;

use super::*;

/// The largest primes below 2^64 and the largest Mersenne prime that fits.
const BIG: u128 = 18_446_744_073_709_551_557;
const NEXT_BIG: u128 = 18_446_744_073_709_551_533;
const MERSENNE: u128 = (1 << 127) - 1;

fn line(number: u128) -> String {
    factor(number, 1 << 22).to_string()
}

/// By trial division, up to a few million.
fn is_small_prime(number: u128) -> bool {
    number > 1
        && (2..)
            .take_while(|divisor| divisor * divisor <= number)
            .all(|divisor| !number.is_multiple_of(divisor))
}

#[test]
fn small_numbers_as_factor_1_writes_them() {
    assert_eq!(line(0), "0:");
    assert_eq!(line(1), "1:");
    assert_eq!(line(2), "2: 2");
    assert_eq!(line(360), "360: 2 2 2 3 3 5");
    assert_eq!(line(1 << 127), format!("{}:{}", 1u128 << 127, " 2".repeat(127)));
    for number in 1..20_000 {
        let factors = factor(number, 1 << 20);
        assert_eq!(factors.primes.iter().product::<u128>(), number);
        assert!(factors.primes.iter().all(|&prime| is_small_prime(prime)), "{factors}");
    }
}

#[test]
fn known_hard_numbers() {
    assert_eq!(line(MERSENNE), format!("{MERSENNE}: {MERSENNE}"));
    assert_eq!(line(BIG), format!("{BIG}: {BIG}"));
    assert_eq!(line(u128::MAX), format!("{}: 3 5 17 257 641 65537 274177 6700417 67280421310721", u128::MAX));
    // Products of two primes near 2^32, and the squares of one, which have no second factor to be caught by.
    assert_eq!(line(4_294_967_291 * 4_294_967_279), "18446743979220271189: 4294967279 4294967291");
    assert_eq!(line(4_294_967_291 * 4_294_967_291), "18446744030759878681: 4294967291 4294967291");
    assert_eq!(line(1_000_003 * 1_000_003 * 1_000_003), "1000009000027000027: 1000003 1000003 1000003");
    // Fermat's fifth number, which Euler split.
    assert_eq!(line((1 << 32) + 1), "4294967297: 641 6700417");
    // Two big primes and a smaller one.
    assert_eq!(
        line(BIG * 1_000_003 * 1_000_033),
        format!("{}: 1000003 1000033 {BIG}", BIG * 1_000_003 * 1_000_033)
    );
}

/// Primes so small that both often turn up in one batch, which must then be gone through again.
#[test]
fn close_small_primes_are_parted_at_once() {
    let primes: Vec<u128> = (1025..1300).filter(|&number| is_small_prime(number)).collect();
    for (index, p) in primes.iter().enumerate() {
        for q in &primes[index..] {
            assert_eq!(factor(p * q, 300).primes, [*p, *q]);
        }
    }
}

#[test]
fn composites_that_fool_weaker_tests_are_not_prime() {
    // Carmichael numbers; the first strong pseudoprimes to the first 4, 9, 12 and 13 prime bases (OEIS A014233).
    let liars = [
        561,
        41_041,
        825_265,
        3_215_031_751,
        3_825_123_056_546_413_051,
        318_665_857_834_031_151_167_461,
        3_317_044_064_679_887_385_961_981,
    ];
    for liar in liars {
        assert!(!is_prime(&Modulus::new(liar)), "{liar}");
    }
}

#[test]
fn a_hostile_number_is_given_up_with_what_was_found() {
    let factors = factor(BIG * NEXT_BIG, 1_000);
    assert_eq!(factors, Factors { number: BIG * NEXT_BIG, primes: vec![], unsplit: Some(BIG * NEXT_BIG) });
    assert_eq!(factors.to_string(), format!("{0}: {0}?", BIG * NEXT_BIG));
    // The small factors are found whatever the limit.
    let half = 4_294_967_291 * 18_446_744_073_709_551_557;
    assert_eq!(factor(6 * half, 0).to_string(), format!("{}: 2 3 {half}?", 6 * half));
}

#[test]
fn numbers_are_read_with_clear_errors() {
    assert_eq!(parse(b" 360\r\n"), Ok(360));
    assert_eq!(parse(b"340282366920938463463374607431768211455"), Ok(u128::MAX));
    assert_eq!(parse(b"340282366920938463463374607431768211456"), Err(NotANumber::TooBig));
    assert_eq!(parse(b"999999999999999999999999999999999999999"), Err(NotANumber::TooBig));
    assert_eq!(parse(&[b'0'; 40]), Err(NotANumber::TooManyDigits(40)));
    assert_eq!(parse(&[b'0'; 39]), Ok(0));
    assert_eq!(parse(b" \n"), Err(NotANumber::Empty));
    assert_eq!(parse(b" 12x"), Err(NotANumber::NotADigit(3)));
    assert_eq!(parse(b"-1"), Err(NotANumber::NotADigit(0)));
    assert_eq!(parse(b" 12x").unwrap_err().to_string(), "not a decimal digit at position 3");
}

proptest! {
    #[test]
    fn the_product_is_the_number_and_every_factor_is_prime(number: u128, shift in 0u32..128) {
        let number = number >> shift;
        prop_assume!(number > 0);
        let factors = factor(number, 1 << 12);
        let product = factors.primes.iter().product::<u128>() * factors.unsplit.unwrap_or(1);
        prop_assert_eq!(product, number);
        prop_assert!(factors.primes.is_sorted());
        for &prime in &factors.primes {
            prop_assert!(if prime < 1 << 20 { is_small_prime(prime) } else { fermat(prime) }, "{} of {}", prime, number);
        }
        prop_assert!(factors.unsplit.is_none_or(|rest| !is_prime(&Modulus::new(rest))));
    }

    #[test]
    fn any_text_does_no_harm(text: Vec<u8>) {
        let _ = parse(&text);
    }

    #[test]
    fn what_is_written_is_read(number: u128) {
        prop_assert_eq!(parse(number.to_string().as_bytes()), Ok(number));
    }
}

/// Fermat's little theorem to a base that `is_prime` does not use.
fn fermat(number: u128) -> bool {
    let modulus = Modulus::new(number);
    modulus.power(modulus.enter(101), number - 1) == modulus.one()
}

/// What the worst number costs under the default limit, for who changes it: `cargo test -p common --release -- --ignored
/// --nocapture worst`.
#[test]
#[ignore = "takes seconds and asserts on no time"]
fn the_worst_number_under_the_default_limit() {
    let start = std::time::Instant::now();
    let factors = factor(BIG * NEXT_BIG, DEFAULT_STEPS);
    println!("{factors} in {:?}", start.elapsed());
    assert!(factors.unsplit.is_some());
}
