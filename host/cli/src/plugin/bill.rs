//! What a swap would change, for people.

use comfy_table::{Cell, CellAlignment, Table};
use serde_json::Value;

use crate::output::{bytes, items, percent, table, text};

/// The bill that `PUT /plugins/active` answers to a dry run.
pub(super) fn told(bill: &Value) -> String {
    let parts = [("hash", hash as fn(&Value) -> String), ("placement", placement)];
    let told = parts.iter().filter(|(kind, _)| !bill[kind].is_null());
    told.map(|(kind, told)| told(&bill[kind])).collect::<Vec<_>>().join("\n\n")
}

/// Where requests would go.
fn hash(bill: &Value) -> String {
    let peak = &bill["peak_to_mean"];
    let times = |when: &str| figure(peak[when].as_f64(), |times| format!("{times:.2}"));
    let peak = match peak.is_null() {
        true => String::new(),
        false => format!(
            "\nbusiest server {} → {} times its fair share",
            times("before"),
            times("after")
        ),
    };
    let mut table = table(["server", "now", "then", "change"]);
    for (server, share) in bill["servers"].as_object().into_iter().flatten() {
        let of = |when: &str| share[when].as_f64();
        let change = of("after").zip(of("before")).map(|(after, before)| after - before);
        table.add_row([
            server.clone(),
            percent(&share["before"]),
            percent(&share["after"]),
            figure(change, |change| format!("{:+.1}", change * 100.0)),
        ]);
    }
    format!(
        "hash {} → {}\n{} of {} request ids go to another server{peak}\n\n{}",
        text(&bill["from"]),
        text(&bill["to"]),
        percent(&bill["moved"]),
        text(&bill["ids"]),
        figures(table, 1..=3),
    )
}

/// Which copies would move.
fn placement(bill: &Value) -> String {
    let swap = format!("placement {} → {}", text(&bill["from"]), text(&bill["to"]));
    let moves: Vec<&Value> = items(&bill["moves"]).collect();
    if moves.is_empty() {
        return format!("{swap}\nit would move nothing");
    }
    let mut table = table(["shard", "from", "to", "bytes", "gain", "why"]);
    for proposed in &moves {
        table.add_row([
            Cell::new(text(&proposed["shard"])),
            Cell::new(proposed["from"].as_str().unwrap_or("a new copy")),
            Cell::new(text(&proposed["to"])),
            Cell::new(bytes(proposed["bytes"].as_u64())),
            Cell::new(proposed["gain"].as_f64().map_or_else(String::new, |g| format!("{g:.2}"))),
            Cell::new(text(&proposed["reason"])),
        ]);
    }
    format!(
        "{swap}\nasked to rebalance now, it would make {}, {} in all; the swap makes none\n\n{}",
        if moves.len() == 1 { "1 move".to_owned() } else { format!("{} moves", moves.len()) },
        bytes(bill["bytes"].as_u64()),
        figures(table, 3..=4),
    )
}

/// A figure. The active plugin may be what fails: then there is none of how things are.
fn figure(figure: Option<f64>, show: impl FnOnce(f64) -> String) -> String {
    figure.map_or_else(|| "n/a".into(), show)
}

/// Columns of figures end at one line.
fn figures(mut table: Table, columns: std::ops::RangeInclusive<usize>) -> Table {
    for position in columns {
        if let Some(column) = table.column_mut(position) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_hash_functions_bill_tells_what_moves_and_who_gets_what() {
        let told = told(&json!({"hash": {
            "from": "virtual-node", "to": "mine", "ids": 100_000, "moved": 0.666,
            "peak_to_mean": {"before": 2.508, "after": 1.1},
            "servers": {"Server0": {"before": 0.836, "after": 0.34},
                "Server1": {"before": 0.048, "after": 0.33}},
        }, "placement": null}));
        assert!(
            told.starts_with("hash virtual-node → mine\n66.6 % of 100000 request ids"),
            "{told}"
        );
        assert!(told.contains("busiest server 2.51 → 1.10 times its fair share"), "{told}");
        let row = |name: &str| told.lines().find(|l| l.contains(name)).unwrap_or_default();
        for part in ["83.6 %", "34.0 %", "-49.6"] {
            assert!(row("Server0").contains(part), "{part}: {told}");
        }
        assert!(row("Server1").contains("+28.2"), "{told}");
    }

    #[test]
    fn without_servers_there_is_no_balance_to_tell() {
        let told = told(&json!({"hash": {"from": "a", "to": "b", "ids": 1, "moved": 0.0,
            "peak_to_mean": null, "servers": {}}}));
        assert!(!told.contains("busiest"), "{told}");
    }

    #[test]
    fn what_the_active_function_fails_to_tell_is_not_applicable() {
        let told =
            told(&json!({"hash": {"from": "broken", "to": "mine", "ids": 100, "moved": null,
            "peak_to_mean": {"before": null, "after": 1.1},
            "servers": {"Server0": {"before": null, "after": 0.34}}}}));
        assert!(told.contains("n/a of 100 request ids"), "{told}");
        assert!(told.contains("busiest server n/a → 1.10 times"), "{told}");
        let row = told.lines().find(|l| l.contains("Server0")).unwrap_or_default();
        assert!(row.matches("n/a").count() == 2 && row.contains("34.0 %"), "{told}");
    }

    #[test]
    fn a_policys_bill_tells_each_move_and_what_it_costs() {
        let told = told(&json!({"placement": {"from": "spread", "to": "greedy", "bytes": 1536,
            "moves": [{"shard": "sh1", "from": "Server0", "to": "Server3", "reason": "it is full",
                "gain": 2.0, "bytes": 1536}]}}));
        assert!(told.contains("make 1 move, 1.5 KiB in all; the swap makes none"), "{told}");
        let row = told.lines().find(|l| l.contains("sh1")).unwrap_or_default();
        for part in ["Server0", "Server3", "1.5 KiB", "2.00", "it is full"] {
            assert!(row.contains(part), "{part}: {told}");
        }
    }

    #[test]
    fn a_policy_that_moves_nothing_says_so() {
        let bill = json!({"placement": {"from": "a", "to": "b", "bytes": null, "moves": []}});
        assert_eq!(told(&bill), "placement a → b\nit would move nothing");
    }
}
