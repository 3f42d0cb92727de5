//! Random histories: clients on a few hot keys while servers and balancers fail as chance has
//! it. Whatever happens, some order of all that was answered explains it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use ringwright_history::{Call, History, Outcome};
use ringwright_model::Key;
use ringwright_replication::WriteError;
use ringwright_wire::Op;
use tokio::task::JoinHandle;

use crate::harness::{Balancer, Dice, Faulty, SHARDS, TERM, World, delete, insert, soon, update};

/// Keys of both shards, written one by one.
const KEYS: [Key; 4] = [1, 2, 101, 102];

/// A key of either shard; they are written together only, so that whoever reads both must find
/// both alike.
const PAIR: [Key; 2] = [50, 150];

const CLIENTS: u64 = 4;
/// How many operations of each client are answered, however many are asked.
const ANSWERS: u64 = 30;

/// One world with everything that goes on in it.
struct Run {
    world: World,
    /// The last one is in charge; the others live on.
    balancers: Mutex<Vec<Balancer>>,
    upkeep: Mutex<Option<JoinHandle<()>>>,
    history: History,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_histories_are_linearizable() {
    let seeds = match std::env::var("RINGWRIGHT_SEED") {
        Ok(seed) => vec![seed.parse().expect("RINGWRIGHT_SEED is a number")],
        Err(_) => (1..=8).collect(),
    };
    for seed in seeds {
        random_history(seed).await;
    }
}

async fn random_history(seed: u64) {
    let run = Arc::new(Run::new().await);
    run.set_dice(Some(Dice::new(seed, [8, 8, 8], Duration::from_millis(2))));
    let random = |n| StdRng::seed_from_u64(seed * 100 + n);
    let clients: Vec<_> =
        (1..=CLIENTS).map(|n| tokio::spawn(client(run.clone(), n, random(n)))).collect();
    let mut chance = random(0);
    while clients.iter().any(|c| !c.is_finished()) {
        run.trouble(&mut chance).await;
    }
    for client in clients {
        client.await.unwrap_or_else(|failed| panic!("seed {seed}: {failed}"));
    }
    let balancer = run.heal().await;
    assert!(run.read(&balancer, 0, 199).await);
    if let Err(violation) = run.history.check() {
        panic!("seed {seed}: {violation}");
    }
    run.world.assert_agree(&balancer).await;
    // A history of failures only would prove nothing.
    assert!(balancer.vat("sh1") > 5 && balancer.vat("sh2") > 5, "seed {seed}");
}

async fn client(run: Arc<Run>, client: u64, mut random: StdRng) {
    let (mut asked, mut answered) = (0, 0);
    while answered < ANSWERS {
        asked += 1;
        let balancer = run.some_balancer(&mut random);
        let key = KEYS[random.random_range(0..KEYS.len())];
        let kind = random.random_range(0..3);
        let change = |key: Key| change(kind, key, &format!("{key}.{client}-{asked}"));
        let answer = match random.random_range(0..10) {
            0..2 => run.read(&balancer, key, key).await,
            2..4 => run.read(&balancer, 0, 199).await,
            4..6 => run.write(&balancer, PAIR.map(change).into()).await,
            _ => run.write(&balancer, vec![change(key)]).await,
        };
        if answer {
            answered += 1;
        } else {
            tokio::time::sleep(Duration::from_millis(10)).await; // better days may come
        }
    }
}

fn change(kind: u32, key: Key, row: &str) -> Op {
    match kind {
        0 => insert(key, row),
        1 => update(key, row),
        _ => delete(key),
    }
}

impl Run {
    async fn new() -> Run {
        let (world, balancer) = World::with(3).await;
        let run = Run {
            world,
            balancers: Mutex::default(),
            upkeep: Mutex::default(),
            history: History::default(),
        };
        run.put_in_charge(balancer);
        run
    }

    fn put_in_charge(&self, balancer: Balancer) {
        *self.upkeep.lock() = Some(tokio::spawn(balancer.cluster.clone().upkeep()));
        self.balancers.lock().push(balancer);
    }

    fn balancer(&self) -> Balancer {
        self.balancers.lock().last().unwrap().clone()
    }

    /// The one in charge, or now and then one that was.
    fn some_balancer(&self, random: &mut StdRng) -> Balancer {
        let balancers = self.balancers.lock();
        let last = balancers.len() - 1;
        let which = if random.random_ratio(1, 10) { random.random_range(0..=last) } else { last };
        balancers[which].clone()
    }

    fn set_dice(&self, dice: Option<Arc<Dice>>) {
        self.world.servers.values().for_each(|server| server.dice(dice.clone()));
        self.world.store.dice(dice);
    }

    /// Reads a range; says whether it was answered.
    async fn read(&self, balancer: &Balancer, low: Key, high: Key) -> bool {
        let keys = KEYS.into_iter().chain(PAIR).filter(|key| (low..=high).contains(key));
        let call = |key| (key, self.history.call(ringwright_history::Op::Read(key)));
        let calls: Vec<(Key, Call)> = keys.map(call).collect();
        let Ok(rows) = balancer.rows(low, high).await else {
            calls.into_iter().for_each(|(_, call)| call.undone());
            return false;
        };
        let key = |row: &str| row.split_once('.').unwrap().0.parse().unwrap();
        let found: BTreeMap<Key, String> = rows.into_iter().map(|row| (key(&row), row)).collect();
        for (key, call) in calls {
            call.returned(Outcome::Row(found.get(&key).cloned()));
        }
        let half = PAIR.map(|key| found.get(&key).map(|row| row.split_once('.').unwrap().1));
        assert_eq!(half[0], half[1], "half a request was seen");
        true
    }

    /// Makes a request of changes; says whether it was answered.
    async fn write(&self, balancer: &Balancer, ops: Vec<Op>) -> bool {
        let call = |op: &Op| (op.key(), self.history.call(recorded(op)));
        let calls: Vec<(Key, Call)> = ops.iter().map(call).collect();
        let outcome = balancer.write(ops).await;
        for (key, call) in calls {
            match &outcome {
                Ok(_) => call.returned(Outcome::Done),
                // Of the keys that did not stand in the way it says nothing.
                Err(WriteError::Refused(refusal)) if refusal.key == key => {
                    call.returned(Outcome::Refused);
                }
                Err(WriteError::Unknown(_)) => drop(call), // done or not
                Err(
                    WriteError::Refused(_)
                    | WriteError::NotInCharge(_)
                    | WriteError::Unavailable { .. },
                ) => call.undone(),
                Err(other) => panic!("{other}"),
            }
        }
        matches!(outcome, Ok(_) | Err(WriteError::Refused(_)))
    }

    /// Something goes wrong while something is put right.
    async fn trouble(&self, random: &mut StdRng) {
        let balancer = self.balancer();
        let mut some = || self.world.servers.values().nth(random.random_range(0..3)).unwrap();
        let (broken, mended) = (some(), some());
        let a_while = Duration::from_millis(random.random_range(0..10));
        let what = random.random_range(0..10);
        if what == 0 {
            // Alone: nobody may come to count on the disk meanwhile.
            return self.change_disk(&balancer, broken, random.random_range(0..4)).await;
        }
        let breaking = async {
            tokio::time::sleep(a_while).await;
            match what {
                1..4 => broken.crash().await,
                4..6 => balancer.detach(broken),
                6 => self.supersede().await,
                7 => {
                    balancer.clock.jump(self.world.settings.history + Duration::from_secs(2));
                    balancer.cluster.collect().await;
                }
                _ => {}
            }
        };
        tokio::join!(breaking, self.mend(&balancer, mended));
    }

    /// A server loses its disk and gets another, empty or old; but not one that counts on it.
    async fn change_disk(&self, balancer: &Balancer, server: &Faulty, disk: u32) {
        balancer.detach(server);
        // Writes that go on without it leave it behind.
        tokio::time::sleep(Duration::from_millis(20)).await;
        for shard in SHARDS {
            if self.world.in_sync(shard).await.iter().any(|name| name == server.name()) {
                return;
            }
        }
        server.restart_on(disk).await;
    }

    /// Another balancer takes charge, once it has lapsed at the one that has it.
    async fn supersede(&self) {
        let upkeep = self.upkeep.lock().take();
        if let Some(upkeep) = upkeep {
            upkeep.abort();
            let _ = upkeep.await; // aborted
        }
        self.balancer().clock.jump(TERM);
        let next = self.world.balancer().await;
        self.put_in_charge(next);
    }

    /// Does once what a supervisor does all the time. What fails is tried again later.
    async fn mend(&self, balancer: &Balancer, server: &Faulty) {
        if server.storage().is_none() {
            server.restart().await;
        }
        let view = balancer.cluster.view();
        let member = &view.servers[server.name()];
        if member.link().is_none() || member.is_suspect() {
            let _ = balancer.attach(server).await;
        }
        for shard in SHARDS {
            let _ = balancer.join(shard, server).await;
        }
    }

    /// All goes well again, under a new balancer.
    async fn heal(&self) -> Balancer {
        self.set_dice(None);
        self.supersede().await;
        let balancer = self.balancer();
        soon(async {
            // Once at least: they may all be in sync, and down.
            loop {
                for server in self.world.servers.values() {
                    self.mend(&balancer, server).await;
                }
                if SHARDS.iter().all(|shard| balancer.in_sync(shard).len() >= 3) {
                    break;
                }
            }
        })
        .await;
        balancer
    }
}

/// The change as the history tells it.
fn recorded(op: &Op) -> ringwright_history::Op {
    let text = |row: &str| row.trim_matches('"').to_owned();
    match op {
        Op::Insert { key, row } => ringwright_history::Op::Insert(*key, text(row)),
        Op::Update { key, row } => ringwright_history::Op::Update(*key, text(row)),
        Op::Delete { key } => ringwright_history::Op::Delete(*key),
    }
}
