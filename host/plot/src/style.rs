//! How drawings look, in a page or as a file of their own.

use std::fmt::Write as _;

use crate::Colour;

/// The colours, light and dark, and the parts of a drawing.
pub(crate) const DRAWING: &str = include_str!("drawing.css");

/// A class a colour.
pub(crate) fn palette() -> String {
    (0..Colour::COUNT).map(Colour).fold(String::new(), |mut css, colour| {
        let (class, hue) = (colour.class(), colour.hue());
        let (light, chroma) = if colour.is_soft() { ("--soft", 0.1) } else { ("--deep", 0.14) };
        // Writing to a String cannot fail.
        let _ = write!(css, ".{class}{{--c:oklch(var({light}) {chroma} {hue})}}");
        css
    })
}
