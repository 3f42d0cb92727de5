//! Names and numbers of servers.

use std::collections::BTreeSet;

use rand::RngExt;
use ringwright_control::check_name;
use ringwright_replication::View;

use super::ShapeError;

/// Gives each name its server number (the smallest free from 1) and makes up the names that are
/// left out, until there are `n`.
pub(super) fn assign(
    view: &View,
    names: &[String],
    n: usize,
) -> Result<Vec<(u32, String)>, ShapeError> {
    let mut taken: BTreeSet<u32> = view.servers.values().map(|m| m.id).collect();
    let mut all: Vec<(u32, String)> = Vec::with_capacity(n);
    let mut next_id = || {
        let id = (1..).find(|id| !taken.contains(id)).unwrap_or(u32::MAX);
        taken.insert(id);
        id
    };
    for name in names {
        check_name(name).map_err(|e| ShapeError::Invalid(format!("field 'servers': {e}")))?;
        if view.servers.contains_key(name) {
            return Err(ShapeError::Clash(format!("server '{name}' is in the cluster already")));
        }
        if all.iter().any(|(_, n)| n == name) {
            return Err(ShapeError::Invalid(format!("server '{name}' is given twice")));
        }
        all.push((next_id(), name.clone()));
    }
    while all.len() < n {
        let id = next_id();
        let free =
            |name: &String| !view.servers.contains_key(name) && !all.iter().any(|(_, n)| n == name);
        let name = (id..).map(|i| format!("Server{i}")).find(free);
        all.push((id, name.unwrap_or_default()));
    }
    Ok(all)
}

/// Fills a name's template: `Server[5]` becomes `Server` and a random number.
pub(super) fn fill_template(name: &str) -> String {
    match name.split_once('[') {
        Some((prefix, rest)) if rest.ends_with(']') => {
            format!("{prefix}{}", rand::rng().random_range(10_000..100_000))
        }
        _ => name.to_owned(),
    }
}

/// Names as the paper's messages spell them: `Server:4 and Server:58127`.
pub fn spell<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let spelled: Vec<String> = names
        .map(|name| {
            let prefix = name.trim_end_matches(|c: char| c.is_ascii_digit());
            match &name[prefix.len()..] {
                "" => name.to_owned(),
                number => format!("{prefix}:{number}"),
            }
        })
        .collect();
    spelled.join(" and ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    #[test]
    fn names_are_spelled_as_in_the_paper() {
        let names = ["Server4", "Server58127", "db"];
        assert_eq!(spell(names.into_iter()), "Server:4 and Server:58127 and db");
    }

    #[test]
    fn a_template_gets_a_random_number() {
        let name = fill_template("Server[5]");
        let number: u32 = name.strip_prefix("Server").unwrap().parse().unwrap();
        assert!((10_000..100_000).contains(&number));
        assert_eq!(fill_template("Server5"), "Server5");
    }

    #[test]
    fn numbers_and_names_are_made_up_where_left_out() {
        let named = assign(&View::default(), &["Server3".into(), "x".into()], 4).unwrap();
        let expected = [(1, "Server3"), (2, "x"), (3, "Server4"), (4, "Server5")];
        assert_eq!(named, expected.map(|(i, n)| (i, n.to_owned())));
        assert!(assign(&View::default(), &["x".into(), "x".into()], 2).is_err());
    }
}
