//! How what was measured stands beside what the paper says of it.

use crate::Lab;
use crate::lab::cores;

/// Something that the paper says, and how it came out here.
pub(crate) struct Claim {
    holds: bool,
    told: String,
}

impl Claim {
    /// What is told where it holds, and where it does not.
    pub fn new(holds: bool, yes: impl Into<String>, no: impl Into<String>) -> Self {
        Claim { holds, told: if holds { yes.into() } else { no.into() } }
    }
}

/// What agrees with the paper, and what differs from it and why.
pub(crate) fn verdict(claims: &[Claim], why: &str) -> String {
    let told = |holds: bool| {
        let some = claims.iter().filter(|claim| claim.holds == holds);
        some.map(|claim| claim.told.as_str()).collect::<Vec<_>>().join("; ")
    };
    match (told(true), told(false)) {
        (agrees, differs) if differs.is_empty() => format!("Agrees with the paper: {agrees}."),
        (agrees, differs) if agrees.is_empty() => {
            format!("Differs from the paper: {differs}, {why}.")
        }
        (agrees, differs) => {
            format!("Agrees with the paper: {agrees}. Differs from it: {differs}, {why}.")
        }
    }
}

/// Why more replicas or servers bring no speed.
pub(crate) fn one_machine() -> String {
    format!(
        "as all servers share the {} processors of one machine with the clients: another of them \
         adds work, not capacity",
        cores()
    )
}

/// Loads beside those that the functions make; so many requests failed.
pub(crate) fn loads(agree: bool, failed: usize) -> String {
    let claim = Claim::new(
        agree,
        "the loads are as near to what its functions give over all six-digit ids as chance allows",
        "the loads are further from what its functions give over all six-digit ids than chance \
         allows",
    );
    let why = match failed {
        0 => "and no request failed that would explain it".to_owned(),
        n => format!("where {n} requests failed"),
    };
    verdict(&[claim], &why)
}

/// Part 2, A-2: how many times as fast writes and reads are with more replicas.
pub(crate) fn replicas(writes: f64, reads: f64) -> String {
    let claims = [
        Claim::new(
            reads > 1.05,
            format!("reads got faster with more replicas, {reads:.2} times as fast"),
            format!("its reads got faster with more replicas, these are {reads:.2} times as fast"),
        ),
        Claim::new(
            writes < 0.95,
            format!("writes got slower, {writes:.2} times as fast"),
            format!("its writes got slower, these are {writes:.2} times as fast"),
        ),
    ];
    verdict(&claims, &one_machine())
}

/// What more and more servers made of writes and reads.
pub(crate) struct Growth {
    pub servers: u64,
    /// All writes, in seconds.
    pub writes_s: f64,
    /// A write, in milliseconds.
    pub write_ms: f64,
    /// All reads, in seconds.
    pub reads_s: f64,
}

/// Part 2, A-3. What 'stabilised after a certain point' and 'slightly' mean, the paper does not
/// say: here within a tenth from the middle of the run on, and within a quarter.
pub(crate) fn servers(all: &[Growth]) -> String {
    let (Some(first), Some(last)) = (all.first(), all.last()) else { return String::new() };
    let middle = &all[(all.len() - 1) / 2];
    let (from, half, to) = (first.servers, middle.servers, last.servers);
    let total = last.writes_s / first.writes_s;
    let mean = last.write_ms / middle.write_ms;
    let reads = || all.iter().map(|growth| growth.reads_s);
    let apart = reads().fold(0.0, f64::max) / reads().fold(f64::MAX, f64::min);
    let claims = [
        Claim::new(
            total > 1.05,
            format!("the total write time grew, {total:.2} times from {from} to {to} servers"),
            format!(
                "its total write time grew, this is {total:.2} times as long on {to} as on {from} servers"
            ),
        ),
        Claim::new(
            mean <= 1.1,
            format!("the mean write time stabilised, {mean:.2} times from {half} to {to} servers"),
            format!(
                "its mean write time stabilised, this still grew {mean:.2} times from {half} to {to} servers"
            ),
        ),
        Claim::new(
            apart <= 1.25,
            format!("read times fluctuated slightly, the longest is {apart:.2} times the shortest"),
            format!(
                "its read times fluctuated slightly, of these the longest is {apart:.2} times the shortest"
            ),
        ),
    ];
    verdict(&claims, &one_machine())
}

/// A recovery: when the replacement was up, in seconds after the kill, if it was; and the same of
/// the paper's.
pub(crate) fn recovery(lab: &Lab, up: Option<f64>, papers: u32) -> Claim {
    Claim::new(
        up.is_some(),
        format!(
            "the server was given up after missed heartbeats and replaced, {:.1} s after the kill \
             and not {papers} s, with heartbeats every {:?} and not every 10 s",
            up.unwrap_or_default(),
            lab.scope.heartbeat
        ),
        "its server was given up and replaced, this was not",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_replicas_are_held_against_what_the_paper_says() {
        let both = replicas(0.6, 1.3);
        assert!(both.starts_with("Agrees") && !both.contains("Differs"), "{both}");
        let half = replicas(0.61, 0.84);
        assert!(half.contains("Agrees with the paper: writes got slower, 0.61 times"), "{half}");
        assert!(half.contains("Differs from it: its reads got faster"), "{half}");
        assert!(half.contains("these are 0.84 times as fast, as all servers share the"), "{half}");
        let none = replicas(1.0, 1.0);
        assert!(none.starts_with("Differs") && !none.contains("Agrees"), "{none}");
    }

    #[test]
    fn more_servers_are_held_against_what_the_paper_says() {
        let growth = |servers, writes_s, reads_s| Growth {
            servers,
            writes_s,
            write_ms: 10.0 * writes_s,
            reads_s,
        };
        let steady = [growth(2, 1.0, 0.5), growth(6, 2.0, 0.55), growth(10, 2.1, 0.5)];
        assert!(!servers(&steady).contains("Differs"), "{}", servers(&steady));
        // As measured once.
        let grown =
            servers(&[growth(2, 1.15, 0.40), growth(6, 2.43, 0.58), growth(10, 4.12, 0.98)]);
        assert!(
            grown.contains("Agrees with the paper: the total write time grew, 3.58"),
            "{grown}"
        );
        assert!(grown.contains("this still grew 1.70 times from 6 to 10 servers"), "{grown}");
        assert!(grown.contains("the longest is 2.45 times the shortest, as all"), "{grown}");
    }
}
