//! A terminal, as somebody typed in it and read.

use std::time::Duration;

use maud::{Markup, PreEscaped, html};

use crate::plot::px;

/// Columns and height of a line, in units; a column is as wide as the font makes it.
const COLUMN: f64 = 7.25;
const LINE: f64 = 17.0;
const MARGIN: f64 = 16.0;

/// Time a command takes to be typed, and its answer to be read, a line.
const TYPING: Duration = Duration::from_millis(900);
const READING: Duration = Duration::from_millis(90);

/// A terminal is dark, whatever is around it.
const STYLE: &str = "
    rect { fill: #16181c }
    text { fill: #d6d6d0; font: 12px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace;
           white-space: pre; animation: appear 1ms both }
    .note { fill: #8f959f }
    .prompt { fill: #7fb4e6; font-weight: 600 }
    .command { fill: #fdfdfb; font-weight: 600 }
    @keyframes appear { from { visibility: hidden } to { visibility: visible } }
    @media (prefers-reduced-motion: reduce) { text { animation: none } }
";

/// What happened in a terminal.
pub struct Terminal {
    /// What it shows, for those who cannot see it.
    pub title: String,
    /// From top to bottom.
    pub exchanges: Vec<Exchange>,
}

/// A command and its answer.
pub struct Exchange {
    /// What is said before it; may be empty.
    pub note: String,
    /// The command.
    pub command: String,
    /// What it printed.
    pub answer: String,
}

impl Terminal {
    /// A file of SVG that needs nothing else. Its lines come one after the other, and stay.
    pub fn svg(&self) -> String {
        let lines: Vec<(&str, &str)> = self.exchanges.iter().flat_map(Exchange::lines).collect();
        let columns = lines.iter().map(|(_, text)| text.chars().count()).max().unwrap_or(0) + 2;
        let width = px(2.0 * MARGIN + COLUMN * columns as f64);
        let height = px(2.0 * MARGIN + LINE * lines.len() as f64);
        let mut now = Duration::ZERO;
        let drawn: Vec<Markup> = lines
            .iter()
            .enumerate()
            .map(|(i, (class, text))| {
                now += if *class == "command" { TYPING } else { READING };
                line(class, text, MARGIN + LINE * (i as f64 + 0.75), now)
            })
            .collect();
        html! {
            svg xmlns="http://www.w3.org/2000/svg" width=(width) height=(height)
                viewBox=(format!("0 0 {width} {height}")) role="img" aria-label=(self.title) {
                title { (self.title) }
                style { (PreEscaped(STYLE)) }
                rect width=(width) height=(height) rx="8" {}
                @for line in drawn { (line) "\n" }
            }
        }
        .into_string()
    }
}

impl Exchange {
    /// Its lines, each with its class; an empty one parts it from the next.
    fn lines(&self) -> Vec<(&'static str, &str)> {
        let mut lines = Vec::new();
        if !self.note.is_empty() {
            lines.push(("note", self.note.as_str()));
        }
        lines.push(("command", self.command.as_str()));
        lines.extend(self.answer.trim_end().lines().map(|line| ("answer", line)));
        lines.push(("answer", ""));
        lines
    }
}

fn line(class: &str, text: &str, y: f64, at: Duration) -> Markup {
    let delay = format!("animation-delay:{:.2}s", at.as_secs_f64());
    html! {
        text class=(class) x=(px(MARGIN)) y=(px(y)) style=(delay) xml:space="preserve" {
            @match class {
                "command" => { tspan class="prompt" { "$ " } (text) }
                "note" => { "# " (text) }
                _ => { (text) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    #[test]
    fn what_was_typed_and_read_is_there_in_order() {
        let exchange = Exchange {
            note: "first".into(),
            command: "echo '<a & b>'".into(),
            answer: "<a & b>\n  two\n\n".into(),
        };
        let svg = Terminal { title: "t".into(), exchanges: vec![exchange] }.svg();
        let parsed = roxmltree::Document::parse(&svg).unwrap();
        let texts = parsed.descendants().filter(|n| n.tag_name().name() == "text");
        let said = texts.map(|n| n.descendants().filter_map(|d| d.text().filter(|_| d.is_text())));
        let said: Vec<String> = said.map(Iterator::collect).collect();
        assert_eq!(said, ["# first", "$ echo '<a & b>'", "<a & b>", "  two", ""]);
    }

    #[test]
    fn it_needs_nothing_else() {
        let svg = Terminal { title: String::new(), exchanges: Vec::new() }.svg();
        for asset in ["<script", "<image", "url(", "@import", "href"] {
            assert!(!svg.contains(asset), "{asset}");
        }
    }
}
