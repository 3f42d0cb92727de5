//! What a change of servers moves.

use ringwright_plot::{Axis, Bars, Length, Plot, Reference, Scale, Section, Table};

use super::{View, cell, largest};
use crate::report::numbers::{count, percent};
use crate::report::pick;
use crate::{Change, Figures, Moved};

/// A plot for each change, and all figures.
pub(crate) fn section(view: &View) -> Section {
    let scope = &view.comparison.scope;
    let of = |&slots: &u32| scope.servers.iter().map(move |&servers| (slots, servers));
    let tables = scope.slots.iter().flat_map(of);
    Section {
        heading: "What a change moves".into(),
        text: vec![format!(
            "The share of uniform keys whose server is another after a change, on {} slots. The \
             dashed line is what must move if every server has its fair part. Pale is needless: \
             keys that went from one server to another although both stayed. Less than ideal is no \
             merit: the server that left had less than its part.",
            count(u64::from(scope.most_slots()))
        )
        .into()],
        plots: Change::ALL.map(|change| bars(view, change)).into(),
        tables: tables.map(|(slots, servers)| table(view, slots, servers)).collect(),
    }
}

/// The plot of one server more.
pub(crate) fn joining(view: &View) -> Plot {
    bars(view, Change::AddOne)
}

fn bars(view: &View, change: Change) -> Plot {
    let scope = &view.comparison.scope;
    let servers = if change == Change::RemoveTenth { scope.more() } else { scope.few() };
    let moved = |plugin: &'_ Figures| {
        let moves = plugin.moves(scope.most_slots(), servers, change);
        moves.and_then(|m| m.known()).map(|m| m.share)
    };
    let ideal = change.ideal(servers);
    let top = largest(view.ranked.iter().filter_map(|p| moved(p))).max(2.0 * ideal);
    let bars = view.bars(|plugin| match plugin.moves(scope.most_slots(), servers, change) {
        Some(moves) => pick::of(&moves.moved).map(length),
        None => Err("not measured"),
    });
    Bars {
        title: format!("Keys moved: {} of {servers}", name(change)),
        description: format!(
            "A bar a plugin; {} is ideal. The pale end is needless.",
            percent(ideal)
        ),
        axis: Axis::new("", Scale::Linear, 0.0, top),
        reference: Some(Reference { value: ideal, label: format!("ideal {}", percent(ideal)) }),
        bars,
    }
    .draw()
}

fn name(change: Change) -> &'static str {
    match change {
        Change::AddOne => "one more",
        Change::RemoveLast => "without the last",
        Change::RemoveMiddle => "without a middle one",
        Change::RemoveTenth => "without a tenth",
    }
}

fn length(moved: &Moved) -> Length {
    let Moved { share, needless } = *moved;
    Length::Of { value: share, pale: needless, mark: None, text: percent(share) }
}

fn table(view: &View, slots: u32, servers: u32) -> Table {
    let (n, m) = (count(u64::from(servers)), count(u64::from(slots)));
    let caption = format!("{n} servers on {m} slots: keys moved, and of these the needless");
    let header = Change::ALL.map(|c| format!("{} (ideal {})", name(c), percent(c.ideal(servers))));
    view.table(&caption, header, |plugin| {
        let moves = Change::ALL.map(|change| plugin.moves(slots, servers, change));
        let shown = |m: &Moved| format!("{} · {}", percent(m.share), percent(m.needless));
        moves.into_iter().flatten().map(|m| cell(pick::of(&m.moved), shown)).collect()
    })
}
