//! How evenly load falls on servers.

/// How far loads are from what each server should get.
///
/// Each load is taken relative to its server's fair part of the whole, which is its share of the
/// weights. With equal weights the fair part is the mean, and these are the usual figures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Balance {
    /// The largest load relative to its fair part; 1 where none has more than it should.
    pub peak_to_mean: f64,
    /// The standard deviation of the relative loads; 0 where all is fair.
    pub deviation: f64,
}

impl Balance {
    /// Of the loads of servers of these weights, which come in the same order. Where all weights
    /// are 0 they are equal.
    ///
    /// Whatever falls on a server of weight 0 is more than its part: it counts relative to the
    /// mean part of the others. `None` where there is no load.
    pub fn of(loads: &[u64], weights: &[u32]) -> Option<Self> {
        let load: u64 = loads.iter().sum();
        if load == 0 {
            return None;
        }
        let load = load as f64;
        let weight: f64 = weights.iter().copied().map(f64::from).sum();
        let weighted = weights.iter().filter(|w| **w > 0).count();
        let relative = |(&got, &its): (&u64, &u32)| match (weighted, its) {
            (0, _) => got as f64 * loads.len() as f64 / load,
            (_, 0) => 1.0 + got as f64 * weighted as f64 / load,
            _ => got as f64 * weight / (load * f64::from(its)),
        };
        let parts = loads.iter().zip(weights);
        let counted = |(got, its): &(&u64, &u32)| weighted == 0 || **its > 0 || **got > 0;
        let relative: Vec<f64> = parts.filter(counted).map(relative).collect();
        let squares: f64 = relative.iter().map(|r| (r - 1.0).powi(2)).sum();
        Some(Balance {
            peak_to_mean: relative.iter().copied().fold(0.0, f64::max),
            deviation: (squares / relative.len() as f64).sqrt(),
        })
    }

    /// Of loads that should be equal.
    pub fn even(loads: &[u64]) -> Option<Self> {
        Balance::of(loads, &vec![1; loads.len()])
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    #[test]
    fn equal_loads_are_in_balance() {
        let even = Balance { peak_to_mean: 1.0, deviation: 0.0 };
        assert_eq!(Balance::even(&[7, 7, 7]), Some(even));
        assert_eq!(Balance::of(&[1, 2, 3], &[1, 2, 3]), Some(even));
    }

    #[test]
    fn the_peak_is_relative_to_the_mean() {
        let balance = Balance::even(&[8_000, 1_000, 0]).unwrap();
        assert!((balance.peak_to_mean - 8.0 / 3.0).abs() < 1e-9);
        // (5/3)² + (2/3)² + 1² = 38/9, of three.
        assert!((balance.deviation - (38.0_f64 / 27.0).sqrt()).abs() < 1e-9);
    }

    #[test]
    fn a_weight_of_nothing_has_no_part() {
        let peak = |loads, weights| Balance::of(loads, weights).unwrap().peak_to_mean;
        assert_eq!(peak(&[50, 50, 0], &[1, 1, 0]), 1.0);
        assert_eq!(peak(&[0, 0, 100], &[1, 1, 0]), 3.0, "all of it is too much");
        assert_eq!(peak(&[0, 100], &[0, 0]), 2.0, "equal for want of weights");
    }

    #[test]
    fn nothing_has_no_balance() {
        assert_eq!(Balance::even(&[]), None);
        assert_eq!(Balance::even(&[0, 0]), None);
    }
}
