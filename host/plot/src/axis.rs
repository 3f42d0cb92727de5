//! From values to places.

/// How values are spread over an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Equal steps.
    Linear,
    /// Equal factors; values are positive.
    Log,
}

/// An axis.
#[derive(Clone, Debug)]
pub struct Axis {
    /// What is on it.
    pub label: String,
    /// How.
    pub scale: Scale,
    /// The value at its start.
    pub from: f64,
    /// The value at its end.
    pub to: f64,
    /// The values that are marked.
    pub ticks: Vec<f64>,
}

impl Axis {
    /// An axis from a value to at least another, with round values marked.
    pub fn new(label: &str, scale: Scale, from: f64, to: f64) -> Self {
        let to = if to > from { to } else { from + 1.0 };
        let ticks = match scale {
            Scale::Linear => even(from, to),
            Scale::Log => round_factors(from, to),
        };
        Axis { label: label.to_owned(), scale, from, to, ticks }
    }

    /// An axis with these values marked and no more than them on it; there is at least one.
    pub fn through(label: &str, scale: Scale, ticks: &[f64]) -> Self {
        let from = ticks.iter().copied().fold(f64::INFINITY, f64::min);
        let to = ticks.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Axis { ticks: ticks.to_vec(), ..Axis::new(label, scale, from, to) }
    }

    /// Where a value stands, from 0 at the start to 1 at the end. What is beyond stands there.
    pub(crate) fn place(&self, value: f64) -> f64 {
        let along = |f: fn(f64) -> f64| {
            let (from, to) = (f(self.from), f(self.to));
            (f(value) - from) / (to - from)
        };
        let place = match self.scale {
            Scale::Linear => along(|v| v),
            Scale::Log => along(f64::ln),
        };
        place.clamp(0.0, 1.0)
    }
}

/// Some four round values, in equal steps.
fn even(from: f64, to: f64) -> Vec<f64> {
    let power = 10_f64.powf(((to - from) / 4.0).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|s| s * power);
    let step = steps.into_iter().find(|s| (to - from) / s <= 5.0).unwrap_or(10.0 * power);
    let first = (from / step).ceil() as i64;
    (first..).map(|i| i as f64 * step).take_while(|v| *v <= to * (1.0 + 1e-9)).collect()
}

/// 1, 2, 5, 10 and so on; of a wide range the powers of ten.
fn round_factors(from: f64, to: f64) -> Vec<f64> {
    let factors: &[f64] = if to / from > 200.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
    let powers = from.log10().floor() as i32..=to.log10().ceil() as i32;
    let all = powers.flat_map(|p| factors.iter().map(move |f| f * 10_f64.powi(p)));
    all.filter(|v| *v >= from * (1.0 - 1e-9) && *v <= to * (1.0 + 1e-9)).collect()
}

/// A marked value, no longer than it need be.
pub(crate) fn tick(value: f64) -> String {
    if value >= 10_000.0 {
        return format!("{}k", value / 1000.0);
    }
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_values_are_marked() {
        let ticks = |scale, from, to| Axis::new("", scale, from, to).ticks;
        assert_eq!(ticks(Scale::Linear, 0.0, 1.0), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        assert_eq!(ticks(Scale::Linear, 0.0, 8_359.0), [0.0, 2_000.0, 4_000.0, 6_000.0, 8_000.0]);
        assert_eq!(ticks(Scale::Log, 1.0, 50.0), [1.0, 2.0, 5.0, 10.0, 20.0, 50.0]);
        assert_eq!(ticks(Scale::Log, 1.0, 1_000.0), [1.0, 10.0, 100.0, 1_000.0]);
    }

    #[test]
    fn a_value_has_its_place() {
        let log = Axis::new("", Scale::Log, 1.0, 100.0);
        assert_eq!([1.0, 10.0, 100.0, 1e9].map(|v| log.place(v)), [0.0, 0.5, 1.0, 1.0]);
        let through = Axis::through("", Scale::Linear, &[2.0, 3.0, 6.0]);
        assert_eq!([2.0, 3.0, 6.0].map(|v| through.place(v)), [0.0, 0.25, 1.0]);
        let flat = Axis::new("", Scale::Linear, 3.0, 3.0);
        assert_eq!(flat.place(3.0), 0.0);
    }

    #[test]
    fn a_mark_is_short() {
        assert_eq!([0.2, 1.0, 1_000.0, 50_000.0].map(tick), ["0.2", "1", "1000", "50k"]);
    }
}
