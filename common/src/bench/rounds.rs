//! The rounds of a bench: every contestant once in each, in an order drawn anew.
//!
//! ```text
//!   round 1   redis  limit  epoll          ratio of epoll to limit, of one round │
//!   round 2   limit  epoll  redis                                                ├─► median, range
//!   round 3   epoll  redis  limit                                                │
//! ```
//!
//! Two runs of one program differ by more than two programs in one round: the machine's moods last longer than a round, are in both
//! figures, and cancel out in their ratio. In the ratio of two medians they do not, for those may come from different rounds. The order
//! is drawn because who always comes second runs on a warmer machine.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde::Serialize;

use super::Spread;
use super::undisturbed::{Undisturbed, Watched};

/// A contestant and its samples.
#[derive(Debug, Clone, Serialize)]
pub struct Row<S> {
    /// Its name.
    pub name: String,
    /// What is particular to it.
    pub note: String,
    /// Why it was not measured.
    pub skipped: Option<String>,
    /// The row it is compared with, where that is not the same for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<usize>,
    /// One per round; `None` where Ctrl-C came.
    pub samples: Vec<Option<Watched<S>>>,
}

impl<S> Row<S> {
    /// One with a name.
    pub fn named(name: impl Into<String>) -> Row<S> {
        Row { name: name.into(), note: String::new(), skipped: None, base: None, samples: Vec::new() }
    }

    /// All its samples.
    pub fn samples(&self) -> impl Iterator<Item = &S> {
        self.samples.iter().flatten().map(|watched| &watched.sample)
    }

    /// A value of all its samples.
    pub fn spread(&self, value: impl Fn(&S) -> Option<f64>) -> Option<Spread> {
        Spread::of(self.samples().filter_map(value))
    }

    /// Its values divided by another row's, round by round.
    pub fn ratio_to(&self, other: &Row<S>, value: impl Fn(&S) -> f64) -> Option<Spread> {
        let rounds = self.samples.iter().zip(&other.samples);
        Spread::of_ratios(rounds.filter_map(|(own, others)| {
            Some((value(&own.as_ref()?.sample), value(&others.as_ref()?.sample)))
        }))
    }

    /// Whether repeating did not help, in some round.
    pub fn is_disturbed(&self) -> bool {
        self.samples.iter().flatten().any(Watched::is_disturbed)
    }
}

/// A contestant, and how it is measured for so long.
pub struct Contestant<'a, S> {
    /// Its name.
    pub name: String,
    /// What is particular to it.
    pub note: String,
    /// Why it is not measured.
    pub skipped: Option<String>,
    /// The place of the contestant that it is compared with.
    pub base: Option<usize>,
    /// Measures it.
    pub measure: Box<dyn Fn(Duration) -> anyhow::Result<S> + 'a>,
}

impl<'a, S> Contestant<'a, S> {
    /// One that takes part, and is compared with none.
    pub fn new(
        name: impl Into<String>,
        note: impl Into<String>,
        measure: impl Fn(Duration) -> anyhow::Result<S> + 'a,
    ) -> Contestant<'a, S> {
        Contestant {
            name: name.into(),
            note: note.into(),
            skipped: None,
            base: None,
            measure: Box::new(measure),
        }
    }

    /// The same, compared with the contestant at that place.
    #[must_use]
    pub fn compared_with(self, base: usize) -> Contestant<'a, S> {
        Contestant { base: Some(base), ..self }
    }

    /// The same, not measured for this reason, if there is one.
    #[must_use]
    pub fn skipped(self, why: Option<String>) -> Contestant<'a, S> {
        Contestant { skipped: why, ..self }
    }

    /// Its row, without samples.
    pub fn row(&self) -> Row<S> {
        Row {
            note: self.note.clone(),
            skipped: self.skipped.clone(),
            base: self.base,
            ..Row::named(self.name.clone())
        }
    }
}

/// All rounds of a bench, and a line of progress.
#[derive(Debug)]
pub struct Rounds<'a> {
    count: u32,
    order: StdRng,
    undisturbed: Undisturbed<'a>,
    bar: ProgressBar,
}

impl<'a> Rounds<'a> {
    /// So many for each table, until Ctrl-C.
    pub fn new(count: u32, seed: u64, interrupted: &'a AtomicBool) -> Rounds<'a> {
        let bar = ProgressBar::new_spinner().with_style(style("{elapsed:>5} {wide_msg}"));
        Rounds { count, order: StdRng::seed_from_u64(seed), undisturbed: Undisturbed::new(interrupted), bar }
    }

    /// So many contestants are to come in all tables: the progress can be shown as a bar.
    pub fn expect(&mut self, contestants: usize) {
        self.bar.set_length(contestants as u64 * u64::from(self.count));
        self.bar.set_style(style("{bar:30} {pos}/{len}, {eta} to go: {msg}"));
    }

    /// Measures every row that is not skipped once per round. Who fails is skipped from then on, and loses its samples: half a result
    /// is none.
    pub fn run<S>(
        &mut self,
        table: &str,
        rows: &mut [Row<S>],
        mut measure: impl FnMut(usize) -> anyhow::Result<S>,
    ) {
        for round in 1..=self.count {
            let mut order: Vec<usize> = (0..rows.len()).collect();
            order.shuffle(&mut self.order);
            for index in order {
                if self.is_interrupted() {
                    return;
                }
                let row = &mut rows[index];
                if row.skipped.is_some() {
                    continue;
                }
                self.bar.set_message(format!("{table}, round {round}: {}", row.name));
                self.bar.tick();
                match self.undisturbed.measure(|| measure(index)) {
                    // What Ctrl-C cut short is no sample.
                    Ok(_) if self.is_interrupted() => row.samples.push(None),
                    Ok(sample) => row.samples.push(Some(sample)),
                    Err(error) => {
                        row.skipped = Some(format!("{error:#}"));
                        row.samples.clear();
                    }
                }
                self.bar.inc(1);
            }
        }
    }

    /// Whether Ctrl-C has come.
    pub fn is_interrupted(&self) -> bool {
        self.undisturbed.is_interrupted()
    }

    /// Takes the line of progress off the screen.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;

    fn row(values: &[f64]) -> Row<f64> {
        let sample = |&sample: &f64| Some(Watched { sample, foreign: 0.0 });
        Row { samples: values.iter().map(sample).collect(), ..Row::named("row") }
    }

    #[test]
    fn a_ratio_is_that_of_one_round() {
        // The machine was three times as fast in the second round, and everybody on it.
        let (own, other) = (row(&[2.0, 6.0, 2.2]), row(&[1.0, 3.0, 2.0]));
        let ratio = own.ratio_to(&other, |&value| value).unwrap();
        assert_eq!((ratio.min, ratio.median, ratio.max), (1.1, 2.0, 2.0));
        let mut cut = row(&[1.0, 3.0, 2.0]);
        cut.samples[1] = None;
        assert_eq!(own.ratio_to(&cut, |&value| value).unwrap().max, 2.0);
        assert_eq!(own.ratio_to(&row(&[]), |&value| value), None);
    }

    #[test]
    fn everybody_is_measured_once_in_every_round_and_not_always_in_one_order() {
        let interrupted = AtomicBool::new(false);
        let mut rows: Vec<Row<usize>> = ["a", "b", "c", "d"].map(Row::named).into();
        rows[3].skipped = Some("not asked for".into());
        let mut asked = Vec::new();
        Rounds::new(50, 7, &interrupted).run("table", &mut rows, |index| {
            // Once more in the same round: the machine was not ours.
            if asked.last() != Some(&index) {
                asked.push(index);
            }
            Ok(index)
        });
        for (index, row) in rows[..3].iter().enumerate() {
            assert_eq!(row.samples().collect::<Vec<_>>(), [&index; 50]);
        }
        assert_eq!(rows[3].samples.len(), 0);
        assert!(asked.windows(6).any(|six| six[0] != six[3]), "{asked:?}");
    }

    #[test]
    fn half_a_result_is_none() {
        let interrupted = AtomicBool::new(false);
        let mut rows: Vec<Row<u32>> = vec![Row::named("a"), Row::named("b")];
        let (mut others, mut has_failed) = (0, false);
        Rounds::new(2000, 7, &interrupted).run("table", &mut rows, |index| {
            match index {
                0 if others > 2 => {
                    has_failed = true;
                    anyhow::bail!("it hangs");
                }
                0 => {}
                _ => {
                    others += 1;
                    interrupted.store(has_failed, Ordering::SeqCst);
                }
            }
            Ok(1)
        });
        assert_eq!((rows[0].skipped.as_deref(), rows[0].samples.len()), (Some("it hangs"), 0));
        assert_eq!(rows[1].samples.last(), Some(&None), "what Ctrl-C cut short is no sample");
    }
}
