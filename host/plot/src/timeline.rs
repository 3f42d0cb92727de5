//! A time line: how much went well and how much did not in each stretch of time, and what happened.

use maud::{Markup, html};

use crate::axis::{Axis, tick};
use crate::lines::apart;
use crate::plot::{LINE, WIDTH, fitting, px};
use crate::{Colour, Plot, Scale};

/// Room for the values on the left.
const LEFT: f64 = 34.0;
/// Room for the numbers of the events above.
const TOP: f64 = 34.0;
/// The line that the columns stand on.
const BOTTOM: f64 = 190.0;
/// Room for the times below.
const BELOW: f64 = 34.0;

/// Where the columns end: the last time below is as wide again.
const RIGHT: f64 = WIDTH - 10.0;
/// The least distance of two numbers.
const NUMBER: f64 = 15.0;

/// A time line.
pub struct Timeline {
    /// What it shows.
    pub title: String,
    /// The same in a sentence or two, for those who do not see it.
    pub description: String,
    /// What the columns count.
    pub label: String,
    /// When the first column begins, in seconds.
    pub from: f64,
    /// How much time each column covers, in seconds.
    pub step: f64,
    /// What went well and what did not, by column.
    pub columns: Vec<(f64, f64)>,
    /// What happened, in order.
    pub events: Vec<Event>,
}

/// Something that happened.
pub struct Event {
    /// When, in seconds.
    pub at: f64,
    /// What.
    pub what: String,
}

impl Timeline {
    /// Draws it.
    pub fn draw(&self) -> Plot {
        let most = self.columns.iter().map(|(good, bad)| good + bad).fold(1.0, f64::max);
        let y = Axis::new(&self.label, Scale::Linear, 0.0, most);
        let to = self.from + self.step * self.columns.len() as f64;
        let x = Axis::new("seconds", Scale::Linear, self.from, to);
        let drawn = html! {
            (grid(&x, &y))
            @for (i, column) in self.columns.iter().enumerate() {
                (self.column(i, *column, &x, &y))
            }
            (self.events(&x))
        };
        let height = BOTTOM + BELOW + LINE * self.events.len() as f64 + 4.0;
        Plot::frame(&self.title, &self.description, height, drawn)
    }

    fn column(&self, i: usize, (good, bad): (f64, f64), x: &Axis, y: &Axis) -> Markup {
        let start = self.from + self.step * i as f64;
        let (left, right) = (across(x, start), across(x, start + self.step));
        let (middle, top) = (up(y, good), up(y, good + bad));
        html! {
            g class=(Colour(0).class()) {
                @if good > 0.0 { (block("bar", left, right, middle, BOTTOM)) }
                @if bad > 0.0 { (block("fault", left, right, top, middle)) }
            }
        }
    }

    /// A line for each event with its number, and the list of them.
    fn events(&self, x: &Axis) -> Markup {
        let places: Vec<f64> = self.events.iter().map(|event| across(x, event.at)).collect();
        let numbers = apart(&places, NUMBER, LEFT, RIGHT);
        html! {
            @for (i, (event, place)) in self.events.iter().zip(&places).enumerate() {
                @let number = numbers.get(i).copied().unwrap_or(*place);
                line class="event" x1=(px(*place)) x2=(px(*place)) y1=(px(TOP)) y2=(px(BOTTOM)) {}
                line class="event" x1=(px(number)) x2=(px(*place)) y1=(px(TOP - 6.0)) y2=(px(TOP)) {}
                text class="tick" x=(px(number)) y=(px(TOP - 8.0)) text-anchor="middle" { (i + 1) }
                @let y = px(BOTTOM + BELOW + LINE * (i as f64 + 0.7));
                text class="tick" x=(px(LEFT - 18.0)) y=(y) text-anchor="end" { (i + 1) }
                text class="tick" x=(px(LEFT + 22.0)) y=(y) text-anchor="end" {
                    (format!("{:.2} s", event.at))
                }
                text x=(px(LEFT + 30.0)) y=(y) { (fitting(&event.what, WIDTH - LEFT - 30.0)) }
            }
        }
    }
}

fn grid(x: &Axis, y: &Axis) -> Markup {
    html! {
        text class="tick" x="0" y="10" { (y.label) }
        @for &value in &y.ticks {
            line class="grid" x1=(px(LEFT)) x2=(px(RIGHT)) y1=(px(up(y, value))) y2=(px(up(y, value))) {}
            text class="tick" x=(px(LEFT - 4.0)) y=(px(up(y, value) + 4.0)) text-anchor="end" {
                (tick(value))
            }
        }
        @for &value in &x.ticks {
            text class="tick" x=(px(across(x, value))) y=(px(BOTTOM + LINE)) text-anchor="middle" {
                (tick(value))
            }
        }
        text class="tick" x=(px(WIDTH)) y=(px(BOTTOM + 2.0 * LINE - 2.0)) text-anchor="end" {
            (x.label)
        }
    }
}

fn across(axis: &Axis, value: f64) -> f64 {
    LEFT + (RIGHT - LEFT) * axis.place(value)
}

fn up(axis: &Axis, value: f64) -> f64 {
    BOTTOM - (BOTTOM - TOP) * axis.place(value)
}

fn block(class: &str, left: f64, right: f64, top: f64, bottom: f64) -> Markup {
    html! {
        rect class=(class) x=(px(left)) width=(px((right - left).max(0.1))) y=(px(top))
            height=(px(bottom - top)) {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::tests::{attributes, parsed};

    fn line() -> Plot {
        let event = |at, what: &str| Event { at, what: what.into() };
        Timeline {
            title: "t".into(),
            description: "d".into(),
            label: "requests".into(),
            from: -1.0,
            step: 0.5,
            columns: vec![(10.0, 0.0), (10.0, 0.0), (5.0, 5.0), (0.0, 0.0)],
            events: vec![event(0.0, "killed"), event(0.01, "seen"), event(0.9, "back")],
        }
        .draw()
    }

    #[test]
    fn what_failed_stands_on_what_went_well() {
        let plot = line();
        let (good, bad) =
            (attributes(&plot, "bar", "height"), attributes(&plot, "fault", "height"));
        assert_eq!((good.len(), bad.len()), (3, 1), "nothing is drawn of nothing");
        assert!((good[0] - good[2] - bad[0]).abs() < 0.2, "{good:?} {bad:?}");
        let top = attributes(&plot, "fault", "y")[0];
        assert!((top - attributes(&plot, "bar", "y")[0]).abs() < 0.2);
    }

    #[test]
    fn events_stand_at_their_times_and_are_told() {
        let plot = line();
        let x = attributes(&plot, "event", "x2");
        // Two lines each: the event, and the way to its number.
        assert!((x[0] - (LEFT + (RIGHT - LEFT) / 2.0)).abs() < 0.2, "{x:?}");
        parsed(&plot, |svg| {
            let texts: Vec<&str> = svg.descendants().filter_map(|n| n.text()).collect();
            for told in ["killed", "0.01 s", "back"] {
                assert!(texts.contains(&told), "{told}: {texts:?}");
            }
        });
    }
}
