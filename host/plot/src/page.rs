//! The page around the plots.

use std::fmt::Write as _;

use maud::{DOCTYPE, PreEscaped, html};

use crate::{Colour, Plot, Table};

const STYLE: &str = include_str!("style.css");

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
    /// The figures, folded away on a screen.
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
                    style { (PreEscaped(STYLE)) (PreEscaped(palette())) }
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
                @if !self.tables.is_empty() {
                    details {
                        summary { "The figures" }
                        @for table in &self.tables { div class="scroll" { (table.markup()) } }
                    }
                }
            }
        }
    }
}

/// A class a colour.
fn palette() -> String {
    (0..Colour::COUNT).map(Colour).fold(String::new(), |mut css, colour| {
        let (class, hue) = (colour.class(), colour.hue());
        let (light, chroma) = if colour.is_soft() { ("--soft", 0.1) } else { ("--deep", 0.14) };
        // Writing to a String cannot fail.
        let _ = write!(css, ".{class}{{--c:oklch(var({light}) {chroma} {hue})}}");
        css
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> String {
        let table = Table {
            caption: "c".into(),
            header: vec!["name".into(), "n".into()],
            rows: vec![vec!["<b>".into(), "1".into()]],
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
        assert!(STYLE.contains("@media screen and (prefers-color-scheme: dark)"));
        assert!(STYLE.contains("@media print"));
    }
}
