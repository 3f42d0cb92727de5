//! How evenly keys fall.

use ringwright_plot::{Axis, Bars, Lines, Plot, Scale, Section, Series, Table};

use super::{View, cell, largest, plain};
use crate::report::numbers::{count, number, percent, probability};
use crate::report::pick;
use crate::{Figures, Keys, Spread};

/// The fullest server on few servers.
pub(crate) fn peaks(view: &View) -> Plot {
    let scope = &view.comparison.scope;
    let peak = |plugin| pick_peak(view, plugin);
    Bars {
        title: format!("The fullest server against the mean, {} servers", scope.few()),
        description: "A bar a plugin, longer is worse; 1 would be perfect. Factors, so that equal \
             steps are equal ratios."
            .into(),
        axis: Axis::new("", Scale::Log, 1.0, top(view).max(2.0)),
        reference: None,
        bars: view.bars(|p| peak(p).map(|peak| plain(peak, format!("× {}", number(peak))))),
    }
    .draw()
}

fn pick_peak<'a>(view: &View, plugin: &'a Figures) -> Result<f64, &'a str> {
    let scope = &view.comparison.scope;
    let spread = plugin.spread(scope.most_slots(), scope.few(), Keys::Uniform);
    spread.map(|spread| spread.peak_to_mean)
}

/// The highest peak of uniform keys on the most slots.
fn top(view: &View) -> f64 {
    let of = |plugin| over_servers(view, plugin).into_iter().map(|(_, peak)| peak);
    largest(view.ranked.iter().flat_map(|p| of(p)))
}

fn over_servers(view: &View, plugin: &Figures) -> Vec<(f64, f64)> {
    let scope = &view.comparison.scope;
    let known = |&servers: &u32| {
        let spread = plugin.spread(scope.most_slots(), servers, Keys::Uniform).ok()?;
        Some((f64::from(servers), spread.peak_to_mean))
    };
    scope.servers.iter().filter_map(known).collect()
}

/// Balance over servers, slots and keys.
pub(crate) fn section(view: &View) -> Section {
    let scope = &view.comparison.scope;
    let mut tables: Vec<Table> = Vec::new();
    tables.push(reach(view));
    for &slots in &scope.slots {
        for &servers in &scope.servers {
            tables.push(spreads(view, slots, servers));
        }
    }
    Section {
        heading: "Balance".into(),
        text: vec![format!(
            "How much more than the mean the fullest server gets, on {} slots. The dashed line is \
             chance: what a server picked at random for each key would give. A line that ends early \
             ends where the function refuses; the tables say why. The p-value is that of a \
             chi-square test: how likely fair chance is to be as uneven.",
            count(u64::from(scope.most_slots()))
        )
        .into()],
        plots: vec![growing(view), unlike_keys(view)],
        tables,
    }
}

fn growing(view: &View) -> Plot {
    let scope = &view.comparison.scope;
    let servers: Vec<f64> = scope.servers.iter().map(|&n| f64::from(n)).collect();
    let chance = |&servers: &u32| {
        let spread = view.comparison.by_chance(servers, Keys::Uniform)?;
        Some((f64::from(servers), spread.peak_to_mean))
    };
    let chance = Series {
        label: "by chance".into(),
        colour: None,
        points: scope.servers.iter().filter_map(chance).collect(),
    };
    let mut series = view.lines(|plugin| over_servers(view, plugin));
    series.push(chance);
    Lines {
        title: "The fullest server against the mean, by number of servers".into(),
        description: "One line a plugin; lower is better and 1 is perfect.".into(),
        x: Axis::through("servers", Scale::Log, &servers),
        y: Axis::new("times the mean", Scale::Log, 1.0, top(view).max(2.0)),
        series,
    }
    .draw()
}

/// The worst keys of each plugin: a good function does not care what keys there are.
fn unlike_keys(view: &View) -> Plot {
    let scope = &view.comparison.scope;
    let kinds = [Keys::Sequential, Keys::Uniform, Keys::Text];
    let worst = |plugin: &'_ Figures| {
        let of = |keys| {
            let spread = plugin.spread(scope.most_slots(), scope.few(), keys).ok()?;
            Some((spread.peak_to_mean, keys))
        };
        kinds.into_iter().filter_map(of).max_by(|(a, _), (b, _)| a.total_cmp(b))
    };
    let peaks = view.ranked.iter().filter_map(|p| worst(p));
    let top = largest(peaks.map(|(peak, _)| peak)).max(2.0);
    let bars = view.bars(|plugin| {
        let (peak, keys) =
            worst(plugin).ok_or_else(|| pick_peak(view, plugin).err().unwrap_or(""))?;
        Ok(plain(peak, format!("× {} {}", number(peak), keys.name())))
    });
    Bars {
        title: format!("The same by the worst kind of keys, {} servers", scope.few()),
        description: "Of sequential, uniform and text keys, those that each plugin spreads worst."
            .into(),
        axis: Axis::new("", Scale::Log, 1.0, top),
        reference: None,
        bars,
    }
    .draw()
}

fn reach(view: &View) -> Table {
    let slots = &view.comparison.scope.slots;
    let header = slots.iter().map(|&slots| format!("of {}", count(u64::from(slots))));
    view.table("Slots that H reaches", header, |plugin| {
        let reached = plugin.reach.iter().map(|reach| {
            cell(pick::of(&reach.reached), |&reached| {
                let share = f64::from(reached) / f64::from(reach.slots);
                format!("{} ({})", count(u64::from(reached)), percent(share))
            })
        });
        reached.collect()
    })
}

fn spreads(view: &View, slots: u32, servers: u32) -> Table {
    let (n, m) = (count(u64::from(servers)), count(u64::from(slots)));
    let caption = format!("{n} servers on {m} slots: fullest server, standard deviation, p-value");
    let header = Keys::ALL.map(|keys| keys.name().to_owned());
    view.table(&caption, header, |plugin| {
        Keys::ALL.map(|keys| cell(plugin.spread(slots, servers, keys), shown)).into()
    })
}

fn shown(spread: &Spread) -> String {
    let p_value = spread.p_value.known().map(|p| format!(" · p {}", probability(*p)));
    let (peak, deviation) = (number(spread.peak_to_mean), number(spread.deviation));
    format!("× {peak} · ± {deviation}{}", p_value.unwrap_or_default())
}

/// Balance over virtual nodes.
pub(crate) fn virtual_nodes(view: &View) -> Section {
    let scope = &view.comparison.scope;
    let nodes: Vec<f64> = scope.more_virtual_nodes.iter().map(|&n| f64::from(n)).collect();
    let points = |plugin: &Figures| -> Vec<(f64, f64)> {
        let grown = plugin.virtual_nodes.known().into_iter().flatten();
        let known = grown.filter_map(|g| Some((g.virtual_nodes, g.spread.known()?)));
        known.map(|(nodes, spread)| (f64::from(nodes), spread.peak_to_mean)).collect()
    };
    let top = largest(view.ranked.iter().flat_map(|p| points(p)).map(|(_, y)| y)).max(2.0);
    let plot = Lines {
        title: "The fullest server against the mean, by virtual nodes".into(),
        description: "One line a plugin that has virtual nodes; lower is better.".into(),
        x: Axis::through("virtual nodes a server", Scale::Log, &nodes),
        y: Axis::new("times the mean", Scale::Log, 1.0, top),
        series: view.lines(points),
    };
    let header = scope.more_virtual_nodes.iter().map(|n| format!("{n} nodes"));
    let table =
        view.table("The fullest server by virtual nodes", header, |plugin| {
            match pick::of(&plugin.virtual_nodes) {
                Err(reason) => vec![format!("n/a: {reason}")],
                Ok(grown) => {
                    let peak = |s: &Spread| number(s.peak_to_mean);
                    grown.iter().map(|g| cell(pick::of(&g.spread), peak)).collect()
                }
            }
        });
    Section {
        heading: "Virtual nodes".into(),
        text: vec![
            format!(
                "What more virtual nodes do for the balance, on {} servers and {} slots. The paper \
             takes 9.",
                scope.few(),
                count(u64::from(scope.most_slots()))
            )
            .into(),
        ],
        plots: vec![plot.draw()],
        tables: vec![table],
    }
}
