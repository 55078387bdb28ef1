//! Every random decision of a simulation, as functions of the seed: a run with the same seed decides the same.
//!
//! No clock and no socket here. What the network does to a run is not in anybody's hands; what the clients *do* is.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, RngExt, SeedableRng};

/// What a generator is for. Each purpose of each client has its own stream of numbers, so that one more client, or one
/// more number drawn for one of them, does not change what the others do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The text of a request.
    Payload,
    /// When requests are sent and by whom (index: the event loop).
    Arrivals,
    /// What a garbage client sends.
    Garbage,
    /// The bytes that go round in `echo`.
    Pattern,
    /// The number that is asked for in `factor`.
    Number,
}

/// The generator for `purpose` of client number `index`.
///
/// Xoshiro256++ by name: unlike rand's `SmallRng` and `StdRng` it promises the same numbers in later versions.
pub fn generator(seed: u64, purpose: Purpose, index: u64) -> Xoshiro256PlusPlus {
    // Golden-ratio steps keep neighbouring seeds and indices apart; seed_from_u64 does the mixing.
    let purpose = (purpose as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    Xoshiro256PlusPlus::seed_from_u64(seed ^ purpose ^ index.wrapping_mul(0xD1B5_4A32_D192_ED03))
}

/// The request of client number `index`: `bytes` hexadecimal digits, in the form of a UUID where there are 36.
pub fn request_text(seed: u64, index: u64, bytes: usize) -> Vec<u8> {
    let mut generator = generator(seed, Purpose::Payload, index);
    let mut text: Vec<u8> =
        (0..bytes).map(|_| b"0123456789abcdef"[generator.random_range(0..16_usize)]).collect();
    if bytes == 36 {
        for dash in [8, 13, 18, 23] {
            text[dash] = b'-';
        }
    }
    text
}

/// The arrivals of an open loop: a Poisson process, each arrival given to a client at random.
///
/// The gaps are exponential, as between requests of many people who know nothing of each other. Several loops of
/// `rate / n` each are together one process of `rate`, which is why each loop may draw its own.
#[derive(Debug)]
pub struct Arrivals {
    generator: Xoshiro256PlusPlus,
    mean_gap_ns: f64,
    clients: usize,
    at_ns: f64,
}

/// One request of an open loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// When it is meant to be sent: nanoseconds since the loop began.
    pub at_ns: u64,
    /// The client that sends it: an index below the number of clients.
    pub client: usize,
}

impl Arrivals {
    /// `rate` requests per second, dealt out among `clients` (at least one) of event loop number `index`.
    pub fn new(seed: u64, index: u64, rate: f64, clients: usize) -> Arrivals {
        Arrivals {
            generator: generator(seed, Purpose::Arrivals, index),
            mean_gap_ns: 1e9 / rate,
            clients,
            at_ns: 0.0,
        }
    }
}

impl Iterator for Arrivals {
    type Item = Arrival;

    /// Never ends: the loop stops asking.
    fn next(&mut self) -> Option<Arrival> {
        // 1 - u lies in (0, 1], so that the logarithm is finite.
        let u: f64 = self.generator.random();
        self.at_ns += -(1.0 - u).ln() * self.mean_gap_ns;
        Some(Arrival { at_ns: self.at_ns as u64, client: self.generator.random_range(0..self.clients) })
    }
}

/// What a garbage client sends on its `turn`-th connection: up to 4096 random bytes.
pub fn garbage(seed: u64, index: u64, turn: u64) -> Vec<u8> {
    let mut generator = generator(seed, Purpose::Garbage, index.wrapping_mul(1 << 32).wrapping_add(turn));
    let mut bytes = vec![0; generator.random_range(1..=4096)];
    generator.fill_bytes(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_decides_the_same_and_another_differs() {
        let arrivals = |seed| Arrivals::new(seed, 0, 1000.0, 50).take(100).collect::<Vec<_>>();
        assert_eq!(arrivals(7), arrivals(7));
        assert_ne!(arrivals(7), arrivals(8));
        assert_eq!(request_text(7, 3, 36), request_text(7, 3, 36));
        assert_ne!(request_text(7, 3, 36), request_text(7, 4, 36));
        assert_eq!(garbage(7, 1, 2), garbage(7, 1, 2));
        assert_ne!(garbage(7, 1, 2), garbage(7, 1, 3));
    }

    #[test]
    fn a_request_of_36_bytes_has_the_form_of_a_uuid() {
        let text = String::from_utf8(request_text(1, 0, 36)).unwrap();
        assert_eq!(text.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert_eq!(request_text(1, 0, 5).len(), 5);
    }

    #[test]
    fn arrivals_keep_their_rate_and_reach_every_client() {
        let all: Vec<Arrival> = Arrivals::new(42, 0, 10_000.0, 10).take(20_000).collect();
        assert!(all.windows(2).all(|pair| pair[0].at_ns <= pair[1].at_ns));
        // 20 000 arrivals at 10 000/s last 2 s; the deviation of their sum is 0.7 %, and the seed is fixed.
        let seconds = all[all.len() - 1].at_ns as f64 / 1e9;
        assert!((1.95..2.05).contains(&seconds), "{seconds}");
        for client in 0..10 {
            let share = all.iter().filter(|arrival| arrival.client == client).count();
            assert!((1800..2200).contains(&share), "client {client}: {share}");
        }
    }

    #[test]
    fn the_gaps_are_exponential_and_not_even() {
        let all: Vec<u64> = Arrivals::new(42, 0, 1e6, 1).take(10_000).map(|arrival| arrival.at_ns).collect();
        // A fraction 1 - 1/e of the gaps is below the mean of 1000 ns.
        let short = all.windows(2).filter(|pair| pair[1] - pair[0] < 1000).count();
        assert!((6000..6650).contains(&short), "{short}");
    }
}
