//! What was measured, as plots and as a table.

use ringwright_plot::{Axis, Bar, Bars, Colour, Length, Lines, Plot, Scale, Series, Table};

use super::measured::Measured;
use crate::balance::drawn;
use crate::stats::{Taken, milliseconds, quantile};
use crate::{Drawn, Sample};

impl Measured {
    /// Latency over requests, and the totals.
    pub(super) fn plots(&self, file: &str) -> Vec<Drawn> {
        let mut plots: Vec<Drawn> = self
            .taken()
            .into_iter()
            .zip(&self.samples)
            .map(|((what, _), samples)| {
                let title = format!("Latency of {what}, {}", self.shape.name());
                drawn(format!("{file}-{what}"), latencies(&title, samples))
            })
            .collect();
        plots.push(drawn(format!("{file}-total"), self.totals()));
        plots
    }

    fn totals(&self) -> Plot {
        let bar = |(i, (what, taken)): (usize, (&str, &Taken))| Bar {
            label: what.to_owned(),
            colour: Colour(i),
            length: Length::Of {
                value: taken.total_s,
                pale: 0.0,
                mark: None,
                text: format!("{:.2} s, {:.0} a second", taken.total_s, taken.per_second()),
            },
        };
        let most = self.writes.total_s.max(self.reads.total_s);
        Bars {
            title: format!("Total time, {}", self.shape.name()),
            description: format!("{} requests of each kind.", self.writes.requests),
            axis: Axis::new("seconds", Scale::Linear, 0.0, most),
            reference: None,
            bars: self.taken().into_iter().enumerate().map(bar).collect(),
        }
        .draw()
    }
}

/// Latency over requests: each point is of a hundredth of them.
fn latencies(title: &str, samples: &[Sample]) -> Plot {
    let stretch = samples.len().div_ceil(100).max(1);
    let (mut half, mut most) = (Vec::new(), Vec::new());
    for (i, part) in samples.chunks(stretch).enumerate() {
        let mut sorted: Vec<f64> = part.iter().map(|s| milliseconds(s.latency)).collect();
        sorted.sort_by(f64::total_cmp);
        let x = (i * stretch) as f64;
        half.push((x, quantile(&sorted, 0.5)));
        most.push((x, quantile(&sorted, 0.95)));
    }
    let top = most.iter().map(|(_, y)| *y).fold(0.0, f64::max);
    let line = |label: &str, colour, points| Series {
        label: label.to_owned(),
        colour: Some(Colour(colour)),
        points,
    };
    Lines {
        title: title.to_owned(),
        description: format!("Of each {stretch} requests in turn, the median and the 95th of 100."),
        x: Axis::new("request", Scale::Linear, 0.0, samples.len() as f64),
        y: Axis::new("milliseconds", Scale::Linear, 0.0, top),
        series: vec![line("median", 0, half), line("95 %", 1, most)],
    }
    .draw()
}

pub(super) fn over_servers(
    title: &str,
    unit: &str,
    all: &[Measured],
    of: fn(&Taken) -> f64,
) -> Plot {
    let line = |label: &str, colour, taken: fn(&Measured) -> &Taken| Series {
        label: label.to_owned(),
        colour: Some(Colour(colour)),
        points: all.iter().map(|m| (m.shape.servers as f64, of(taken(m)))).collect(),
    };
    let series = vec![line("writes", 0, |m| &m.writes), line("reads", 1, |m| &m.reads)];
    let top = series.iter().flat_map(|s| &s.points).map(|(_, y)| *y).fold(0.0, f64::max);
    let servers: Vec<f64> = all.iter().map(|m| m.shape.servers as f64).collect();
    Lines {
        title: format!("{title} on more servers"),
        description: "6 shards, as many replicas as servers up to 8.".into(),
        x: Axis::through("servers", Scale::Linear, &servers),
        y: Axis::new(unit, Scale::Linear, 0.0, top),
        series,
    }
    .draw()
}

pub(super) fn table(all: &[&Measured], baseline: &Measured) -> Table {
    let header = [
        "configuration",
        "",
        "total s",
        "mean ms",
        "σ ms",
        "median ms",
        "99 % ms",
        "a second",
        "speed-up",
        "failed",
        "found no row",
    ];
    let row = |name: String, what: &str, taken: &Taken, base: &Taken| {
        let figures = [
            taken.total_s,
            taken.latency_ms.mean,
            taken.latency_ms.deviation,
            taken.median_ms,
            taken.p99_ms,
        ];
        let mut row = vec![name, what.to_owned()];
        row.extend(figures.map(|figure| format!("{figure:.2}")));
        row.push(format!("{:.0}", taken.per_second()));
        row.push(format!("{:.2}", base.total_s / taken.total_s));
        row.push(taken.failed.to_string());
        row.push(taken.missed.to_string());
        row
    };
    let rows = all.iter().flat_map(|m| {
        [
            row(m.shape.name(), "writes", &m.writes, &baseline.writes),
            row(m.shape.name(), "reads", &m.reads, &baseline.reads),
        ]
    });
    Table {
        caption: "Single rows; speed-up is the default configuration’s total time by this one’s"
            .into(),
        header: header.map(str::to_owned).into(),
        rows: rows.collect(),
        open: false,
    }
}
