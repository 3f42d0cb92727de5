//! Loads as plots and as a table.

use ringwright_plot::{
    Axis, Bar, Bars, Colour, Length, Lines, Plot, Reference, Scale, Series, Table,
};

use super::Loads;
use crate::Drawn;
use crate::stats::Spread;

/// A bar a server; marked is what the shares would have it be.
pub(crate) fn bars(title: &str, loads: &Loads, shares: Option<&[f64]>) -> Plot {
    let all = loads.all() as f64;
    let bar = |(i, name): (usize, &String)| Bar {
        label: name.clone(),
        colour: Colour(i),
        length: Length::Of {
            value: loads.counts[i] as f64,
            pale: 0.0,
            mark: shares.and_then(|shares| shares.get(i)).map(|share| share * all),
            text: loads.counts[i].to_string(),
        },
    };
    let Spread { mean, deviation, .. } = loads.spread();
    Bars {
        title: title.to_owned(),
        description: format!("Requests by server: {} (σ {deviation:.0}).", loads.shown()),
        axis: Axis::new("requests", Scale::Linear, 0.0, all),
        reference: Some(Reference { value: mean, label: format!("even: {mean:.0}") }),
        bars: loads.servers.iter().enumerate().map(bar).collect(),
    }
    .draw()
}

/// Mean and spread over numbers of servers.
pub(crate) fn spread_lines(title: &str, all: &[Loads]) -> Plot {
    let line = |label: &str, colour, of: fn(&Spread) -> f64| Series {
        label: label.to_owned(),
        colour,
        points: all.iter().map(|l| (l.counts.len() as f64, of(&l.spread()))).collect(),
    };
    let servers: Vec<f64> = all.iter().map(|loads| loads.counts.len() as f64).collect();
    let top = all.iter().map(|loads| loads.all() as f64).fold(1.0, f64::max);
    Lines {
        title: title.to_owned(),
        description: "The mean, the standard deviation, and the least and the most busy server."
            .into(),
        x: Axis::through("servers", Scale::Linear, &servers),
        y: Axis::new("requests", Scale::Linear, 0.0, top),
        series: vec![
            line("mean", None, |spread| spread.mean),
            line("most", Some(Colour(0)), |spread| spread.most),
            line("least", Some(Colour(1)), |spread| spread.least),
            line("σ", Some(Colour(2)), |spread| spread.deviation),
        ],
    }
    .draw()
}

pub(crate) fn table(caption: &str, all: &[Loads]) -> Table {
    let header = ["servers", "requests by server", "mean", "σ", "least", "most", "failed"];
    let row = |loads: &Loads| {
        let Spread { mean, deviation, least, most } = loads.spread();
        let figures = [mean, deviation, least, most].map(|figure| format!("{figure:.0}"));
        let mut row = vec![loads.counts.len().to_string(), loads.shown()];
        row.extend(figures);
        row.push(loads.failed.to_string());
        row
    };
    Table {
        caption: caption.to_owned(),
        header: header.map(str::to_owned).into(),
        rows: all.iter().map(row).collect(),
        open: false,
    }
}

pub(crate) fn drawn(file: impl Into<String>, plot: Plot) -> Drawn {
    Drawn { file: file.into(), plot }
}
