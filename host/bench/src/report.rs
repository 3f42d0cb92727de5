//! The results, for people and for machines.

use std::time::Duration;

use anyhow::Result;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, Table};
use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::load::{Kind, Measured};

/// Everything that was measured.
pub struct Report {
    /// One a kind and number of clients.
    pub rows: Vec<Row>,
    /// The balancer's memory at the end.
    pub balancer_rss_mb: f64,
}

/// Balancer and shard server under the same load.
pub struct Row {
    kind: Kind,
    clients: u16,
    /// One shard server asked directly.
    pub direct: Side,
    /// Through the balancer.
    pub balancer: Side,
}

/// The measurements of one of them, put together.
pub struct Side {
    latencies: Histogram<u64>,
    time: Duration,
}

impl Row {
    /// Nothing measured yet.
    pub fn new(kind: Kind, clients: u16) -> Result<Self> {
        Ok(Row { kind, clients, direct: Side::new()?, balancer: Side::new()? })
    }
}

impl Side {
    fn new() -> Result<Self> {
        Ok(Side { latencies: Histogram::new(3)?, time: Duration::ZERO })
    }

    /// Adds a measurement.
    pub fn add(&mut self, measured: &Measured) -> Result<()> {
        self.latencies.add(&measured.latencies)?;
        self.time += measured.time;
        Ok(())
    }

    fn per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.time.as_secs_f64()
    }

    fn milliseconds(&self, quantile: f64) -> f64 {
        self.latencies.value_at_quantile(quantile) as f64 / 1000.0
    }

    fn json(&self) -> Value {
        json!({"requests_per_second": self.per_second(), "p50_ms": self.milliseconds(0.5),
            "p99_ms": self.milliseconds(0.99)})
    }
}

impl Report {
    /// For people.
    pub fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED).set_header([
            "",
            "clients",
            "balancer req/s",
            "p50 ms",
            "p99 ms",
            "direct req/s",
            "p50 ms",
            "p99 ms",
            "balancer / direct",
            "balancer / its 1 client",
        ]);
        for row in &self.rows {
            let one = self.rows.iter().find(|r| r.kind == row.kind && r.clients == 1);
            let mut cells = vec![row.kind.to_string(), row.clients.to_string()];
            for side in [&row.balancer, &row.direct] {
                cells.push(format!("{:.0}", side.per_second()));
                cells.push(format!("{:.2}", side.milliseconds(0.5)));
                cells.push(format!("{:.2}", side.milliseconds(0.99)));
            }
            cells.push(format!("{:.2}", row.balancer.per_second() / row.direct.per_second()));
            cells.push(one.map_or_else(String::new, |one| {
                format!("{:.1}", row.balancer.per_second() / one.balancer.per_second())
            }));
            let right = |cell| Cell::new(cell).set_alignment(CellAlignment::Right);
            table.add_row(cells.into_iter().map(right));
        }
        format!("{table}\nthe balancer has {:.0} MB resident", self.balancer_rss_mb)
    }

    /// For machines.
    pub fn json(&self) -> Value {
        let row = |row: &Row| {
            json!({"kind": row.kind.to_string(), "clients": row.clients,
                "balancer": row.balancer.json(), "direct": row.direct.json()})
        };
        json!({"measured": self.rows.iter().map(row).collect::<Vec<_>>(),
            "balancer_resident_mb": self.balancer_rss_mb})
    }
}
