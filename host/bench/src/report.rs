//! The results, for people and for machines.

use anyhow::Result;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, Table};
use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::cpu::Cpu;
use crate::measured::{Kind, Measured};
use crate::median;

/// CPUs that are busy for more of the time than this are what limits.
const FULL: f64 = 0.9;

/// Everything that was measured of one way to run it.
pub struct Report {
    /// What was measured.
    pub title: &'static str,
    /// What it was measured against.
    pub yardstick: &'static str,
    /// One a kind and number of clients.
    pub rows: Vec<Row>,
    /// The balancer's memory at the end, where it can be told.
    pub balancer_mb: Option<f64>,
}

/// Balancer and yardstick under the same load.
pub struct Row {
    kind: Kind,
    clients: u16,
    /// Through the balancer.
    pub balancer: Side,
    /// What it is measured against.
    pub yardstick: Side,
    /// Who had the CPUs while the balancer was measured.
    pub cpu: Cpu,
}

/// The measurements of one of them, a round each.
pub struct Side {
    per_second: Vec<f64>,
    latencies: Histogram<u64>,
}

impl Row {
    /// Nothing measured yet.
    pub fn new(kind: Kind, clients: u16) -> Result<Self> {
        let (balancer, yardstick) = (Side::new()?, Side::new()?);
        Ok(Row { kind, clients, balancer, yardstick, cpu: Cpu::default() })
    }

    fn ratio(&self) -> f64 {
        self.balancer.per_second() / self.yardstick.per_second()
    }

    /// What limits it: a line for people.
    fn limit(&self) -> String {
        let shares: Vec<_> = self.cpu.shares().into_iter().filter(|(_, s)| *s >= 0.01).collect();
        let told = shares.iter().map(|(class, share)| format!("{class} {:.0} %", share * 100.0));
        let (busy, told) = (self.cpu.busy(), told.collect::<Vec<_>>().join(", "));
        let limit = if busy > FULL { "the CPUs limit it" } else { "it waits for disk and turns" };
        format!(
            "{}s, {} clients: the CPUs are {:.0} % busy ({told}): {limit}",
            self.kind,
            self.clients,
            busy * 100.0
        )
    }
}

impl Side {
    fn new() -> Result<Self> {
        Ok(Side { per_second: Vec::new(), latencies: Histogram::new(3)? })
    }

    /// Adds a round.
    pub fn add(&mut self, measured: &Measured) -> Result<()> {
        self.latencies.add(&measured.latencies)?;
        let requests = measured.latencies.len() as f64;
        self.per_second.push(requests / measured.time.as_secs_f64());
        Ok(())
    }

    fn per_second(&self) -> f64 {
        median(self.per_second.iter().copied())
    }

    fn spread(&self) -> (f64, f64) {
        let rates = || self.per_second.iter().copied();
        (rates().fold(f64::INFINITY, f64::min), rates().fold(0.0, f64::max))
    }

    fn milliseconds(&self, quantile: f64) -> f64 {
        self.latencies.value_at_quantile(quantile) as f64 / 1000.0
    }

    fn cells(&self) -> [String; 4] {
        let (least, most) = self.spread();
        [
            format!("{:.0}", self.per_second()),
            format!("{least:.0}–{most:.0}"),
            format!("{:.2}", self.milliseconds(0.5)),
            format!("{:.2}", self.milliseconds(0.99)),
        ]
    }

    fn json(&self) -> Value {
        json!({"requests_per_second": self.per_second(), "rounds": self.per_second,
            "mean_ms": self.latencies.mean() / 1000.0,
            "p50_ms": self.milliseconds(0.5), "p99_ms": self.milliseconds(0.99)})
    }
}

impl Report {
    /// For people.
    pub fn text(&self) -> String {
        let of = |name: &str| {
            [format!("{name} req/s"), "rounds".into(), "p50 ms".into(), "p99 ms".into()]
        };
        let mut header = vec![String::new(), "clients".into()];
        header.extend(of("balancer"));
        header.extend(of(self.yardstick));
        header.extend([format!("/ {}", self.yardstick), "/ 1 client".into()]);
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED).set_header(header);
        for row in &self.rows {
            let one = self.rows.iter().find(|r| r.kind == row.kind && r.clients == 1);
            let mut cells = vec![row.kind.to_string(), row.clients.to_string()];
            cells.extend(row.balancer.cells());
            cells.extend(row.yardstick.cells());
            cells.push(format!("{:.2}", row.ratio()));
            cells.push(one.map_or_else(String::new, |one| {
                format!("{:.1}", row.balancer.per_second() / one.balancer.per_second())
            }));
            let right = |cell| Cell::new(cell).set_alignment(CellAlignment::Right);
            table.add_row(cells.into_iter().map(right));
        }
        let mut lines = vec![format!("{}\n{table}", self.title)];
        lines.extend(self.balancer_mb.map(|mb| format!("the balancer has {mb:.0} MB resident")));
        let most = self.rows.iter().map(|row| row.clients).max();
        lines.extend(self.rows.iter().filter(|row| Some(row.clients) == most).map(Row::limit));
        lines.join("\n")
    }

    /// For machines.
    pub fn json(&self) -> Value {
        let row = |row: &Row| {
            json!({"kind": row.kind.to_string(), "clients": row.clients, "ratio": row.ratio(),
                "balancer": row.balancer.json(), "yardstick": row.yardstick.json(),
                "cpu": row.cpu.json()})
        };
        json!({"what": self.title, "yardstick": self.yardstick,
            "measured": self.rows.iter().map(row).collect::<Vec<_>>(),
            "balancer_resident_mb": self.balancer_mb})
    }
}
