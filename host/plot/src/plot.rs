//! What all plots share: a frame, a palette, and lengths.

use maud::{Markup, PreEscaped, html};

use crate::style::{DRAWING, palette};

/// The width of every plot in its own units: text in it is readable on a phone, where one unit is
/// about a pixel.
pub(crate) const WIDTH: f64 = 360.0;

const SVG: &str = "http://www.w3.org/2000/svg";

/// The height of a line of text.
pub(crate) const LINE: f64 = 14.0;

/// One of the palette's colours, by number; there are [`Colour::COUNT`], then they repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour(pub usize);

impl Colour {
    /// How many there are.
    pub const COUNT: usize = 16;

    pub(crate) fn class(self) -> String {
        format!("c{}", self.0 % Self::COUNT)
    }

    /// The hue in degrees: eight that are far apart, then the eight between them.
    pub(crate) fn hue(self) -> f64 {
        let (round, step) = (self.0 % Self::COUNT / 8, self.0 % 8);
        (255.0 + 135.0 * step as f64 + 22.5 * round as f64) % 360.0
    }

    /// Whether it is one of the latter, which are lighter and duller.
    pub(crate) fn is_soft(self) -> bool {
        self.0 % Self::COUNT >= 8
    }
}

/// Room around a drawing that is a file of its own.
const MARGIN: f64 = 10.0;

/// A plot that has been drawn.
#[derive(Clone)]
pub struct Plot {
    title: String,
    description: String,
    height: f64,
    drawn: Markup,
    svg: Markup,
}

impl Plot {
    /// Frames what was drawn, `height` units high.
    pub(crate) fn frame(title: &str, description: &str, height: f64, drawn: Markup) -> Self {
        let view = format!("0 0 {WIDTH} {}", px(height));
        let svg = html! {
            svg xmlns=(SVG) viewBox=(view) role="img" aria-label=(title) {
                title { (title) }
                desc { (description) }
                (drawn)
            }
        };
        let (title, description) = (title.to_owned(), description.to_owned());
        Plot { title, description, height, drawn, svg }
    }

    /// What it is called.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// As an SVG file that needs no other: with its title, its colours, and paper behind it.
    pub fn file(&self) -> String {
        let top = MARGIN + LINE + 4.0;
        let (width, height) = (WIDTH + 2.0 * MARGIN, self.height + top + MARGIN);
        let view = format!("{} {} {} {}", px(-MARGIN), px(-top), px(width), px(height));
        let (wide, high) = (px(2.0 * width), px(2.0 * height));
        html! {
            svg xmlns=(SVG) viewBox=(view) width=(wide) height=(high) role="img"
                aria-label=(self.title) {
                title { (self.title) }
                desc { (self.description) }
                style { (PreEscaped(DRAWING)) (PreEscaped(palette())) }
                rect class="paper" x=(px(-MARGIN)) y=(px(-top)) width=(px(width))
                    height=(px(height)) {}
                text class="heading" x="0" y=(px(-MARGIN)) { (fitting(&self.title, WIDTH)) }
                (self.drawn)
            }
        }
        .into_string()
    }

    /// As an HTML figure.
    pub(crate) fn figure(&self) -> Markup {
        html! { figure { figcaption { (self.title) } (self.svg) } }
    }

    /// The SVG alone.
    pub fn svg(&self) -> &str {
        &self.svg.0
    }
}

/// A length in units, to a tenth.
pub(crate) fn px(length: f64) -> String {
    let tenths = format!("{length:.1}");
    tenths.strip_suffix(".0").unwrap_or(&tenths).to_owned()
}

/// About how wide a text is, in units.
pub(crate) fn width_of(text: &str) -> f64 {
    6.0 * text.chars().count() as f64
}

/// As much of a text as fits.
pub(crate) fn fitting(text: &str, width: f64) -> String {
    if width_of(text) <= width {
        return text.to_owned();
    }
    let fits = (width / width_of("x") - 1.0).max(0.0) as usize;
    text.chars().take(fits).chain(['…']).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    /// The texts and the classes in a drawing that is well-formed.
    pub(crate) fn parsed(plot: &Plot, look: impl FnOnce(&roxmltree::Document)) {
        look(&roxmltree::Document::parse(plot.svg()).unwrap());
    }

    /// The attributes of each element of a class.
    pub(crate) fn attributes(plot: &Plot, class: &str, name: &str) -> Vec<f64> {
        let mut found = Vec::new();
        parsed(plot, |svg| {
            let classes = |n: &roxmltree::Node| n.attribute("class").unwrap_or_default().to_owned();
            let of_it = svg.descendants().filter(|n| classes(n).split(' ').any(|c| c == class));
            found = of_it.filter_map(|n| n.attribute(name)?.parse().ok()).collect();
        });
        found
    }

    #[test]
    fn what_it_is_called_cannot_break_out() {
        let plot = Plot::frame("a < b & \"c\"", "</svg>", 10.0, html! {});
        parsed(&plot, |svg| {
            let title = svg.descendants().find(|n| n.has_tag_name((SVG, "title"))).unwrap();
            assert_eq!(title.text(), Some("a < b & \"c\""));
            assert_eq!(svg.root_element().attribute("viewBox"), Some("0 0 360 10"));
        });
    }

    #[test]
    fn a_file_has_its_title_its_colours_and_nothing_from_elsewhere() {
        let file = Plot::frame("a < b", "d", 10.0, html! { rect class="c3 bar" {} }).file();
        let svg = roxmltree::Document::parse(&file).unwrap();
        let of = |name| svg.descendants().filter(|n| n.has_tag_name((SVG, name))).count();
        assert_eq!((of("style"), of("rect"), of("text")), (1, 2, 1));
        assert!(file.contains(".c3{--c:") && file.contains("prefers-color-scheme: dark"));
        assert!(!file.contains("url(") && !file.contains("href"));
    }

    #[test]
    fn a_text_is_cut_where_it_does_not_fit() {
        assert_eq!(fitting("short", 30.0), "short");
        assert_eq!(fitting("much too long", 42.0), "much t…");
    }

    #[test]
    fn no_two_colours_are_alike() {
        let hues: Vec<f64> = (0..Colour::COUNT).map(|i| Colour(i).hue()).collect();
        for (i, a) in hues.iter().enumerate() {
            for b in &hues[..i] {
                let apart = (a - b).abs();
                assert!(apart.min(360.0 - apart) > 10.0, "{a} and {b}");
            }
        }
    }
}
