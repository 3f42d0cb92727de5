//! Small plots as inline SVG, and the page around them.
//!
//! A page is one file that needs nothing else: no script, no font, no network. Its colours are
//! CSS variables, so that it is light or dark as its reader is, and light on paper. Every plot has
//! a title and a description for those who hear it, and every section may have the figures as a
//! table.

mod axis;
mod bars;
mod lines;
mod page;
mod plot;
mod strip;
mod style;
mod table;
mod terminal;
mod timeline;

pub use axis::{Axis, Scale};
pub use bars::{Bar, Bars, Length, Reference};
pub use lines::{Lines, Series};
pub use page::{Page, Paragraph, Section};
pub use plot::{Colour, Plot};
pub use strip::{Segment, Strip};
pub use table::Table;
pub use terminal::{Exchange, Terminal};
pub use timeline::{Event, Timeline};
