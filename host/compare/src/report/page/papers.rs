//! The paper's experiment.

use ringwright_plot::{
    Axis, Bar, Bars, Colour, Lines, Plot, Reference, Scale, Section, Segment, Strip,
};

use super::{View, cell, largest, plain};
use crate::report::numbers::{count, number};
use crate::{Counts, Figures};

/// The counts on 3 and on 6 servers, and the deviation on 2 to 6.
pub(crate) fn section(view: &View) -> Section {
    let on =
        |servers| view.plugins().filter_map(move |(plugin, colour)| bars(plugin, colour, servers));
    let plots = [deviation(view)].into_iter().chain(on(3)).chain(on(6)).collect();
    let header = (2..=6).map(|servers| format!("{servers} servers"));
    let table = view.table("Requests by server, and their deviation", header, |plugin| {
        (2..=6).map(|servers| cell(plugin.counts(servers), shown)).collect()
    });
    Section {
        heading: "The paper’s experiment".into(),
        text: vec![
            "10,000 requests with six-digit ids on 512 slots, with 9 virtual nodes a server for \
             those that have them. The dashed line is the mean, which every server would get. \
             Servers and virtual nodes count from 1, as in the authors’ plots; the paper’s text \
             counts from 0."
                .into(),
        ],
        plots,
        tables: vec![table],
    }
}

fn shown(counts: &Counts) -> String {
    let requests: Vec<String> = counts.requests.iter().map(|n| count(*n)).collect();
    format!("{} (± {})", requests.join(" · "), number(counts.deviation))
}

fn deviation(view: &View) -> Plot {
    let points = |plugin: &Figures| -> Vec<(f64, f64)> {
        let known =
            |servers: u32| Some((f64::from(servers), plugin.counts(servers).ok()?.deviation));
        (2..=6).filter_map(known).collect()
    };
    let top = largest(view.ranked.iter().flat_map(|p| points(p)).map(|(_, y)| y));
    Lines {
        title: "Standard deviation of the load, on 2 to 6 servers".into(),
        description: "One line a plugin. 0 is perfect; the figures are in the table below.".into(),
        x: Axis::through("servers", Scale::Linear, &[2.0, 3.0, 4.0, 5.0, 6.0]),
        y: Axis::new("requests", Scale::Linear, 0.0, top),
        series: view.lines(points),
    }
    .draw()
}

fn bars(plugin: &Figures, colour: Colour, servers: u32) -> Option<Plot> {
    let counts = plugin.counts(servers).ok()?;
    let bar = |(server, &requests): (u32, &u64)| Bar {
        label: format!("server {server}"),
        colour,
        length: plain(requests as f64, count(requests)),
    };
    let plot = Bars {
        title: format!("{}, {servers} servers", plugin.about.name),
        description: format!("Requests by server: {}.", shown(counts)),
        // The same for all, so that they can be compared.
        axis: Axis::new("requests", Scale::Linear, 0.0, 10_000.0),
        reference: Some(Reference {
            value: counts.mean,
            label: format!("mean {}", count(counts.mean.round() as u64)),
        }),
        bars: (1..).zip(&counts.requests).map(bar).collect(),
    };
    Some(plot.draw())
}

/// The rings of 3 servers, cut open.
pub(crate) fn rings(view: &View) -> Section {
    Section {
        heading: "The ring, cut open".into(),
        text: vec![
            "Who owns which of the 512 slots when there are 3 servers: a shade a server, the \
             first the darkest. The ticks below are the slots that any of the 10,000 requests hash to."
                .into(),
        ],
        plots: view.plugins().filter_map(|(plugin, colour)| strip(plugin, colour)).collect(),
        tables: Vec::new(),
    }
}

fn strip(plugin: &Figures, colour: Colour) -> Option<Plot> {
    let ring = plugin.ring.known()?;
    let segments = ring.arcs.iter().map(|arc| Segment {
        from: arc.from,
        to: arc.to,
        owner: arc.server,
        label: format!("{}", arc.server + 1),
    });
    let owned = |server| {
        let its = ring.arcs.iter().filter(move |arc| arc.server == server);
        its.map(|arc| arc.to - arc.from).sum::<u32>()
    };
    let strip = Strip {
        title: plugin.about.name.clone(),
        description: format!(
            "Server 1 owns {} slots, server 2 {}, server 3 {}. Requests reach {} slots.",
            owned(0),
            owned(1),
            owned(2),
            ring.reached.len()
        ),
        colour,
        length: ring.slots,
        segments: segments.collect(),
        marks: ring.reached.clone(),
        marked: format!("{} slots reached", ring.reached.len()),
    };
    Some(strip.draw())
}
