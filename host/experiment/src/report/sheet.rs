//! The requests of an experiment, each, as CSV.

use anyhow::Result;

use crate::Outcome;

/// A line a request: its run, number, start, latency, status and server. The balancer does not
/// tell which server read a row: the last is then empty.
pub(crate) fn csv(outcome: &Outcome) -> Result<Vec<u8>> {
    let mut sheet = csv::Writer::from_writer(Vec::new());
    sheet.write_record(["run", "request", "start_s", "latency_s", "status", "server"])?;
    for run in &outcome.runs {
        for sample in &run.samples {
            sheet.write_record([
                run.name.clone(),
                sample.request.to_string(),
                format!("{:.6}", sample.start.as_secs_f64()),
                format!("{:.6}", sample.latency.as_secs_f64()),
                sample.status.to_string(),
                sample.server.clone().unwrap_or_default(),
            ])?;
        }
    }
    Ok(sheet.into_inner()?)
}
