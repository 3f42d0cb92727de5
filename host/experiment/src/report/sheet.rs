//! The requests of an experiment, each, as CSV.

use anyhow::Result;

use crate::Outcome;

/// A line a request: its run and number, when it was due, how much later it was sent, how long
/// after it was due it was answered, its status, whether its row was found where that was looked
/// for, and the server. The balancer does not tell which server read a row: the last is then empty.
pub(crate) fn csv(outcome: &Outcome) -> Result<Vec<u8>> {
    let mut sheet = csv::Writer::from_writer(Vec::new());
    let header = ["run", "request", "start_s", "lag_s", "latency_s", "status", "found", "server"];
    sheet.write_record(header)?;
    for run in &outcome.runs {
        for sample in &run.samples {
            sheet.write_record([
                run.name.clone(),
                sample.request.to_string(),
                format!("{:.6}", sample.start.as_secs_f64()),
                format!("{:.6}", sample.lag.as_secs_f64()),
                format!("{:.6}", sample.latency.as_secs_f64()),
                sample.status.to_string(),
                sample.found.map_or("", |found| if found { "yes" } else { "no" }).to_owned(),
                sample.server.clone().unwrap_or_default(),
            ])?;
        }
    }
    Ok(sheet.into_inner()?)
}
