//! The figures themselves.

use maud::{Markup, html};

/// A table. The first cell of a row names it.
#[derive(Clone)]
pub struct Table {
    /// What it shows.
    pub caption: String,
    /// The names of the columns.
    pub header: Vec<String>,
    /// The cells, row by row.
    pub rows: Vec<Vec<String>>,
    /// Whether it is shown at once: it is to be read, not looked up.
    pub open: bool,
}

impl Table {
    pub(crate) fn markup(&self) -> Markup {
        html! {
            table {
                caption { (self.caption) }
                thead { tr { @for name in &self.header { th scope="col" { (name) } } } }
                tbody {
                    @for row in &self.rows {
                        tr {
                            @for (i, cell) in row.iter().enumerate() {
                                @if i == 0 { th scope="row" { (cell) } }
                                @else { td class=[is_words(cell).then_some("words")] { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Whether a cell is read, not compared with those above and below.
fn is_words(cell: &str) -> bool {
    cell.starts_with(char::is_alphabetic) || cell.contains(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stand_below_each_other_and_words_do_not() {
        let cells =
            ["a", "1.5", "× 2", "n/a: too many", "3 of 4, in all"].map(str::to_owned).into();
        let table =
            Table { caption: String::new(), header: Vec::new(), rows: vec![cells], open: true };
        let html = table.markup().into_string();
        assert!(html.contains(r#"<th scope="row">a</th><td>1.5</td><td>× 2</td>"#), "{html}");
        assert!(html.contains(r#"<td class="words">n/a: too many</td>"#), "{html}");
        assert!(html.contains(r#"<td class="words">3 of 4, in all</td>"#), "{html}");
    }
}
