//! The page.

mod balance;
mod cost;
mod moves;
mod papers;

use ringwright_plot::{Bar, Colour, Length, Page, Paragraph, Section, Series, Table};

use super::numbers::{bytes, count};
use super::reading;
use crate::{Comparison, Figures};

/// The whole page.
pub(crate) fn page(comparison: &Comparison) -> Page {
    let view = View { comparison, ranked: comparison.ranked() };
    let mut sections = Vec::new();
    if !view.ranked.is_empty() {
        sections.extend([
            at_a_glance(&view),
            reading(&view),
            papers::section(&view),
            papers::rings(&view),
            balance::section(&view),
            balance::virtual_nodes(&view),
            moves::section(&view),
            cost::section(&view),
        ]);
    }
    sections.push(about(&view));
    let names = comparison.plugins.len();
    Page {
        title: "Hash functions compared".into(),
        lead: format!(
            "{names} plugins, measured on their components as they are. Each has one colour \
             throughout and stands in the order of its balance, the best first."
        ),
        sections,
    }
}

/// The comparison, with an order and a colour for each plugin.
struct View<'a> {
    comparison: &'a Comparison,
    /// The most even first.
    ranked: Vec<&'a Figures>,
}

impl View<'_> {
    /// The plugins with their colours, which go by the order of their names: the same whichever
    /// is the best.
    fn plugins(&self) -> impl Iterator<Item = (&Figures, Colour)> {
        let names = || self.comparison.plugins.iter().map(|p| &p.about.name);
        let colour = move |name| Colour(names().position(|n| n == name).unwrap_or_default());
        self.ranked.iter().map(move |plugin| (*plugin, colour(&plugin.about.name)))
    }

    /// A bar for each plugin.
    fn bars<'a>(&'a self, length: impl Fn(&'a Figures) -> Result<Length, &'a str>) -> Vec<Bar> {
        self.plugins()
            .map(|(plugin, colour)| Bar {
                label: plugin.about.name.clone(),
                colour,
                length: length(plugin).unwrap_or_else(|reason| Length::None(reason.to_owned())),
            })
            .collect()
    }

    /// A line for each plugin, through what there is.
    fn lines<'a>(&'a self, points: impl Fn(&'a Figures) -> Vec<(f64, f64)>) -> Vec<Series> {
        self.plugins()
            .map(|(plugin, colour)| Series {
                label: plugin.about.name.clone(),
                colour: Some(colour),
                points: points(plugin),
            })
            .collect()
    }

    /// A row for each plugin.
    fn table<'a>(
        &'a self,
        caption: &str,
        header: impl IntoIterator<Item = String>,
        cells: impl Fn(&'a Figures) -> Vec<String>,
    ) -> Table {
        let row = |plugin: &&'a Figures| {
            let mut row = vec![plugin.about.name.clone()];
            row.extend(cells(plugin));
            row
        };
        Table {
            caption: caption.to_owned(),
            header: ["plugin".to_owned()].into_iter().chain(header).collect(),
            rows: self.ranked.iter().map(row).collect(),
            open: false,
        }
    }
}

/// A bar that is all of one kind.
fn plain(value: f64, text: String) -> Length {
    Length::Of { value, pale: 0.0, mark: None, text }
}

/// The largest of some values; 1 where there are none.
fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values.reduce(f64::max).unwrap_or(1.0)
}

/// A figure, or why there is none, in a cell.
fn cell<T>(figure: Result<&T, &str>, show: impl FnOnce(&T) -> String) -> String {
    figure.map_or_else(|reason| format!("n/a: {reason}"), show)
}

fn at_a_glance(view: &View) -> Section {
    Section {
        heading: "At a glance".into(),
        plots: vec![balance::peaks(view), moves::joining(view), cost::batches(view)],
        ..Section::default()
    }
}

fn reading(view: &View) -> Section {
    Section {
        heading: "What it means".into(),
        text: reading::paragraphs(view.comparison),
        ..Section::default()
    }
}

fn about(view: &View) -> Section {
    let Comparison { seed, scope, left_out, .. } = view.comparison;
    let mut tables = Vec::new();
    if !view.ranked.is_empty() {
        let header = ["version", "what it is", "source", "file", "size", "SHA-256"];
        tables.push(view.table("The plugins", header.map(str::to_owned), |plugin| {
            let about = &plugin.about;
            vec![
                about.version.clone(),
                about.summary.clone(),
                about.reference.clone(),
                about.file.clone(),
                bytes(about.bytes),
                about.digest.chars().take(12).collect(),
            ]
        }));
    }
    let how = format!(
        "Random keys come from ChaCha8 with seed {seed}: the same on every machine. Of sequential, \
         uniform and Zipf keys there are {}; Zipf draws them from 100,000 ids, the r-th 1/r times \
         as often as the first. Text is each run of eight letters in the licence and the interface \
         files, once, as a number. By chance is a server picked for each key by a good hash without \
         slots or ring. Functions that have virtual nodes get {} a server unless a plot says \
         otherwise.",
        count(scope.keys as u64),
        scope.virtual_nodes
    );
    let left = left_out.iter().map(|left| Paragraph {
        opening: "Not compared:".into(),
        text: format!("{}: {}.", left.file, left.reason),
    });
    let text = [how.into()].into_iter().chain(left).collect();
    Section { heading: "How it was measured".into(), text, plots: Vec::new(), tables }
}
