//! The paper's Algorithm 1 as printed: every schedule of a few requests, counted.
//!
//! Modelled: one shard, two replicas, no failure at all. What is atomic, and so one step:
//!
//! - *begin*: the balancer takes the VAT for the request (lines 1 and 2);
//! - *process*, one a server: lines 4 to 28 on that server, and line 29 on its answer. The
//!   balancer asks both servers at once, so they process in either order;
//! - *finish*: the VAT is updated and the client answered (lines 31 and 32).
//!
//! A request is those four steps: begin, the two servers in either order, finish. Writers of a
//! shard take turns (the paper's mutex): a create begins only when none is under way. Readers
//! take no lock. So a create and a read have `C(8,4) * 2 * 2 = 280` schedules, and two creates
//! in either order and a read `2 * C(12,4) * 2 * 2 * 2 = 7920`.
//!
//! A schedule is bad when, at its end, an acknowledged row is missing from what some replica
//! shows at the VAT, or the two replicas hold different versions.
//!
//! Line 31 is taken to raise the VAT, never to lower it. As printed it would also let a read
//! put back an old VAT (its `max_VAT` is the one it began with): `Line31::Set` counts that too.

const INFINITE: u8 = u8::MAX;

/// Whether a read runs lines 4 to 6.
#[derive(Clone, Copy, PartialEq)]
enum Reads {
    CleanUp,
    ChangeNothing,
}

/// What line 31 does with a VAT lower than the shard's.
#[derive(Clone, Copy, PartialEq)]
enum Line31 {
    Raise,
    Set,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Create,
    Read,
}

#[derive(Clone, Default, PartialEq)]
struct Server {
    /// Key, CAT, DAT.
    rows: Vec<(usize, u8, u8)>,
    /// Line 11's `currentTerm`.
    term: u8,
}

#[derive(Clone, Copy)]
enum Stage {
    Waiting,
    /// With the VAT it began with, its `max_VAT`, and which servers have processed it.
    Running(u8, u8, [bool; 2]),
    Finished,
}

#[derive(Clone)]
struct Schedule {
    vat: u8,
    servers: [Server; 2],
    requests: Vec<(Kind, Stage)>,
}

/// How many schedules there are, and how many of them end badly.
#[derive(Debug, Default, PartialEq)]
struct Count {
    all: u32,
    bad: u32,
}

fn count(creates: usize, reads: Reads, line_31: Line31) -> Count {
    let mut kinds = vec![Kind::Create; creates];
    kinds.push(Kind::Read);
    let requests = kinds.into_iter().map(|k| (k, Stage::Waiting)).collect();
    let start = Schedule { vat: 0, servers: Default::default(), requests };
    let mut count = Count::default();
    start.enumerate(reads, line_31, &mut count);
    count
}

impl Schedule {
    /// Walks every way the rest can go.
    fn enumerate(&self, reads: Reads, line_31: Line31, count: &mut Count) {
        let mut ended = true;
        for i in 0..self.requests.len() {
            for next in self.steps(i, reads, line_31) {
                ended = false;
                next.enumerate(reads, line_31, count);
            }
        }
        if ended {
            count.all += 1;
            count.bad += u32::from(self.is_bad());
        }
    }

    /// What the request can do next: one step, or one of two.
    fn steps(&self, i: usize, reads: Reads, line_31: Line31) -> Vec<Schedule> {
        let (kind, stage) = self.requests[i];
        let mut next = self.clone();
        match stage {
            Stage::Waiting if kind == Kind::Create && self.a_create_is_under_way() => vec![],
            Stage::Waiting => {
                next.requests[i].1 = Stage::Running(self.vat, self.vat, [false; 2]);
                vec![next]
            }
            Stage::Running(vat, max_vat, processed) => {
                let left: Vec<usize> = (0..2).filter(|s| !processed[*s]).collect();
                if left.is_empty() {
                    next.requests[i].1 = Stage::Finished;
                    next.vat = match line_31 {
                        Line31::Raise => self.vat.max(max_vat),
                        Line31::Set => max_vat,
                    };
                    return vec![next];
                }
                let process = |s: usize| {
                    let mut next = self.clone();
                    let answer = next.servers[s].process(i, kind, vat, reads);
                    let mut processed = processed;
                    processed[s] = true;
                    next.requests[i].1 = Stage::Running(vat, max_vat.max(answer), processed);
                    next
                };
                left.into_iter().map(process).collect()
            }
            Stage::Finished => vec![],
        }
    }

    fn a_create_is_under_way(&self) -> bool {
        self.requests.iter().any(|r| matches!(r, (Kind::Create, Stage::Running(..))))
    }

    /// Every create was acknowledged by now.
    fn is_bad(&self) -> bool {
        let shown = |server: &Server, key| {
            server.rows.iter().any(|&(k, cat, dat)| k == key && cat <= self.vat && self.vat < dat)
        };
        let creates = || (0..self.requests.len()).filter(|i| self.requests[*i].0 == Kind::Create);
        let lost = self.servers.iter().any(|s| creates().any(|key| !shown(s, key)));
        lost || self.servers[0].rows != self.servers[1].rows
    }
}

impl Server {
    /// Lines 4 to 28; the answer is `response.vat`.
    fn process(&mut self, key: usize, kind: Kind, vat: u8, reads: Reads) -> u8 {
        if kind == Kind::Create || reads == Reads::CleanUp {
            self.rows.retain(|(_, cat, dat)| *dat > vat && *cat <= vat);
            self.rows.iter_mut().for_each(|(_, _, dat)| *dat = INFINITE);
        }
        if kind == Kind::Read {
            return 0;
        }
        self.term = self.term.max(vat) + 1;
        self.rows.push((key, self.term, INFINITE));
        self.term
    }
}

#[test]
fn algorithm_1_loses_rows_without_any_failure() {
    assert_eq!(count(1, Reads::CleanUp, Line31::Raise), Count { all: 280, bad: 190 });
    assert_eq!(count(2, Reads::CleanUp, Line31::Raise), Count { all: 7920, bad: 6864 });
}

#[test]
fn reads_that_change_nothing_lose_nothing() {
    assert_eq!(count(1, Reads::ChangeNothing, Line31::Raise), Count { all: 280, bad: 0 });
    assert_eq!(count(2, Reads::ChangeNothing, Line31::Raise), Count { all: 7920, bad: 0 });
}

/// Taken by the letter, line 31 makes it worse: the VAT goes back to where a read began, and
/// then even reads that clean nothing up lose rows.
#[test]
fn a_vat_that_a_read_can_lower_loses_more() {
    assert_eq!(count(1, Reads::CleanUp, Line31::Set), Count { all: 280, bad: 212 });
    assert_eq!(count(2, Reads::CleanUp, Line31::Set), Count { all: 7920, bad: 7128 });
    assert_eq!(count(1, Reads::ChangeNothing, Line31::Set), Count { all: 280, bad: 136 });
    assert_eq!(count(2, Reads::ChangeNothing, Line31::Set), Count { all: 7920, bad: 3168 });
}
