//! What is said of a figure that was measured several times: its median, its lowest and its highest value.

use std::fmt;

use serde::Serialize;

/// The middle value, or the mean of the two in the middle; `None` of nothing. What is no finite number does not count.
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    Spread::of(values).map(|spread| spread.median)
}

/// A median and its range.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The middle value.
    pub median: f64,
    /// The lowest.
    pub min: f64,
    /// The highest.
    pub max: f64,
}

impl Spread {
    /// Of these values, without those that are no finite number. Of no values there is none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Spread> {
        let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        let (&min, &max) = (values.first()?, values.last()?);
        let half = values.len() / 2;
        let median =
            if values.len() % 2 == 1 { values[half] } else { f64::midpoint(values[half - 1], values[half]) };
        Some(Spread { median, min, max })
    }

    /// Of the ratios of pairs, each measured in one round; where the second is 0, there is no ratio.
    pub fn of_ratios(pairs: impl IntoIterator<Item = (f64, f64)>) -> Option<Spread> {
        let ratio = |(own, other): (f64, f64)| (other > 0.0).then(|| own / other);
        Spread::of(pairs.into_iter().filter_map(ratio))
    }
}

/// A ratio, as in `0.97 [0.91..1.04]`. Under a tenth there are two digits that count: 0.00 would say nothing.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Spread { median, min, max } = self;
        let is_small = *median > 0.0 && *median < 0.1;
        let digits = if is_small { (1.0 - median.log10().floor()) as usize } else { 2 };
        write!(f, "{median:.digits$} [{min:.digits$}..{max:.digits$}]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_and_the_range_is_all() {
        assert_eq!(Spread::of(vec![3.0, 1.0, 2.0]), Some(Spread { median: 2.0, min: 1.0, max: 3.0 }));
        assert_eq!(Spread::of(vec![4.0, 1.0]), Some(Spread { median: 2.5, min: 1.0, max: 4.0 }));
        assert_eq!(Spread::of([]), None);
        assert_eq!(median([f64::NAN, 2.0, f64::INFINITY]), Some(2.0));
    }

    #[test]
    fn the_median_is_of_the_ratios() {
        // The ratio of the medians would be 3 / 2.
        let ratios = Spread::of_ratios([(1.0, 1.0), (3.0, 4.0), (9.0, 2.0), (5.0, 0.0)]);
        assert_eq!(ratios, Some(Spread { median: 1.0, min: 0.75, max: 4.5 }));
    }

    #[test]
    fn a_small_ratio_is_not_nothing() {
        let shown = |median, min, max| Spread { median, min, max }.to_string();
        assert_eq!(shown(0.974, 0.905, 1.041), "0.97 [0.91..1.04]");
        assert_eq!(shown(0.1, 0.04, 12.0), "0.10 [0.04..12.00]");
        assert_eq!(shown(0.0314, 0.0299, 0.034), "0.031 [0.030..0.034]");
        assert_eq!(shown(0.00178, 0.00171, 0.002), "0.0018 [0.0017..0.0020]");
        assert_eq!(shown(0.0, 0.0, 0.0), "0.00 [0.00..0.00]");
    }
}
