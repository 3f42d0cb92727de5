//! What functions cost.

use ringwright_plot::{Axis, Bars, Length, Plot, Scale, Section};

use super::{View, cell, largest, plain};
use crate::report::numbers::{bytes, count, number};
use crate::report::pick;
use crate::{Cost, Figure};

/// Times, sizes and memory.
pub(crate) fn section(view: &View) -> Section {
    let header =
        ["look-up, ns", "one slot, ns", "one of a batch, ns", "compiled in, ns", "file", "memory"];
    let builds = view.ranked.first().map_or(Vec::new(), |p| p.cost.builds.clone());
    let builds = builds.into_iter().map(|build| {
        format!("table of {} on {}, ms", count(build.servers.into()), count(build.slots.into()))
    });
    let header = header.map(str::to_owned).into_iter().chain(builds);
    let table = view.table("Time, size and memory", header, |plugin| {
        let (cost, ns) = (&plugin.cost, |ns: &f64| number(*ns));
        let built = cost.builds.iter().map(|b| cell(pick::of(&b.milliseconds), ns));
        [
            cell(pick::of(&cost.lookup_ns), ns),
            cell(pick::of(&cost.scalar_ns), ns),
            cell(pick::of(&cost.batch_ns), ns),
            cell(pick::of(&cost.native), |native| number(native.batch_ns)),
            bytes(plugin.about.bytes),
            cell(pick::of(&cost.instance_bytes), |memory| bytes(*memory)),
        ]
        .into_iter()
        .chain(built)
        .collect()
    });
    Section {
        heading: "Cost".into(),
        text: vec![
            "A request costs one slot and a look-up in the host’s table; the table is built once \
             for each change of servers. Bars grow by factors: twice as long is not twice as \
             slow, the figures beside them are what counts. The mark is the same function \
             compiled into the host."
                .into(),
        ],
        plots: vec![
            times(view, "One slot alone, ns", |cost| &cost.scalar_ns),
            batches(view),
            tables(view),
        ],
        tables: vec![table],
    }
}

/// The plot of slots in batches.
pub(crate) fn batches(view: &View) -> Plot {
    times(view, "One slot of a batch of 10,000, ns", |cost| &cost.batch_ns)
}

fn times(view: &View, title: &str, of: fn(&Cost) -> &Figure<f64>) -> Plot {
    let top = largest(view.ranked.iter().filter_map(|p| of(&p.cost).known().copied()));
    let is_batch = title.contains("batch");
    let bars = view.bars(|plugin| {
        let native = plugin.cost.native.known().filter(|_| is_batch).map(|n| n.batch_ns);
        pick::of(of(&plugin.cost)).map(|&value| Length::Of {
            value,
            pale: 0.0,
            mark: native,
            text: number(value),
        })
    });
    Bars {
        title: title.to_owned(),
        description: "A bar a plugin, shorter is faster; by factors from 1 ns on.".into(),
        axis: Axis::new("", Scale::Log, 1.0, top.max(10.0)),
        reference: None,
        bars,
    }
    .draw()
}

fn tables(view: &View) -> Plot {
    let largest_build = view.ranked.iter().filter_map(|p| p.cost.builds.last()).next();
    let title = largest_build.map_or_else(String::new, |build| {
        let (servers, slots) = (count(build.servers.into()), count(build.slots.into()));
        format!("A table of {servers} servers on {slots} slots, ms")
    });
    let built = view.ranked.iter().filter_map(|p| p.cost.builds.last());
    let top = largest(built.filter_map(|b| b.milliseconds.known().copied()));
    let bars = view.bars(|plugin| match plugin.cost.builds.last() {
        Some(build) => pick::of(&build.milliseconds).map(|&ms| plain(ms, number(ms))),
        None => Err("not measured"),
    });
    Bars {
        title,
        description: "A bar a plugin, shorter is faster; by factors from a hundredth on.".into(),
        axis: Axis::new("", Scale::Log, 0.01, top.max(0.1)),
        reference: None,
        bars,
    }
    .draw()
}
