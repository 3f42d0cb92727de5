//! The summary: what was done and found, as Markdown with links to the plots beside it.

use std::fmt::Write as _;

use ringwright_plot::Table;

use super::page::{COMPLAINTS, conditions};
use crate::{Lab, Outcome, Results};

/// The summary.
pub fn summary(lab: &Lab, results: &Results) -> String {
    let Results { outcomes, .. } = results;
    let mut text = format!("# The paper’s experiments, repeated\n\n{}\n\n", conditions(lab));
    text += "## Results\n\n| experiment | of | result |\n|---|---|---|\n";
    for outcome in outcomes {
        for (i, finding) in outcome.findings.iter().enumerate() {
            let name = if i == 0 { link(outcome) } else { String::new() };
            // Writing to a String cannot fail.
            let _ =
                writeln!(text, "| {name} | {} | {} |", cell(&finding.of), cell(&finding.result));
        }
    }
    let complaints = results.complaints();
    if !complaints.is_empty() {
        let list = complaints.iter().map(|what| format!("- {what}\n")).collect::<String>();
        let _ = write!(text, "\n## {COMPLAINTS}\n\n{list}");
    }
    for outcome in outcomes {
        text += "\n";
        text += &section(outcome);
    }
    text
}

/// Its name, leading to its section.
fn link(outcome: &Outcome) -> String {
    format!("[{0}](#{1})", outcome.experiment, anchor(&heading(outcome)))
}

fn heading(outcome: &Outcome) -> String {
    format!("{}: {}", outcome.experiment, outcome.experiment.title())
}

/// What a heading is linked by: small letters, digits and hyphens.
fn anchor(heading: &str) -> String {
    let letters = heading.chars().filter_map(|c| match c {
        ' ' | '-' => Some('-'),
        c if c.is_alphanumeric() => Some(c),
        _ => None,
    });
    letters.collect::<String>().to_lowercase()
}

fn section(outcome: &Outcome) -> String {
    let mut text = format!("## {}\n\n", heading(outcome));
    for (opening, said) in [
        ("How", &outcome.how),
        ("The paper", &outcome.paper),
        ("What it shows", &outcome.shows),
        ("Beside the paper", &outcome.beside),
    ] {
        let _ = write!(text, "**{opening}.** {said}\n\n");
    }
    for table in outcome.tables.iter().filter(|table| table.open) {
        text += &markdown(table);
        text += "\n";
    }
    for drawn in &outcome.plots {
        let _ = writeln!(text, "![{}]({}.svg)", drawn.plot.title(), drawn.file);
    }
    text
}

fn markdown(table: &Table) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let rule = format!("|{}\n", "---|".repeat(table.header.len()));
    let rows = table.rows.iter().map(|row| line(row));
    [line(&table.header), rule].into_iter().chain(rows).collect()
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_linked_as_they_are_found() {
        let heading = "1-A-1: Load distribution across 3 servers";
        assert_eq!(anchor(heading), "1-a-1-load-distribution-across-3-servers");
        assert_eq!(anchor("The paper’s, and ours"), "the-papers-and-ours");
    }
}
