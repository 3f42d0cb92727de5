//! Lines, each with its label at its end.

use maud::{Markup, html};

use crate::axis::{Axis, tick};
use crate::plot::{LINE, WIDTH, fitting, px, width_of};
use crate::{Colour, Plot};

/// The height of the plot.
const HEIGHT: f64 = 250.0;
/// Room for the values on the left.
const LEFT: f64 = 34.0;
/// Room for the label above.
const TOP: f64 = 20.0;
/// Room for the values below and their label.
const BELOW: f64 = 34.0;
/// Between a line's end and its label.
const LEADER: f64 = 14.0;
/// Most points of a line that are dots as well.
const DOTS: usize = 30;
/// The least distance of two labels.
const APART: f64 = 12.0;

/// Lines over one pair of axes.
pub struct Lines {
    /// What they show.
    pub title: String,
    /// The same in a sentence or two, for those who do not see them.
    pub description: String,
    /// To the right.
    pub x: Axis,
    /// Upwards.
    pub y: Axis,
    /// The lines.
    pub series: Vec<Series>,
}

/// A line.
pub struct Series {
    /// Whose it is.
    pub label: String,
    /// Its colour; `None` for one that the others are held against.
    pub colour: Option<Colour>,
    /// From left to right.
    pub points: Vec<(f64, f64)>,
}

impl Lines {
    /// Draws them.
    pub fn draw(&self) -> Plot {
        let shown: Vec<&Series> = self.series.iter().filter(|s| !s.points.is_empty()).collect();
        let ends: Vec<f64> = shown.iter().map(|s| self.y(last(s).1)).collect();
        let places = apart(&ends, APART, TOP, HEIGHT - BELOW);
        let drawn = html! {
            (self.grid())
            @for (series, place) in shown.iter().zip(places) {
                g class=(series.colour.map_or("c-none".to_owned(), Colour::class)) {
                    (self.line(series))
                    (self.label(series, place))
                }
            }
        };
        Plot::frame(&self.title, &self.description, HEIGHT, drawn)
    }

    /// The room right of the lines.
    fn right(&self) -> f64 {
        let widest = self.series.iter().map(|s| width_of(&s.label)).fold(0.0, f64::max);
        LEADER + 3.0 + widest.min(WIDTH / 3.0)
    }

    fn x(&self, value: f64) -> f64 {
        LEFT + 6.0 + (WIDTH - LEFT - 6.0 - self.right()) * self.x.place(value)
    }

    fn y(&self, value: f64) -> f64 {
        let bottom = HEIGHT - BELOW;
        bottom - (bottom - TOP) * self.y.place(value)
    }

    fn grid(&self) -> Markup {
        let (left, right) = (px(LEFT), px(WIDTH - self.right()));
        html! {
            text class="tick" x="0" y="10" { (self.y.label) }
            @for &value in &self.y.ticks {
                line class="grid" x1=(left) x2=(right) y1=(px(self.y(value))) y2=(px(self.y(value))) {}
                text class="tick" x=(px(LEFT - 4.0)) y=(px(self.y(value) + 4.0)) text-anchor="end" {
                    (tick(value))
                }
            }
            @for &value in &self.x.ticks {
                text class="tick" x=(px(self.x(value))) y=(px(HEIGHT - BELOW + LINE))
                    text-anchor="middle" { (tick(value)) }
            }
            text class="tick" x=(px((LEFT + WIDTH - self.right()) / 2.0)) y=(px(HEIGHT - 5.0))
                text-anchor="middle" { (self.x.label) }
        }
    }

    fn line(&self, series: &Series) -> Markup {
        let place = |(x, y): &(f64, f64)| format!("{},{}", px(self.x(*x)), px(self.y(*y)));
        let points: Vec<String> = series.points.iter().map(place).collect();
        html! {
            polyline class="line" points=(points.join(" ")) {}
            @if series.colour.is_some() && series.points.len() <= DOTS {
                @for (x, y) in &series.points {
                    circle class="dot" cx=(px(self.x(*x))) cy=(px(self.y(*y))) r="2.5" {}
                }
            }
        }
    }

    fn label(&self, series: &Series, place: f64) -> Markup {
        let (x, y) = last(series);
        let text = WIDTH - self.right() + LEADER;
        html! {
            line class="leader" x1=(px(self.x(x) + 4.0)) y1=(px(self.y(y))) x2=(px(text - 3.0)) y2=(px(place)) {}
            text class="name" x=(px(text)) y=(px(place + 4.0)) {
                (fitting(&series.label, WIDTH - text))
            }
        }
    }
}

fn last(series: &Series) -> (f64, f64) {
    series.points.last().copied().unwrap_or_default()
}

/// Places near those wanted, no two nearer than the gap, as far as they fit between top and
/// bottom.
pub(crate) fn apart(wanted: &[f64], gap: f64, top: f64, bottom: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|&a, &b| wanted[a].total_cmp(&wanted[b]));
    let mut places = wanted.to_vec();
    let mut least = top;
    for &i in &order {
        places[i] = places[i].max(least);
        least = places[i] + gap;
    }
    let mut most = bottom;
    for &i in order.iter().rev() {
        places[i] = places[i].min(most);
        most = places[i] - gap;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scale;
    use crate::plot::tests::{attributes, parsed};

    #[test]
    fn a_line_of_many_points_has_no_dots() {
        let points = (0..=DOTS).map(|i| (i as f64, 1.0)).collect();
        let plot = Lines {
            title: "t".into(),
            description: "d".into(),
            x: Axis::new("x", Scale::Linear, 0.0, 30.0),
            y: Axis::new("y", Scale::Linear, 0.0, 2.0),
            series: vec![Series { label: "a".into(), colour: Some(Colour(0)), points }],
        };
        assert!(attributes(&plot.draw(), "dot", "cx").is_empty());
    }

    #[test]
    fn labels_keep_apart() {
        let places = apart(&[100.0, 101.0, 20.0, 99.0, 215.0, 216.0], APART, 20.0, 216.0);
        let mut sorted = places.clone();
        sorted.sort_by(f64::total_cmp);
        assert!(sorted.windows(2).all(|w| w[1] - w[0] >= APART), "{places:?}");
        let top = apart(&[20.0, 21.0, 21.0], APART, 20.0, 216.0);
        assert_eq!(top, [20.0, 32.0, 44.0], "none is pushed out above");
        assert!(places[3] < places[0] && places[0] < places[1], "in the order of their lines");
        assert!(places.iter().all(|p| (20.0..=216.0).contains(p)), "{places:?}");
    }

    #[test]
    fn a_line_goes_through_its_points_and_one_without_is_left_out() {
        let series = |label: &str, colour, points: &[(f64, f64)]| Series {
            label: label.into(),
            colour,
            points: points.to_vec(),
        };
        let plot = Lines {
            title: "t".into(),
            description: "d".into(),
            x: Axis::through("servers", Scale::Log, &[10.0, 100.0, 1000.0]),
            y: Axis::new("peak", Scale::Linear, 0.0, 4.0),
            series: vec![
                series("a", Some(Colour(0)), &[(10.0, 0.0), (100.0, 2.0), (1000.0, 4.0)]),
                series("ideal", None, &[(10.0, 1.0), (1000.0, 1.0)]),
                series("nothing", Some(Colour(1)), &[]),
            ],
        }
        .draw();
        let (x, y) = (attributes(&plot, "dot", "cx"), attributes(&plot, "dot", "cy"));
        assert_eq!(x.len(), 3, "no dots where others are held against it");
        assert!((x[2] - x[1] - (x[1] - x[0])).abs() < 0.2, "{x:?}");
        assert!(y[0] > y[1] && y[1] > y[2], "up is more: {y:?}");
        parsed(&plot, |svg| {
            let names = svg.descendants().filter(|n| n.attribute("class") == Some("name"));
            assert_eq!(names.filter_map(|n| n.text()).collect::<Vec<_>>(), ["a", "ideal"]);
        });
    }
}
