//! The page around the plots.

use maud::{DOCTYPE, PreEscaped, html};

use crate::style::{DRAWING, palette};
use crate::{Plot, Table};

const STYLE: &str = include_str!("page.css");

/// A page: one file of HTML that needs no other.
pub struct Page {
    /// Its title.
    pub title: String,
    /// What it is about, in a sentence or two.
    pub lead: String,
    /// From top to bottom.
    pub sections: Vec<Section>,
}

/// Part of a page.
#[derive(Default)]
pub struct Section {
    /// Its heading.
    pub heading: String,
    /// What is said before the plots.
    pub text: Vec<Paragraph>,
    /// Plots, as many beside each other as fit.
    pub plots: Vec<Plot>,
    /// The figures; on a screen those that are not shown at once are folded away.
    pub tables: Vec<Table>,
}

/// A paragraph.
pub struct Paragraph {
    /// Its first words, which stand out; there may be none.
    pub opening: String,
    /// The others.
    pub text: String,
}

impl From<String> for Paragraph {
    fn from(text: String) -> Self {
        Paragraph { opening: String::new(), text }
    }
}

impl From<&str> for Paragraph {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl Page {
    /// The whole file.
    pub fn html(&self) -> String {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.title) }
                    style {
                        (PreEscaped(DRAWING)) (PreEscaped(STYLE)) (PreEscaped(palette()))
                    }
                }
                body {
                    header { h1 { (self.title) } p class="lead" { (self.lead) } }
                    main { @for section in &self.sections { (section.markup()) } }
                }
            }
        }
        .into_string()
    }
}

impl Section {
    fn markup(&self) -> maud::Markup {
        html! {
            section {
                h2 { (self.heading) }
                @for Paragraph { opening, text } in &self.text {
                    p { @if !opening.is_empty() { strong { (opening) } " " } (text) }
                }
                @if !self.plots.is_empty() {
                    div class="plots" { @for plot in &self.plots { (plot.figure()) } }
                }
                @let (shown, folded): (Vec<&Table>, Vec<&Table>) =
                    self.tables.iter().partition(|table| table.open);
                @for table in shown { div class="scroll" { (table.markup()) } }
                @if !folded.is_empty() {
                    details {
                        summary { "The figures" }
                        @for table in folded { div class="scroll" { (table.markup()) } }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> String {
        let table = Table {
            caption: "c".into(),
            header: vec!["name".into(), "n".into()],
            rows: vec![vec!["<b>".into(), "1".into()]],
            open: false,
        };
        let plot = Plot::frame("p", "d", 1.0, html! {});
        let section = Section {
            heading: "h".into(),
            text: vec![Paragraph { opening: "First".into(), text: "a & b".into() }],
            plots: vec![plot],
            tables: vec![table],
        };
        Page { title: "t".into(), lead: "l".into(), sections: vec![section] }.html()
    }

    #[test]
    fn it_is_whole_and_escaped() {
        let html = page();
        assert!(html.starts_with("<!DOCTYPE html>") && html.ends_with("</html>"));
        assert!(
            html.contains("<p><strong>First</strong> a &amp; b</p>")
                && html.contains("&lt;b&gt;")
                && !html.contains("<b>")
        );
        assert!(html.contains("<figcaption>p</figcaption><svg"));
        assert!(html.contains(".c15{"), "every colour has its class");
    }

    #[test]
    fn it_needs_nothing_else() {
        let html = page();
        for asset in ["<script", "<link", "src=", "url(", "@import"] {
            assert!(!html.contains(asset), "{asset}");
        }
    }

    #[test]
    fn it_follows_its_reader_and_is_light_on_paper() {
        assert!(DRAWING.contains("@media screen and (prefers-color-scheme: dark)"));
        assert!(STYLE.contains("@media print"));
    }

    #[test]
    fn a_table_is_folded_away_unless_it_is_open() {
        let table = |caption: &str, open| Table {
            caption: caption.into(),
            header: Vec::new(),
            rows: Vec::new(),
            open,
        };
        let section = Section {
            tables: vec![table("folded", false), table("open", true)],
            ..Section::default()
        };
        let html = Page { title: "t".into(), lead: "l".into(), sections: vec![section] }.html();
        let place = |text: &str| html.find(text).unwrap_or_default();
        assert!(place("<caption>open") < place("<details>"), "{html}");
        assert!(place("<details>") < place("<caption>folded"), "{html}");
    }
}
