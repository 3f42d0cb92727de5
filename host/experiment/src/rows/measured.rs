//! What writes and reads took.

use std::collections::BTreeSet;

use anyhow::Result;
use rand::seq::SliceRandom;
use ringwright_testbed::{Setup, write};
use serde_json::{Value, json};

use super::shape::{Shape, keys};
use crate::lab::{PAPERS, call, look_up};
use crate::stats::Taken;
use crate::verdict::Growth;
use crate::{Finding, Lab, Run, Sample};

/// What writes and reads took in a configuration.
#[derive(Clone)]
pub struct Measured {
    pub(crate) shape: Shape,
    pub(crate) writes: Taken,
    pub(crate) reads: Taken,
    pub(crate) samples: [Vec<Sample>; 2],
    /// Reads that did not find a row whose write was acknowledged.
    pub(crate) lost: usize,
}

/// Writes rows to a new cluster, and reads each of them.
pub(super) async fn measure(lab: &Lab, shape: Shape) -> Result<Measured> {
    let bed = lab.cluster(&Setup::new(shape.init(lab), PAPERS)).await?;
    let keys = keys(lab, &shape, lab.scope.requests);
    let mut order = keys.clone();
    order.shuffle(&mut lab.random(2));
    let written = keys.clone();
    let plan = lab.plan(bed.address(), move |i| call(write(written[i], i as u64 % 101)));
    let writes = lab.send(&format!("writes, {}", shape.name()), plan).await?.samples;
    let asked = order.clone();
    let plan = lab.plan(bed.address(), move |i| look_up(asked[i]));
    let reads = lab.send(&format!("reads, {}", shape.name()), plan).await?.samples;
    Ok(Measured {
        lost: lost((&writes, &keys), (&reads, &order)),
        shape,
        writes: Taken::of(&writes),
        reads: Taken::of(&reads),
        samples: [writes, reads],
    })
}

/// How many reads did not find a row whose write was acknowledged; each with the key of each
/// request.
fn lost((writes, keys): (&[Sample], &[u64]), (reads, order): (&[Sample], &[u64])) -> usize {
    let done = writes.iter().filter(|write| write.is_good()).map(|write| keys[write.request]);
    let acknowledged: BTreeSet<u64> = done.collect();
    let gone = |read: &&Sample| read.missed() && acknowledged.contains(&order[read.request]);
    reads.iter().filter(gone).count()
}

impl Measured {
    pub(super) fn taken(&self) -> [(&'static str, &Taken); 2] {
        [("writes", &self.writes), ("reads", &self.reads)]
    }

    pub(super) fn growth(&self) -> Growth {
        Growth {
            servers: self.shape.servers,
            writes_s: self.writes.total_s,
            write_ms: self.writes.latency_ms.mean,
            reads_s: self.reads.total_s,
        }
    }

    pub(super) fn runs(&self) -> Vec<Run> {
        let run = |((what, _), samples): ((&str, &Taken), &Vec<_>)| Run {
            name: format!("{what}, {}", self.shape.name()),
            samples: samples.clone(),
        };
        self.taken().into_iter().zip(&self.samples).map(run).collect()
    }

    pub(super) fn findings(&self, baseline: &Measured) -> Vec<Finding> {
        let of = |((what, taken), (_, base)): ((&str, &Taken), (&str, &Taken))| {
            let failed = match (taken.failed, taken.missed) {
                (0, _) => String::new(),
                (failed, 0) => format!(", {failed} failed"),
                (failed, missed) => format!(", {failed} failed, {missed} of them found no row"),
            };
            let result = format!(
                "{:.2} s in all, {:.1} ms on average (σ {:.1}), {:.0} a second, speed-up {:.2}{failed}",
                taken.total_s,
                taken.latency_ms.mean,
                taken.latency_ms.deviation,
                taken.per_second(),
                base.total_s / taken.total_s
            );
            Finding::new(format!("{what}, {}", self.shape.name()), result)
        };
        self.taken().into_iter().zip(baseline.taken()).map(of).collect()
    }

    pub(super) fn json(&self, baseline: &Measured) -> Value {
        let of = |taken: &Taken, base: &Taken| {
            json!({"requests": taken.requests, "failed": taken.failed, "missed": taken.missed,
                "total_seconds": taken.total_s, "mean_ms": taken.latency_ms.mean,
                "deviation_ms": taken.latency_ms.deviation, "median_ms": taken.median_ms,
                "p99_ms": taken.p99_ms, "per_second": taken.per_second(),
                "speed_up": base.total_s / taken.total_s})
        };
        let Shape { shards, servers, replicas, .. } = self.shape;
        json!({"shards": shards, "servers": servers, "replicas": replicas,
            "writes": of(&self.writes, &baseline.writes),
            "reads": of(&self.reads, &baseline.reads)})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_row_that_was_acknowledged_can_be_lost() {
        let sample =
            |request, status, found| Sample { request, status, found, ..Sample::default() };
        let writes = [sample(0, 200, None), sample(1, 503, None), sample(2, 200, None)];
        // The third is found, the second was never acknowledged, the first is lost.
        let reads = [2, 1, 0].map(|request| sample(request, 200, Some(request == 0)));
        assert_eq!(lost((&writes, &[7, 8, 9]), (&reads, &[9, 8, 7])), 1);
    }
}
