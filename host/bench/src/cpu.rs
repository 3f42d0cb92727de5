//! Who has the CPUs while something is measured, by what `/proc` tells of each process.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// The processes that descend from one belong to it.
pub type Roots = Vec<(u32, &'static str)>;

/// CPU time since the system started, in ticks.
struct Snapshot {
    /// By whose it is.
    classes: BTreeMap<&'static str, u64>,
    busy: u64,
    all: u64,
}

/// Shares of the CPU time of some stretches.
#[derive(Default)]
pub struct Cpu {
    classes: BTreeMap<&'static str, u64>,
    busy: u64,
    all: u64,
}

impl Cpu {
    /// Adds the stretch in which something is done.
    pub async fn during<T>(
        &mut self,
        roots: &Roots,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let before = Snapshot::take(roots)?;
        let done = work.await?;
        let after = Snapshot::take(roots)?;
        for (class, ticks) in after.classes {
            let before = before.classes.get(class).copied().unwrap_or(0);
            *self.classes.entry(class).or_default() += ticks.saturating_sub(before);
        }
        self.busy += after.busy.saturating_sub(before.busy);
        self.all += after.all.saturating_sub(before.all);
        Ok(done)
    }

    fn share(&self, ticks: u64) -> f64 {
        ticks as f64 / self.all.max(1) as f64
    }

    /// The share of all CPU time in which there was work.
    pub fn busy(&self) -> f64 {
        self.share(self.busy)
    }

    /// Who had which share, the largest first; what is nobody's named is "others".
    pub fn shares(&self) -> Vec<(&'static str, f64)> {
        let known = self.classes.values().sum();
        let mut all: Vec<_> = self.classes.iter().map(|(c, t)| (*c, self.share(*t))).collect();
        all.push(("others and the kernel", self.share(self.busy.saturating_sub(known))));
        all.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        all
    }

    /// For machines.
    pub fn json(&self) -> Value {
        let shares: serde_json::Map<_, _> =
            self.shares().into_iter().map(|(class, share)| (class.into(), share.into())).collect();
        json!({"busy": self.busy(), "shares": shares})
    }
}

impl Snapshot {
    fn take(roots: &Roots) -> Result<Self> {
        let processes: HashMap<u32, Process> = std::fs::read_dir("/proc")?
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter_map(|pid| Some((pid, Process::read(pid)?)))
            .collect();
        let roots: HashMap<u32, &str> =
            roots.iter().copied().chain([(std::process::id(), "the clients")]).collect();
        let mut classes = BTreeMap::new();
        for (pid, process) in &processes {
            if let Some(class) = class_of(*pid, &processes, &roots) {
                *classes.entry(class).or_default() += process.ticks;
            }
        }
        let stat = std::fs::read_to_string("/proc/stat")?;
        let line = stat.lines().next().context("/proc/stat is empty")?;
        // user nice system idle iowait irq softirq steal; those of guests are among the users'.
        let ticks: Vec<u64> =
            line.split_whitespace().skip(1).take(8).filter_map(|t| t.parse().ok()).collect();
        let all = ticks.iter().sum();
        let idle: u64 = ticks.iter().skip(3).take(2).sum();
        Ok(Snapshot { classes, busy: all - idle, all })
    }
}

struct Process {
    parent: u32,
    ticks: u64,
    is_postgres: bool,
    is_shard_server: bool,
}

impl Process {
    /// None where it has ended.
    fn read(pid: u32) -> Option<Self> {
        let folder = Path::new("/proc").join(pid.to_string());
        let stat = std::fs::read_to_string(folder.join("stat")).ok()?;
        // The name, in brackets, may hold anything.
        let (name, rest) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let field = |n: usize| fields.get(n)?.parse::<u64>().ok();
        let words = std::fs::read(folder.join("cmdline")).unwrap_or_default();
        Some(Process {
            parent: u32::try_from(field(1)?).ok()?,
            ticks: field(11)? + field(12)?,
            is_postgres: name.ends_with("(postgres"),
            is_shard_server: words.split(|b| *b == 0).any(|word| word == b"shard-server"),
        })
    }
}

/// Whose a process is: of the first root among it and its ancestors.
fn class_of(
    pid: u32,
    processes: &HashMap<u32, Process>,
    roots: &HashMap<u32, &'static str>,
) -> Option<&'static str> {
    let process = processes.get(&pid)?;
    let mut at = pid;
    let root = loop {
        match roots.get(&at) {
            Some(root) => break *root,
            None => at = processes.get(&at)?.parent,
        }
    };
    Some(match root {
        "the shard servers" if process.is_postgres => "their Postgres",
        // A balancer without containers has them as its children.
        "the balancer" if process.is_shard_server => "the shard servers",
        root => root,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    #[test]
    fn a_process_is_of_its_nearest_root() {
        let process = |parent, is_postgres, is_shard_server| Process {
            parent,
            ticks: 1,
            is_postgres,
            is_shard_server,
        };
        let processes = HashMap::from([
            (1, process(0, false, false)),
            (2, process(1, false, false)),
            (3, process(2, false, false)),
            (4, process(3, false, true)),
            (5, process(1, false, true)),
            (6, process(5, true, false)),
        ]);
        let roots =
            HashMap::from([(2, "the clients"), (3, "the balancer"), (5, "the shard servers")]);
        let class = |pid| class_of(pid, &processes, &roots);
        assert_eq!(class(1), None);
        assert_eq!(class(2), Some("the clients"));
        assert_eq!(class(3), Some("the balancer"));
        assert_eq!(class(4), Some("the shard servers"));
        assert_eq!(class(6), Some("their Postgres"));
    }

    #[tokio::test]
    async fn work_of_ours_is_seen() {
        let mut cpu = Cpu::default();
        let work = async {
            let began = std::time::Instant::now();
            while began.elapsed().as_millis() < 300 {}
            Ok(())
        };
        cpu.during(&Roots::new(), work).await.unwrap();
        let (class, share) = cpu.shares().into_iter().find(|(c, _)| *c == "the clients").unwrap();
        assert!(share > 0.0 && cpu.busy() > 0.0, "{class} {share}");
    }
}
