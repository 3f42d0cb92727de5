//! The results, for people and for machines.

use std::time::Duration;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, Table};
use serde_json::{Value, json};

/// Everything that was measured.
pub struct Report {
    pub recoveries: Vec<Recovery>,
}

/// One server lost; times are since it was gone.
pub struct Recovery {
    /// Rows in the table.
    pub rows: u64,
    /// Whether the server came back on its disk.
    pub volume_kept: bool,
    /// How long the deployment took to start and to be filled.
    pub loaded: Duration,
    /// The first write acknowledged on each affected shard, the longest of them.
    pub first_write: Duration,
    pub failed_reads: usize,
    pub last_failed_read: Option<Duration>,
    /// The balancer gave the server up.
    pub flatline: Duration,
    /// The replacement answered.
    pub up: Duration,
    /// The last of its replicas was in sync.
    pub in_sync: Duration,
    /// Row versions that were copied.
    pub copied: u64,
}

impl Recovery {
    fn copy_seconds(&self) -> f64 {
        self.in_sync.saturating_sub(self.up).as_secs_f64()
    }

    fn rows_per_second(&self) -> f64 {
        self.copied as f64 / self.copy_seconds()
    }

    fn cells(&self) -> [String; 10] {
        let seconds = |time: Duration| format!("{:.2}", time.as_secs_f64());
        let failed = match self.last_failed_read {
            Some(last) => format!("{}, the last after {} s", self.failed_reads, seconds(last)),
            None => "none".to_owned(),
        };
        [
            self.rows.to_string(),
            if self.volume_kept { "kept" } else { "lost" }.to_owned(),
            self.first_write.as_millis().to_string(),
            failed,
            seconds(self.flatline),
            seconds(self.up),
            seconds(self.in_sync),
            self.copied.to_string(),
            format!("{:.2}", self.copy_seconds()),
            format!("{:.0}", self.rows_per_second()),
        ]
    }

    fn json(&self) -> Value {
        json!({"rows": self.rows, "volume": if self.volume_kept { "kept" } else { "lost" },
            "loaded_seconds": self.loaded.as_secs_f64(),
            "first_write_seconds": self.first_write.as_secs_f64(),
            "failed_reads": self.failed_reads,
            "last_failed_read_seconds": self.last_failed_read.map(|last| last.as_secs_f64()),
            "flatline_seconds": self.flatline.as_secs_f64(),
            "replacement_up_seconds": self.up.as_secs_f64(),
            "in_sync_seconds": self.in_sync.as_secs_f64(),
            "copied_rows": self.copied, "copy_seconds": self.copy_seconds(),
            "copied_rows_per_second": self.rows_per_second()})
    }
}

impl Report {
    /// For people.
    pub fn text(&self) -> String {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED).set_header([
            "rows",
            "volume",
            "writes again, ms",
            "failed reads",
            "FLATLINE s",
            "replacement up s",
            "in sync s",
            "copied rows",
            "copy s",
            "copied rows/s",
        ]);
        for recovery in &self.recoveries {
            let right = |cell| Cell::new(cell).set_alignment(CellAlignment::Right);
            table.add_row(recovery.cells().into_iter().map(right));
        }
        table.to_string()
    }

    /// For machines.
    pub fn json(&self) -> Value {
        json!({"recoveries": self.recoveries.iter().map(Recovery::json).collect::<Vec<_>>()})
    }
}
