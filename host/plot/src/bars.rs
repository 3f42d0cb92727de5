//! Bars, one below the other, each with its label and its figure.

use maud::{Markup, html};

use crate::axis::Axis;
use crate::plot::{LINE, WIDTH, fitting, px, width_of};
use crate::{Colour, Plot};

/// From one bar to the next.
const ROW: f64 = 18.0;
/// The height of a bar.
const THICK: f64 = 11.0;
/// From the top of a row to the line that its text stands on.
const BASELINE: f64 = ROW / 2.0 + 4.0;
/// Between a text and what is beside it.
const GAP: f64 = 5.0;

/// Bars.
pub struct Bars {
    /// What they show.
    pub title: String,
    /// The same in a sentence or two, for those who do not see them.
    pub description: String,
    /// From the start of each bar to the end of the longest.
    pub axis: Axis,
    /// A value that all are held against.
    pub reference: Option<Reference>,
    /// From top to bottom.
    pub bars: Vec<Bar>,
}

/// A value to hold others against.
pub struct Reference {
    /// Where.
    pub value: f64,
    /// What it is.
    pub label: String,
}

/// A bar.
pub struct Bar {
    /// Whose it is.
    pub label: String,
    /// Its colour.
    pub colour: Colour,
    /// How long.
    pub length: Length,
}

/// How long a bar is.
pub enum Length {
    /// So long.
    Of {
        /// Its value.
        value: f64,
        /// So much of it, at its end, is pale: of another kind than the rest.
        pale: f64,
        /// A value of its own to hold it against.
        mark: Option<f64>,
        /// The figure beside it.
        text: String,
    },
    /// There is none, and why.
    None(String),
}

/// Where the columns are.
struct Columns {
    /// The start of the bars.
    start: f64,
    /// The end of the longest.
    end: f64,
    /// The top of the first.
    top: f64,
}

impl Bars {
    /// Draws them.
    pub fn draw(&self) -> Plot {
        let columns = self.columns();
        let height = columns.top + ROW * self.bars.len() as f64;
        let rows = || {
            let top = |i| columns.top + ROW * f64::from(i);
            self.bars.iter().zip((0_u32..).map(top))
        };
        let drawn = html! {
            @for (bar, top) in rows() { (self.bar(bar, &columns, top)) }
            @if let Some(reference) = &self.reference {
                (self.reference(reference, &columns, height))
            }
            @for (bar, top) in rows() { (self.figure(bar, &columns, top)) }
        };
        Plot::frame(&self.title, &self.description, height + 2.0, drawn)
    }

    fn columns(&self) -> Columns {
        let widest = |texts: &mut dyn Iterator<Item = &str>| {
            texts.map(width_of).fold(0.0, f64::max).min(WIDTH / 3.0)
        };
        let labels = widest(&mut self.bars.iter().map(|b| b.label.as_str()));
        let figures = widest(&mut self.bars.iter().filter_map(|b| match &b.length {
            Length::Of { text, .. } => Some(text.as_str()),
            Length::None(_) => None,
        }));
        let top = if self.reference.is_some() { LINE + 2.0 } else { 0.0 };
        Columns { start: labels + GAP, end: WIDTH - figures - GAP, top }
    }

    /// Its label and its length.
    fn bar(&self, bar: &Bar, columns: &Columns, top: f64) -> Markup {
        html! {
            text class="label" x=(px(columns.start - GAP)) y=(px(top + BASELINE)) text-anchor="end" {
                (fitting(&bar.label, columns.start))
            }
            @if let Length::Of { value, pale, mark, .. } = &bar.length {
                @let x = |value: f64| columns.x(&self.axis, value);
                (run(bar.colour, "bar", columns.start, x(value - pale), top))
                @if *pale > 0.0 { (run(bar.colour, "pale", x(value - pale), x(*value), top)) }
                @if let Some(mark) = mark {
                    line class="mark" x1=(px(x(*mark))) x2=(px(x(*mark)))
                        y1=(px(top + 2.0)) y2=(px(top + ROW - 2.0)) {}
                }
            }
        }
    }

    /// What stands beside it, over all lines.
    fn figure(&self, bar: &Bar, columns: &Columns, top: f64) -> Markup {
        let y = px(top + BASELINE);
        match &bar.length {
            Length::Of { value, mark, text, .. } => {
                let end = columns.x(&self.axis, mark.map_or(*value, |mark| mark.max(*value)));
                html! { text class="figure" x=(px(end + GAP)) y=(y) { (text) } }
            }
            Length::None(reason) => {
                let shown = fitting(&format!("n/a: {reason}"), WIDTH - columns.start);
                html! {
                    text class="figure none" x=(px(columns.start)) y=(y) {
                        title { "n/a: " (reason) }
                        (shown)
                    }
                }
            }
        }
    }

    fn reference(&self, reference: &Reference, columns: &Columns, bottom: f64) -> Markup {
        let x = columns.x(&self.axis, reference.value);
        let half = width_of(&reference.label) / 2.0;
        html! {
            line class="reference" x1=(px(x)) x2=(px(x)) y1=(px(LINE)) y2=(px(bottom)) {}
            text class="tick" x=(px(x.clamp(half, WIDTH - half))) y=(px(LINE - 4.0))
                text-anchor="middle" { (reference.label) }
        }
    }
}

impl Columns {
    fn x(&self, axis: &Axis, value: f64) -> f64 {
        self.start + (self.end - self.start) * axis.place(value)
    }
}

fn run(colour: Colour, class: &str, from: f64, to: f64, top: f64) -> Markup {
    html! {
        rect class={ (colour.class()) " " (class) } x=(px(from)) width=(px(to - from))
            y=(px(top + (ROW - THICK) / 2.0)) height=(px(THICK)) {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;
    use crate::Scale;
    use crate::plot::tests::{attributes, parsed};

    fn bar(label: &str, value: f64, pale: f64) -> Bar {
        let length = Length::Of { value, pale, mark: None, text: format!("{value}") };
        Bar { label: label.into(), colour: Colour(0), length }
    }

    fn bars(bars: Vec<Bar>) -> Plot {
        Bars {
            title: "t".into(),
            description: "d".into(),
            axis: Axis::new("", Scale::Linear, 0.0, 100.0),
            reference: Some(Reference { value: 50.0, label: "half".into() }),
            bars,
        }
        .draw()
    }

    #[test]
    fn bars_are_as_long_as_their_values() {
        let plot = bars(vec![bar("a", 100.0, 0.0), bar("b", 50.0, 25.0)]);
        let (solid, pale) = (attributes(&plot, "bar", "width"), attributes(&plot, "pale", "width"));
        assert!((solid[0] - 4.0 * solid[1]).abs() < 0.5, "{solid:?}");
        assert!((solid[1] - pale[0]).abs() < 0.2, "{pale:?}");
    }

    #[test]
    fn what_there_is_not_says_why() {
        let reason = "it cannot lose a server in the middle of the list, by its own account";
        let none =
            Bar { label: "c".into(), colour: Colour(1), length: Length::None(reason.into()) };
        let plot = bars(vec![none]);
        assert!(attributes(&plot, "bar", "width").is_empty());
        parsed(&plot, |svg| {
            let shown = svg.descendants().find(|n| n.attribute("class") == Some("figure none"));
            let texts: Vec<&str> = shown.unwrap().children().filter_map(|n| n.text()).collect();
            assert!(texts[1].starts_with("n/a: it cannot lose") && texts[1].ends_with('…'));
        });
        assert!(plot.svg().contains(reason), "whole, for those who ask");
    }

    #[test]
    fn the_reference_stands_where_its_value_is() {
        let plot = bars(vec![bar("a", 50.0, 0.0)]);
        let end = attributes(&plot, "bar", "x")[0] + attributes(&plot, "bar", "width")[0];
        assert!((attributes(&plot, "reference", "x1")[0] - end).abs() < 0.2);
    }
}
