//! A measurement on a machine that is shared: it is repeated while other programs take too much, and the least disturbed one counts.
//!
//! ```text
//!   measure ──► foreign ≤ 5 %? ──yes──► it counts
//!      ▲              │ no
//!      └── at most twice, and in all no more than a quarter of what was measured (and a few): a bench must end on a busy machine too
//! ```

use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use super::machine::Foreign;

/// The part of the machine that other programs may take without a measurement being repeated.
pub const FOREIGN_LIMIT: f64 = 0.05;
/// How often one measurement is repeated.
const REPEATS: u32 = 2;
/// One repetition for so many measurements.
const MEASUREMENTS: u64 = 4;
/// Repetitions before there were any measurements to be counted by.
const ADVANCE: u64 = 4;

/// A sample, and what else went on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Watched<S> {
    /// What was measured.
    #[serde(flatten)]
    pub sample: S,
    /// The fraction of all processors that other programs used meanwhile.
    pub foreign: f64,
}

impl<S> Watched<S> {
    /// Whether it was more than they may.
    pub fn is_disturbed(&self) -> bool {
        self.foreign > FOREIGN_LIMIT
    }
}

/// The measurements of a bench, and how many of them were repeated.
#[derive(Debug)]
pub struct Undisturbed<'a> {
    interrupted: &'a AtomicBool,
    measured: u64,
    repeated: u64,
}

impl<'a> Undisturbed<'a> {
    /// Nothing measured yet. After Ctrl-C nothing is repeated.
    pub fn new(interrupted: &'a AtomicBool) -> Undisturbed<'a> {
        Undisturbed { interrupted, measured: 0, repeated: 0 }
    }

    /// Measures, and again while it is disturbed. What runs for us is no stranger, whether it was waited for or not.
    ///
    /// # Errors
    /// What the measurement says.
    pub fn measure<S>(
        &mut self,
        mut measure: impl FnMut() -> anyhow::Result<S>,
    ) -> anyhow::Result<Watched<S>> {
        self.least(|| {
            let watch = Foreign::watch();
            let sample = measure()?;
            Ok(Watched { sample, foreign: watch.share() })
        })
    }

    /// Whether Ctrl-C has come.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
    }

    fn least<S>(
        &mut self,
        mut measure: impl FnMut() -> anyhow::Result<Watched<S>>,
    ) -> anyhow::Result<Watched<S>> {
        self.measured += 1;
        let mut best = measure()?;
        for _ in 0..REPEATS {
            if !best.is_disturbed() || self.has_repeated_enough() || self.is_interrupted() {
                break;
            }
            self.repeated += 1;
            let again = measure()?;
            if again.foreign < best.foreign {
                best = again;
            }
        }
        Ok(best)
    }

    fn has_repeated_enough(&self) -> bool {
        self.repeated >= self.measured / MEASUREMENTS + ADVANCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of measurements with these disturbances: which one counts, and how many were made.
    fn least(undisturbed: &mut Undisturbed<'_>, foreign: &[f64]) -> (usize, usize) {
        let mut made = 0;
        let best = undisturbed.least(|| {
            made += 1;
            Ok(Watched { sample: made - 1, foreign: foreign[made - 1] })
        });
        (best.unwrap().sample, made)
    }

    #[test]
    fn the_least_disturbed_counts() {
        let interrupted = AtomicBool::new(false);
        let mut undisturbed = Undisturbed::new(&interrupted);
        assert_eq!(least(&mut undisturbed, &[0.05]), (0, 1));
        assert_eq!(least(&mut undisturbed, &[0.3, 0.01]), (1, 2));
        assert_eq!(least(&mut undisturbed, &[0.3, 0.1, 0.2]), (1, 3));
    }

    #[test]
    fn a_busy_machine_makes_it_longer_by_a_quarter() {
        let interrupted = AtomicBool::new(false);
        let mut undisturbed = Undisturbed::new(&interrupted);
        let made: usize = (0..100).map(|_| least(&mut undisturbed, &[0.5; 3]).1).sum();
        assert_eq!(made, 100 + 100 / 4 + 4);
    }

    #[test]
    fn after_ctrl_c_nothing_is_repeated() {
        let interrupted = AtomicBool::new(true);
        assert_eq!(least(&mut Undisturbed::new(&interrupted), &[0.5; 3]), (0, 1));
    }

    #[test]
    fn what_fails_is_not_repeated() {
        let interrupted = AtomicBool::new(false);
        let mut made = 0;
        let measured = Undisturbed::new(&interrupted).measure(|| -> anyhow::Result<()> {
            made += 1;
            anyhow::bail!("no server")
        });
        assert_eq!((measured.unwrap_err().to_string().as_str(), made), ("no server", 1));
    }
}
