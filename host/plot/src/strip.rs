//! A strip: segments of a line end to end, such as the arcs of a ring cut open.

use maud::{Markup, html};

use crate::plot::{LINE, WIDTH, px, width_of};
use crate::{Colour, Plot};

/// The height of the segments.
const THICK: f64 = 22.0;
/// The height of a mark below them.
const MARK: f64 = 8.0;
/// Shades of a colour that can be told apart.
const SHADES: usize = 6;

/// A strip.
pub struct Strip {
    /// What it shows.
    pub title: String,
    /// The same in a sentence or two, for those who do not see it.
    pub description: String,
    /// Its colour; segments have shades of it.
    pub colour: Colour,
    /// Its whole length.
    pub length: u32,
    /// The segments, in order.
    pub segments: Vec<Segment>,
    /// Places that are marked below.
    pub marks: Vec<u32>,
    /// What the marks are.
    pub marked: String,
}

/// Part of a strip.
pub struct Segment {
    /// The first place of it.
    pub from: u32,
    /// The place after its last.
    pub to: u32,
    /// Whose it is: those of one owner look alike.
    pub owner: usize,
    /// What its owner is called.
    pub label: String,
}

impl Strip {
    /// Draws it.
    pub fn draw(&self) -> Plot {
        let top = THICK + 3.0;
        let drawn = html! {
            g class=(self.colour.class()) {
                @for segment in &self.segments { (self.segment(segment)) }
                @if let Some(marks) = self.marks_path() {
                    path class="marks" d=(marks) {}
                }
            }
            text class="tick" x="0" y=(px(top + MARK + LINE - 2.0)) { "0" }
            text class="tick" x=(px(WIDTH / 2.0)) y=(px(top + MARK + LINE - 2.0))
                text-anchor="middle" { (self.marked) }
            text class="tick" x=(px(WIDTH)) y=(px(top + MARK + LINE - 2.0)) text-anchor="end" {
                (self.length)
            }
        };
        Plot::frame(&self.title, &self.description, top + MARK + LINE + 2.0, drawn)
    }

    fn x(&self, place: u32) -> f64 {
        WIDTH * f64::from(place) / f64::from(self.length.max(1))
    }

    fn segment(&self, segment: &Segment) -> Markup {
        let (from, to) = (self.x(segment.from), self.x(segment.to));
        html! {
            rect class={ "segment s" (segment.owner % SHADES) } x=(px(from)) width=(px(to - from))
                y="0" height=(px(THICK)) {
                title { (segment.label) ": " (segment.from) " to " (segment.to - 1) }
            }
            @if width_of(&segment.label) + 4.0 < to - from {
                text class={ "on s" (segment.owner % SHADES) } x=(px((from + to) / 2.0))
                    y=(px(THICK / 2.0 + 4.0)) text-anchor="middle" { (segment.label) }
            }
        }
    }

    /// One path for all marks: there may be thousands.
    fn marks_path(&self) -> Option<String> {
        let mark = |&place: &u32| {
            let x = self.x(place) + self.x(1) / 2.0;
            format!("M{} {}v{MARK}", px(x), THICK + 3.0)
        };
        (!self.marks.is_empty()).then(|| self.marks.iter().map(mark).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::tests::{attributes, parsed};

    #[test]
    fn segments_lie_end_to_end() {
        let segment =
            |from, to, owner: usize| Segment { from, to, owner, label: format!("{owner}") };
        let plot = Strip {
            title: "t".into(),
            description: "d".into(),
            colour: Colour(0),
            length: 512,
            segments: vec![segment(0, 256, 1), segment(256, 260, 2), segment(260, 512, 1)],
            marks: vec![0, 511],
            marked: "slots".into(),
        }
        .draw();
        let (x, width) = (attributes(&plot, "segment", "x"), attributes(&plot, "segment", "width"));
        assert!((x[0] + width[0] - x[1]).abs() < 0.2 && (x[1] + width[1] - x[2]).abs() < 0.2);
        assert!((x[2] + width[2] - WIDTH).abs() < 0.2);
        parsed(&plot, |svg| {
            let on = svg.descendants().filter(|n| n.attribute("class") == Some("on s1"));
            assert_eq!(on.count(), 2, "long segments are labelled");
            assert!(!svg.descendants().any(|n| n.attribute("class") == Some("on s2")));
        });
        assert!(plot.svg().contains("M0.4 25v8M359.6 25v8"), "{}", plot.svg());
    }
}
