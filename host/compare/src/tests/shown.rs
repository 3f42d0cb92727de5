//! What is written and shown.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use super::support::comparison;
use crate::{Change, Figure, Moved, report};

#[test]
fn the_files_are_written_and_well_formed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("new").join("folder");
    let page = report::write(comparison(), &folder).unwrap();
    assert_eq!(page, folder.join("index.html"));

    let json = fs::read_to_string(folder.join("comparison.json")).unwrap();
    let json: Value = serde_json::from_str(&json).unwrap();
    let md5 = json["plugins"].as_array().unwrap().iter().find(|p| p["about"]["name"] == "md5");
    assert_eq!(md5.unwrap()["paper"][1]["counts"]["requests"].as_array().unwrap().len(), 3);
    let quadratic = json["plugins"].as_array().unwrap().iter();
    let quadratic = quadratic.clone().find(|p| p["about"]["name"] == "quadratic").unwrap();
    assert!(quadratic["virtual_nodes"]["not_applicable"].is_string());

    for name in ["plugins", "paper", "ring", "reach", "balance", "moves", "virtual-nodes", "cost"] {
        let mut csv = csv::Reader::from_path(folder.join(format!("{name}.csv"))).unwrap();
        assert_eq!(csv.headers().unwrap().get(0), Some("plugin"));
        let rows: Vec<csv::StringRecord> = csv.records().map(Result::unwrap).collect();
        let plugins: BTreeSet<&str> = rows.iter().filter_map(|r| r.get(0)).collect();
        assert!(plugins.contains("md5") && plugins.contains("virtual-node"), "{name}: {plugins:?}");
    }
    let lines = |name: &str, start: &str| {
        let sheet = fs::read_to_string(folder.join(name)).unwrap();
        sheet.lines().filter(|line| line.starts_with(start)).count()
    };
    assert_eq!(lines("virtual-nodes.csv", "quadratic,,,,it has no virtual nodes"), 1);
    let balance = fs::read_to_string(folder.join("balance.csv")).unwrap();
    let full = "virtual-node,512,60,uniform,,,,60 servers of 9 virtual nodes do not fit";
    assert!(balance.lines().any(|line| line.starts_with(full)), "{balance}");
}

#[test]
fn a_ring_that_there_is_not_is_a_row_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let mut comparison = comparison().clone();
    for plugin in &mut comparison.plugins {
        plugin.ring = Figure(Err("no ring".into()));
    }
    report::write(&comparison, folder.path()).unwrap();
    let ring = fs::read_to_string(folder.path().join("ring.csv")).unwrap();
    assert_eq!(ring.matches(",,,,,no ring").count(), comparison.plugins.len(), "{ring}");
}

#[test]
fn what_cannot_be_written_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let told = report::write(comparison(), file.path()).unwrap_err().to_string();
    assert!(told.starts_with(&file.path().display().to_string()), "{told}");
}

/// The page's drawings.
fn drawings(html: &str) -> Vec<&str> {
    let from_svg = html.split("<svg").skip(1).filter_map(|rest| rest.split_once("</svg>"));
    from_svg.map(|(svg, _)| svg).collect()
}

#[test]
fn the_page_shows_every_plugin_in_sound_drawings() {
    let folder = tempfile::tempdir().unwrap();
    let page = fs::read_to_string(report::write(comparison(), folder.path()).unwrap()).unwrap();
    let drawings = drawings(&page);
    assert!(drawings.len() > 15, "{}", drawings.len());
    for drawing in drawings {
        let svg = format!("<svg{drawing}</svg>");
        let svg = roxmltree::Document::parse(&svg).unwrap();
        let texts = |name| svg.root_element().children().any(|n| n.tag_name().name() == name);
        assert!(texts("title") && texts("desc"));
        let numbers = svg.descendants().flat_map(|n| n.attributes().map(|a| a.value().to_owned()));
        assert!(!numbers.into_iter().any(|n| n.contains("NaN") || n.contains("inf")));
    }
    for plugin in &comparison().plugins {
        assert!(page.contains(&plugin.about.name));
    }
    assert!(page.contains("reaches 87 of 512 slots"));
}

#[test]
fn the_terminal_shows_the_figures_and_what_they_mean() {
    let text = report::text(comparison());
    let row = text.lines().find(|line| line.contains("virtual-node")).unwrap();
    assert!(row.contains("87 of 512"), "{text}");
    assert!(text.contains("n/a: virtual-node: 60 servers of 9 virtual nodes do not fit"), "{text}");
    assert!(text.contains("spread is a placement policy"), "{text}");
    assert!(text.contains("Few moves mean nothing without balance."), "{text}");
}

/// What is told where md5, alone, is even but moves so much when a server joins.
fn told_of_even_md5(share: f64, needless: f64) -> String {
    let mut comparison = comparison().clone();
    comparison.plugins.retain(|p| p.about.name == "md5");
    let md5 = &mut comparison.plugins[0];
    for moves in md5.moves.iter_mut().filter(|m| m.change == Change::AddOne) {
        moves.moved = Figure(Ok(Moved { share, needless }));
    }
    for spreads in &mut md5.spreads {
        spreads.spread.0.iter_mut().for_each(|spread| spread.peak_to_mean = 1.01);
    }
    report::text(&comparison)
}

#[test]
fn balance_that_costs_many_moves_is_told_too() {
    let told = told_of_even_md5(0.91, 0.82);
    assert!(told.contains("Balance means nothing without few moves. md5 moves 91 %"), "{told}");
    assert!(told.contains("82 % of the keys go from one old server to another"), "{told}");
    let told = told_of_even_md5(0.1, 0.0);
    assert!(!told.contains("Balance means nothing"), "{told}");
}

#[test]
fn what_is_said_of_the_papers_function_is_said_of_no_other_of_its_name() {
    let mut comparison = comparison().clone();
    assert!(report::text(&comparison).contains("H. That of quadratic"));
    for plugin in &mut comparison.plugins {
        plugin.cost.native = Figure(Err("another function".into()));
    }
    let told = report::text(&comparison);
    assert!(!told.contains("H. That of") && !told.contains("Φ of small numbers"), "{told}");
}

#[test]
fn needless_moves_are_those_on_the_slots_of_the_table() {
    let mut comparison = comparison().clone();
    comparison.plugins.retain(|p| p.about.name == "virtual-node");
    let plugin = &mut comparison.plugins[0];
    let mut elsewhere = plugin.moves[0].clone();
    (elsewhere.slots, elsewhere.moved) = (7, Figure(Ok(Moved { share: 0.9, needless: 0.87 })));
    plugin.moves.push(elsewhere);
    assert!(!report::text(&comparison).contains("87 %"));
}
