//! The page.

use ringwright_plot::{Page, Paragraph, Section, Table};

use crate::lab::{Where, cores};
use crate::{Lab, Outcome, Results, Scope};

/// What stands above experiments that failed and rows that were lost.
pub(crate) const COMPLAINTS: &str = "What went wrong";

/// The whole page.
pub(crate) fn page(lab: &Lab, all: &Results) -> Page {
    let sections = [results(&all.outcomes)].into_iter().chain(complaints(all));
    let sections = sections.chain(all.outcomes.iter().map(section)).collect();
    Page { title: "The paper’s experiments, repeated".into(), lead: conditions(lab), sections }
}

/// Under what conditions everything was measured.
pub(crate) fn conditions(lab: &Lab) -> String {
    let Scope { requests, connections, .. } = lab.scope;
    let busy = lab.overload().or_else(|| {
        let busy = lab.busy?;
        Some(format!(
            "Before the first of them, other work kept {busy:.1} processes waiting or running."
        ))
    });
    let seed = lab.seed;
    format!(
        "{} {requests} requests a run through {connections} connections at once; seed {seed}. Times \
         are of where they were taken: they compare with each other, not with those of other \
         machines. Where requests are sent at a pace, each is timed from when it was due, whether \
         or not a connection was free for it. {}",
        place(lab),
        busy.unwrap_or_default()
    )
}

fn place(lab: &Lab) -> String {
    if let Some(address) = &lab.at {
        return format!(
            "Measured on the balancer at {address}, which was there already: where its servers run \
             and what they keep their rows in is not known here. The other experiments change the \
             cluster that they are done on, and were left out."
        );
    }
    let place = match &lab.place {
        Where::Docker => "as containers, each server with a Postgres of its own",
        Where::Processes("postgres") => "as processes, each server with a Postgres of its own",
        Where::Processes(_) => "as processes that keep their rows in SQLite",
    };
    format!(
        "Measured on clusters that run {place}, all on one machine with {} processors, which the \
         clients use too.",
        cores()
    )
}

fn results(outcomes: &[Outcome]) -> Section {
    let rows = outcomes.iter().flat_map(|outcome| {
        let row = |finding: &crate::Finding| {
            vec![outcome.experiment.to_string(), finding.of.clone(), finding.result.clone()]
        };
        outcome.findings.iter().map(row)
    });
    let table = Table {
        caption: "All results in short".into(),
        header: ["experiment", "of", "result"].map(str::to_owned).into(),
        rows: rows.collect(),
        open: true,
    };
    Section { heading: "Results".into(), tables: vec![table], ..Section::default() }
}

/// What must not be, where there is any.
fn complaints(all: &Results) -> Option<Section> {
    let text: Vec<Paragraph> = all.complaints().into_iter().map(Paragraph::from).collect();
    let heading = COMPLAINTS.to_owned();
    (!text.is_empty()).then(|| Section { heading, text, ..Section::default() })
}

fn section(outcome: &Outcome) -> Section {
    let said = [
        ("How.", &outcome.how),
        ("The paper.", &outcome.paper),
        ("What it shows.", &outcome.shows),
        ("Beside the paper.", &outcome.beside),
    ];
    let text =
        said.map(|(opening, text)| Paragraph { opening: opening.into(), text: text.clone() });
    Section {
        heading: format!("{}: {}", outcome.experiment, outcome.experiment.title()),
        text: text.into(),
        plots: outcome.plots.iter().map(|drawn| drawn.plot.clone()).collect(),
        tables: outcome.tables.clone(),
    }
}
