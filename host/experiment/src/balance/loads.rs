//! The requests that each of some servers got.

use serde_json::{Value, json};

use super::names;
use crate::stats::Spread;
use crate::{Finding, Sample};

/// The requests that each of some servers got.
#[derive(Clone)]
pub(crate) struct Loads {
    pub servers: Vec<String>,
    pub counts: Vec<u64>,
    pub failed: usize,
}

impl Loads {
    /// Of these samples.
    pub fn of(samples: &[Sample], servers: Vec<String>) -> Self {
        let good = || samples.iter().filter(|sample| sample.is_good());
        let of = |name: &String| good().filter(|s| s.server.as_ref() == Some(name)).count() as u64;
        let counts: Vec<u64> = servers.iter().map(of).collect();
        let failed = samples.len() - counts.iter().sum::<u64>() as usize;
        Loads { servers, counts, failed }
    }

    pub fn spread(&self) -> Spread {
        Spread::of(&self.counts.iter().map(|&n| n as f64).collect::<Vec<_>>())
    }

    pub fn all(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Whether these are likely to be drawn by chance from such shares of all ids.
    pub fn agree(&self, shares: &[f64]) -> bool {
        let all = self.all() as f64;
        self.counts.len() == shares.len()
            && self.counts.iter().zip(shares).all(|(&count, &share)| {
                let noise = (all * share * (1.0 - share)).sqrt();
                (count as f64 - all * share).abs() <= 4.0 * noise + 1.0
            })
    }

    pub fn json(&self) -> Value {
        let Spread { mean, deviation, least, most } = self.spread();
        json!({"servers": self.servers, "requests": self.counts, "failed": self.failed,
            "mean": mean, "deviation": deviation, "least": least, "most": most})
    }

    pub fn shown(&self) -> String {
        let counts: Vec<String> = self.counts.iter().map(u64::to_string).collect();
        counts.join(" · ")
    }

    /// What so many requests would be, if each server got exactly its share.
    pub fn of_shares(shares: &[f64], requests: usize) -> Self {
        let counts = shares.iter().map(|share| (share * requests as f64).round() as u64).collect();
        Loads { servers: names(shares.len() as u32), counts, failed: 0 }
    }
}

pub(crate) fn findings(all: &[Loads], hash: &str) -> Vec<Finding> {
    let of = |loads: &Loads| {
        let Spread { mean, deviation, least, most } = loads.spread();
        let result = format!(
            "mean {mean:.0}, σ {deviation:.0}, {least:.0} to {most:.0}; {} failed",
            loads.failed
        );
        Finding::new(format!("{} servers, {hash}", loads.counts.len()), result)
    };
    all.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_server_has_its_requests_and_none_those_that_failed() {
        let sample = |status, server: &str| Sample {
            status,
            server: Some(server.to_owned()),
            ..Sample::default()
        };
        let samples = [sample(200, "Server1"), sample(200, "Server2"), sample(503, "Server2")];
        let loads = Loads::of(&samples, names(3));
        assert_eq!((loads.counts.as_slice(), loads.failed), (&[1, 1, 0][..], 1));
    }

    #[test]
    fn loads_agree_with_shares_that_could_have_made_them() {
        let shares = [0.8, 0.2];
        let loads =
            |counts: [u64; 2]| Loads { counts: counts.into(), ..Loads::of_shares(&shares, 0) };
        assert!(Loads::of_shares(&shares, 10_000).agree(&shares));
        assert!(loads([7_900, 2_100]).agree(&shares));
        assert!(!loads([7_800, 2_200]).agree(&shares));
        assert!(!loads([8_000, 2_000]).agree(&[0.8, 0.1, 0.1]));
    }
}
