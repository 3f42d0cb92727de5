//! Tables for a terminal.

use std::collections::BTreeSet;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, Table};
use ringwright_plot::Paragraph;

use super::numbers::{NONE, bytes, count, figure, list, number, percent};
use super::reading;
use crate::{Change, Comparison, Figures, Keys, Moves, paper};

/// The comparison in a few tables, and what they mean.
pub fn text(comparison: &Comparison) -> String {
    let mut parts: Vec<String> = Vec::new();
    if !comparison.plugins.is_empty() {
        parts.extend([
            papers(comparison),
            balance(comparison),
            moves(comparison),
            cost(comparison),
        ]);
    }
    if !comparison.left_out.is_empty() {
        let left = comparison.left_out.iter().map(|l| format!("  {}: {}", l.file, l.reason));
        parts.push(format!("Not compared:\n{}", left.collect::<Vec<_>>().join("\n")));
    }
    let read = reading::paragraphs(comparison).into_iter();
    parts.extend(read.map(|Paragraph { opening, text }| format!("{opening} {text}")));
    parts.join("\n\n")
}

fn papers(comparison: &Comparison) -> String {
    let header = ["", "3 servers", "deviation", "6 servers", "deviation", "slots reached"];
    let mut sheet = Sheet::new(header.map(str::to_owned));
    for plugin in comparison.ranked() {
        let mut row = Vec::new();
        for servers in [3, 6] {
            let counts = plugin.counts(servers);
            let requests = |c: &crate::Counts| {
                let each = c.requests.iter().map(u64::to_string);
                each.collect::<Vec<_>>().join(" ")
            };
            row.push(sheet.cell(plugin, counts.map(requests)));
            row.push(counts.map_or(NONE.to_owned(), |c| number(c.deviation)));
        }
        let reach = plugin.reach.first().map_or(NONE.to_owned(), |reach| {
            figure(&reach.reached, |reached| format!("{reached} of {}", reach.slots))
        });
        row.push(reach);
        sheet.row(plugin, row);
    }
    sheet.show(&format!(
        "The paper's experiment: {} six-digit ids (seed {}), 512 slots, 9 virtual nodes",
        count(paper::REQUESTS as u64),
        comparison.seed
    ))
}

fn balance(comparison: &Comparison) -> String {
    let scope = &comparison.scope;
    let on = |servers: &u32| format!("uniform,\n{} servers", count(u64::from(*servers)));
    let kinds = [Keys::Sequential, Keys::Zipf, Keys::Text];
    let few = format!(",\n{} servers", scope.few());
    let header = [String::new()].into_iter().chain(scope.servers.iter().map(on));
    let mut sheet = Sheet::new(header.chain(kinds.map(|keys| format!("{}{few}", keys.name()))));
    for plugin in comparison.ranked() {
        let on = |&servers: &u32| (servers, Keys::Uniform);
        let of = scope.servers.iter().map(on).chain(kinds.map(|keys| (scope.few(), keys)));
        let row: Vec<String> = of
            .map(|(servers, keys)| {
                let spread = plugin.spread(scope.most_slots(), servers, keys);
                sheet.cell(plugin, spread.map(|s| number(s.peak_to_mean)))
            })
            .collect();
        sheet.row(plugin, row);
    }
    let chance: Vec<String> = scope
        .servers
        .iter()
        .filter_map(|&servers| comparison.by_chance(servers, Keys::Uniform))
        .map(|spread| number(spread.peak_to_mean))
        .collect();
    let chance: Vec<&str> = chance.iter().map(String::as_str).collect();
    sheet.show(&format!(
        "The fullest server against the mean, on {} slots; for uniform keys chance gives {}",
        count(u64::from(scope.most_slots())),
        list(&chance)
    ))
}

fn moves(comparison: &Comparison) -> String {
    let scope = &comparison.scope;
    let (few, more) = (scope.few(), scope.more());
    let changes = Change::ALL.map(|c| (c, if c == Change::RemoveTenth { more } else { few }));
    let name = |(change, servers): (Change, u32)| {
        format!("{}\nof {servers}\nideal {}", change.name(), percent(change.ideal(servers)))
    };
    let mut sheet = Sheet::new(
        [String::new()].into_iter().chain(changes.map(name)).chain(["needless,\nat most".into()]),
    );
    for plugin in comparison.ranked() {
        let mut row: Vec<String> = changes
            .iter()
            .map(|&(change, servers)| {
                let moved = plugin.moves(scope.most_slots(), servers, change).map(Moves::shown);
                sheet.cell(plugin, moved.unwrap_or(Err(NONE)))
            })
            .collect();
        let needless = plugin.most_needless(scope.most_slots());
        row.push(needless.map_or(NONE.to_owned(), percent));
        sheet.row(plugin, row);
    }
    sheet.show(&format!(
        "Keys that move to another server, on {} slots; needless between two that stayed",
        count(u64::from(scope.most_slots()))
    ))
}

impl Moves {
    fn shown(&self) -> Result<String, &str> {
        super::pick::of(&self.moved).map(|moved| percent(moved.share))
    }
}

fn cost(comparison: &Comparison) -> String {
    let largest = comparison.plugins.first().and_then(|p| p.cost.builds.last());
    let table = largest.map_or_else(String::new, |build| {
        let (servers, slots) = (u64::from(build.servers), u64::from(build.slots));
        format!("table, ms\n{} servers\n{} slots", count(servers), count(slots))
    });
    let header = ["", "look-up", "one slot", "in a batch", "native", &table, "file", "memory"];
    let mut sheet = Sheet::new(header.map(str::to_owned));
    for plugin in comparison.ranked() {
        let cost = &plugin.cost;
        let built = cost.builds.last().map(|build| super::pick::of(&build.milliseconds));
        let row = vec![
            figure(&cost.lookup_ns, |ns| number(*ns)),
            sheet.cell(plugin, super::pick::of(&cost.scalar_ns).map(|ns| number(*ns))),
            figure(&cost.batch_ns, |ns| number(*ns)),
            figure(&cost.native, |native| number(native.batch_ns)),
            sheet.cell(plugin, built.unwrap_or(Err(NONE)).map(|ms| number(*ms))),
            bytes(plugin.about.bytes),
            figure(&cost.instance_bytes, |memory| bytes(*memory)),
        ];
        sheet.row(plugin, row);
    }
    sheet.show("Cost of a request in nanoseconds, and of the rest")
}

/// A table, and why figures are missing in it.
struct Sheet {
    table: Table,
    reasons: BTreeSet<String>,
}

impl Sheet {
    fn new(header: impl IntoIterator<Item = String>) -> Self {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED).set_header(header.into_iter().map(Cell::new));
        Sheet { table, reasons: BTreeSet::new() }
    }

    /// The figure; where there is none the reason is told below the table.
    fn cell(&mut self, plugin: &Figures, figure: Result<String, &str>) -> String {
        figure.unwrap_or_else(|reason| {
            self.reasons.insert(format!("{}: {reason}", plugin.about.name));
            NONE.to_owned()
        })
    }

    fn row(&mut self, plugin: &Figures, cells: Vec<String>) {
        let right = |cell: String| Cell::new(cell).set_alignment(CellAlignment::Right);
        let name = Cell::new(&plugin.about.name);
        self.table.add_row([name].into_iter().chain(cells.into_iter().map(right)));
    }

    fn show(&self, title: &str) -> String {
        let reasons = self.reasons.iter().map(|reason| format!("\nn/a: {reason}"));
        format!("{title}\n{}{}", self.table, reasons.collect::<String>())
    }
}
