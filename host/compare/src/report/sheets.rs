//! All figures as sheets of plain cells: one CSV file each, numbers in full.

use std::io;

use crate::{Arc, Comparison, Figure, Figures, Grown};

/// A sheet.
pub(crate) struct Sheet {
    /// Its file, without the ending.
    pub(crate) name: &'static str,
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

/// The last column of a sheet whose figures may be missing.
const REASON: &str = "not_applicable";

impl Sheet {
    /// A sheet of what there is of each plugin, whose name comes first.
    fn of<T>(
        name: &'static str,
        header: &[&'static str],
        comparison: &Comparison,
        items: impl Fn(&Figures) -> Vec<T>,
        cells: impl Fn(&T) -> Vec<String>,
    ) -> Self {
        let row = |plugin: &Figures, item: &T| {
            let mut row = vec![plugin.about.name.clone()];
            row.extend(cells(item));
            row
        };
        let rows_of =
            |plugin| items(plugin).iter().map(|item| row(plugin, item)).collect::<Vec<_>>();
        let rows = comparison.plugins.iter().flat_map(rows_of).collect();
        Sheet { name, header: [&["plugin"], header].concat(), rows }
    }

    /// As a CSV file.
    pub(crate) fn csv(&self) -> io::Result<Vec<u8>> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&self.header)?;
        for row in &self.rows {
            writer.write_record(row)?;
        }
        writer.into_inner().map_err(|e| io::Error::other(e.to_string()))
    }
}

/// All of them.
pub(crate) fn all(c: &Comparison) -> Vec<Sheet> {
    vec![plugins(c), paper(c), ring(c), reach(c), balance(c), moves(c), virtual_nodes(c), cost(c)]
}

fn plugins(c: &Comparison) -> Sheet {
    let header = [
        "version",
        "summary",
        "reference",
        "file",
        "sha256",
        "bytes",
        "weighted",
        "virtual_nodes",
        "tail_only",
    ];
    Sheet::of(
        "plugins",
        &header,
        c,
        |p| vec![p.about.clone()],
        |about| {
            vec![
                about.version.clone(),
                about.summary.clone(),
                about.reference.clone(),
                about.file.clone(),
                about.digest.clone(),
                about.bytes.to_string(),
                about.weighted.to_string(),
                about.virtual_nodes.to_string(),
                about.tail_only.to_string(),
            ]
        },
    )
}

fn paper(c: &Comparison) -> Sheet {
    let header = ["servers", "server", "requests", "mean", "deviation", REASON];
    let items = |p: &Figures| {
        let rows = p.paper.iter().flat_map(|run| match &run.counts.0 {
            Ok(counts) => (1_u32..)
                .zip(&counts.requests)
                .map(|(server, requests)| {
                    let (mean, deviation) = (text(counts.mean), text(counts.deviation));
                    vec![text(run.servers), text(server), text(requests), mean, deviation, text("")]
                })
                .collect(),
            Err(reason) => vec![missing([text(run.servers)], 4, reason)],
        });
        rows.collect()
    };
    Sheet::of("paper", &header, c, items, Vec::clone)
}

fn ring(c: &Comparison) -> Sheet {
    let header = ["slots", "from", "to", "server", REASON];
    let items = |p: &Figures| match &p.ring.0 {
        Ok(ring) => {
            let row = |arc: &Arc| {
                let (to, server) = (arc.to - 1, arc.server + 1);
                vec![text(ring.slots), text(arc.from), text(to), text(server), text("")]
            };
            ring.arcs.iter().map(row).collect()
        }
        Err(reason) => vec![missing([], 4, reason)],
    };
    Sheet::of("ring", &header, c, items, Vec::clone)
}

fn reach(c: &Comparison) -> Sheet {
    let header = ["slots", "reached", REASON];
    Sheet::of(
        "reach",
        &header,
        c,
        |p| p.reach.clone(),
        |reach| row([text(reach.slots)], &reach.reached, 1, |reached| vec![text(reached)]),
    )
}

fn balance(c: &Comparison) -> Sheet {
    let header = ["slots", "servers", "keys", "peak_to_mean", "deviation", "chi_square_p", REASON];
    Sheet::of(
        "balance",
        &header,
        c,
        |p| p.spreads.clone(),
        |s| {
            row([text(s.slots), text(s.servers), text(s.keys.name())], &s.spread, 3, |spread| {
                let p_value = spread.p_value.known().map_or_else(String::new, text);
                vec![text(spread.peak_to_mean), text(spread.deviation), p_value]
            })
        },
    )
}

fn moves(c: &Comparison) -> Sheet {
    let header = ["slots", "servers", "change", "ideal", "moved", "needless", REASON];
    Sheet::of(
        "moves",
        &header,
        c,
        |p| p.moves.clone(),
        |m| {
            let of = [text(m.slots), text(m.servers), text(m.change.name()), text(m.ideal)];
            row(of, &m.moved, 2, |moved| vec![text(moved.share), text(moved.needless)])
        },
    )
}

fn virtual_nodes(c: &Comparison) -> Sheet {
    let header = ["virtual_nodes", "peak_to_mean", "deviation", REASON];
    let row = |grown: &Grown| {
        row([text(grown.virtual_nodes)], &grown.spread, 2, |spread| {
            vec![text(spread.peak_to_mean), text(spread.deviation)]
        })
    };
    let items = |p: &Figures| match &p.virtual_nodes.0 {
        Ok(grown) => grown.iter().map(row).collect(),
        Err(reason) => vec![missing([], 3, reason)],
    };
    Sheet::of("virtual-nodes", &header, c, items, Vec::clone)
}

fn cost(c: &Comparison) -> Sheet {
    let header = ["what", "unit", "cost", REASON];
    let items = |p: &Figures| {
        let cost = &p.cost;
        let native = Figure(cost.native.0.clone().map(|native| native.batch_ns));
        let memory = Figure(cost.instance_bytes.0.clone().map(|bytes| bytes as f64));
        let builds = cost.builds.iter().map(|build| {
            let what = format!("table of {} servers on {} slots", build.servers, build.slots);
            (what, "ms", build.milliseconds.clone())
        });
        let per_request = [
            ("look-up in the host's table", cost.lookup_ns.clone()),
            ("one slot", cost.scalar_ns.clone()),
            ("one slot of a batch", cost.batch_ns.clone()),
            ("one slot of a batch, compiled into the host", native),
        ];
        let per_request = per_request.map(|(what, ns)| (what.to_owned(), "ns", ns));
        let memory = ("memory of an instance".to_owned(), "bytes", memory);
        per_request.into_iter().chain(builds).chain([memory]).collect()
    };
    Sheet::of("cost", &header, c, items, |(what, unit, figure)| {
        row([what.clone(), text(unit)], figure, 1, |cost| vec![text(cost)])
    })
}

/// A row: what is measured, the figures, and no reason; or a reason and no figures.
fn row<T, const N: usize>(
    of: [String; N],
    figure: &Figure<T>,
    columns: usize,
    cells: impl FnOnce(&T) -> Vec<String>,
) -> Vec<String> {
    match &figure.0 {
        Ok(figure) => of.into_iter().chain(cells(figure)).chain([String::new()]).collect(),
        Err(reason) => missing(of, columns, reason),
    }
}

fn missing<const N: usize>(of: [String; N], columns: usize, reason: &str) -> Vec<String> {
    let empty = (0..columns).map(|_| String::new());
    of.into_iter().chain(empty).chain([reason.to_owned()]).collect()
}

fn text(value: impl ToString) -> String {
    value.to_string()
}
