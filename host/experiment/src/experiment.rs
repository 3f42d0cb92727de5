//! Which experiments there are.

use std::fmt;
use std::str::FromStr;

use anyhow::Result;

use crate::{Lab, Outcome, Scope, balance, losing, recovery, rows, swap};

/// An experiment: of the paper's two parts each, and the protocols beside each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Experiment {
    /// Requests on three servers.
    Balance,
    /// Requests on more and more servers.
    Scale,
    /// A server killed under requests.
    Recovery,
    /// Other hash functions, swapped in.
    Swap,
    /// Rows written and read.
    Rows,
    /// The same with more replicas.
    Replicas,
    /// The same on more and more servers.
    Servers,
    /// A server dropped under reads and writes.
    Dropped,
    /// The paper's protocol and ours under one schedule.
    Protocol,
}

use Experiment as E;

impl Experiment {
    /// All there are, in the paper's order.
    pub const ALL: [Experiment; 9] = [
        E::Balance,
        E::Scale,
        E::Recovery,
        E::Swap,
        E::Rows,
        E::Replicas,
        E::Servers,
        E::Dropped,
        E::Protocol,
    ];

    /// What it is called on the command line.
    pub fn name(self) -> &'static str {
        match self {
            E::Balance => "1-A-1",
            E::Scale => "1-A-2",
            E::Recovery => "1-A-3",
            E::Swap => "1-A-4",
            E::Rows => "2-A-1",
            E::Replicas => "2-A-2",
            E::Servers => "2-A-3",
            E::Dropped => "2-A-4",
            E::Protocol => "protocol",
        }
    }

    /// What it is about.
    pub fn title(self) -> &'static str {
        match self {
            E::Balance => "Load distribution across 3 servers",
            E::Scale => "Load distribution while servers are added",
            E::Recovery => "A server killed under requests",
            E::Swap => "Other hash functions, swapped in while it runs",
            E::Rows => "Writes and reads in the default configuration",
            E::Replicas => "Writes and reads with 7 replicas",
            E::Servers => "Writes and reads on more and more servers",
            E::Dropped => "A server dropped under writes and reads",
            E::Protocol => "The paper’s protocol and ours under one schedule",
        }
    }

    /// About how many requests it sends.
    fn requests(self, scope: &Scope) -> usize {
        let Scope { requests, balanced, scaled, rate, around, heartbeat, .. } = scope;
        match self {
            E::Balance => *requests,
            E::Scale => requests * balanced.len(),
            E::Swap => 2 * requests * (balanced.len() + 1),
            E::Rows => 4 * requests,
            E::Replicas => 2 * requests,
            E::Servers => 2 * requests * scaled.len(),
            E::Recovery | E::Dropped => {
                let seconds = (2 * *around + 8 * *heartbeat).as_secs_f64();
                (seconds * f64::from(*rate)) as usize
            }
            E::Protocol => 0,
        }
    }
}

impl fmt::Display for Experiment {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Experiment {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let is_it = |e: &Experiment| e.name().eq_ignore_ascii_case(name);
        Experiment::ALL.into_iter().find(is_it).ok_or_else(|| {
            let names = Experiment::ALL.map(Experiment::name);
            format!("there are {}", names.join(", "))
        })
    }
}

/// About how many requests these experiments send.
pub fn steps(which: &[Experiment], scope: &Scope) -> u64 {
    which.iter().map(|experiment| experiment.requests(scope) as u64).sum()
}

/// Does an experiment.
///
/// # Errors
/// Where a cluster does not start, or answers as none does.
pub async fn run(lab: &Lab, experiment: Experiment) -> Result<Outcome> {
    match experiment {
        E::Balance => balance::three(lab).await,
        E::Scale => balance::more(lab).await,
        E::Recovery => recovery::requests(lab).await,
        E::Swap => swap::run(lab).await,
        E::Rows => rows::baseline(lab).await,
        E::Replicas => rows::replicas(lab).await,
        E::Servers => rows::servers(lab).await,
        E::Dropped => recovery::rows(lab).await,
        E::Protocol => losing::run(lab).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_experiment_is_found_by_its_name() {
        for experiment in Experiment::ALL {
            assert_eq!(experiment.name().parse(), Ok(experiment));
        }
        assert_eq!("2-a-3".parse(), Ok(Experiment::Servers));
        let told = "3-A-1".parse::<Experiment>();
        assert!(told.is_err_and(|told| told.contains("1-A-1, 1-A-2") && told.contains("protocol")));
    }
}
