//! Names and numbers of servers.

use std::collections::BTreeSet;

use rand::RngExt;
use ringwright_control::check_name;
use ringwright_replication::View;

use super::ShapeError;

/// Gives each name its server number (the smallest free from 1) and makes up the names that are
/// left out, until there are `n`. The request calls the list of names `field`.
pub(super) fn assign(
    view: &View,
    field: &str,
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
        check_name(name).map_err(|e| ShapeError::Invalid(format!("field '{field}': {e}")))?;
        if view.servers.contains_key(name) {
            return Err(ShapeError::Clash(format!("server '{name}' is in the cluster already")));
        }
        if all.iter().any(|(_, n)| n == name) {
            let message = format!("field '{field}': server '{name}' is given twice");
            return Err(ShapeError::Invalid(message));
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

/// Fills the templates among names: `Server[5]` becomes `Server` and a random number, which no
/// other one of the request gets, nor makes the name of a server there is.
pub(super) fn fill_templates<'a>(
    view: &View,
    names: impl Iterator<Item = &'a str> + Clone,
) -> Vec<String> {
    let given: BTreeSet<&str> = names.clone().collect();
    let mut drawn = BTreeSet::new();
    let mut fill = |name: &str| match name.split_once('[') {
        // There are far more numbers than a cluster may have servers.
        Some((prefix, rest)) if rest.ends_with(']') => loop {
            let number: u32 = rand::rng().random_range(10_000..100_000);
            let name = format!("{prefix}{number}");
            let taken = view.servers.contains_key(&name) || given.contains(name.as_str());
            if !taken && drawn.insert(number) {
                return name;
            }
        },
        _ => name.to_owned(),
    };
    names.map(&mut fill).collect()
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

    fn filled(names: &[&str]) -> Vec<String> {
        fill_templates(&View::default(), names.iter().copied())
    }

    #[test]
    fn a_template_gets_a_random_number() {
        let name = filled(&["Server[5]"]).concat();
        let number: u32 = name.strip_prefix("Server").unwrap().parse().unwrap();
        assert!((10_000..100_000).contains(&number));
        assert_eq!(filled(&["Server5", "a]"]), ["Server5", "a]"]);
    }

    #[test]
    fn templates_of_one_request_draw_different_numbers() {
        // Of a thousand numbers drawn as they come, some would be the same as good as surely.
        let templates: Vec<String> =
            (0..1000).map(|i| format!("{}[{i}]", ["a", "b"][i % 2])).collect();
        let templates: Vec<&str> = templates.iter().map(String::as_str).collect();
        let numbers: BTreeSet<String> =
            filled(&templates).into_iter().map(|name| name[1..].to_owned()).collect();
        assert_eq!(numbers.len(), 1000);
    }

    #[test]
    fn numbers_and_names_are_made_up_where_left_out() {
        let named =
            assign(&View::default(), "servers", &["Server3".into(), "x".into()], 4).unwrap();
        let expected = [(1, "Server3"), (2, "x"), (3, "Server4"), (4, "Server5")];
        assert_eq!(named, expected.map(|(i, n)| (i, n.to_owned())));
        let twice = assign(&View::default(), "hostnames", &["x".into(), "x".into()], 2);
        let told = "field 'hostnames': server 'x' is given twice";
        assert_eq!(twice.unwrap_err().to_string(), told);
    }
}
