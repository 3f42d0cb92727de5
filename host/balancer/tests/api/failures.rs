//! Servers crash, hang and go while the watch over them is on.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use ringwright_balancer::supervisor::Supervisor;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::support::{Api, Client, Options, one_copy_each, papers_init, row, set};

fn supervised() -> Options {
    let mut options = Options { supervised: true, ..Options::default() };
    options.replication.read_timeout = Duration::from_millis(300);
    options.replication.write_timeout = Duration::from_millis(500);
    // Longer than any of these failures takes to be got over, by far.
    options.replication.patience = Duration::from_secs(10);
    options
}

/// Clients that write rows and read all there are, until they are stopped.
struct Load {
    stop: Arc<AtomicBool>,
    written: Arc<AtomicUsize>,
    writer: JoinHandle<BTreeSet<i64>>,
    reader: JoinHandle<()>,
}

impl Load {
    fn start(api: &Api) -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let written = Arc::new(AtomicUsize::new(0));
        let writer = tokio::spawn(write(api.another_client(), stop.clone(), written.clone()));
        let reader = tokio::spawn(read(api.another_client(), stop.clone()));
        Load { stop, written, writer, reader }
    }

    /// Waits until more is written than by now.
    async fn goes_on(&self, api: &Api) {
        let enough = self.written.load(Ordering::Relaxed) + 10;
        let more = async |_: &Api| (self.written.load(Ordering::Relaxed) >= enough).then_some(());
        api.until("writes go on", more).await;
    }

    /// The keys whose writes were acknowledged; every read had an answer.
    async fn stop(self) -> BTreeSet<i64> {
        self.stop.store(true, Ordering::Relaxed);
        self.reader.await.unwrap();
        self.writer.await.unwrap()
    }
}

async fn write(client: Client, stop: Arc<AtomicBool>, count: Arc<AtomicUsize>) -> BTreeSet<i64> {
    let mut done = BTreeSet::new();
    // All three shards in turn.
    for id in (0..12_288).map(|i| (i * 4099) % 12_288) {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let rows = json!({"data": [row(id)]});
        let answer = client.post("/write", rows).await;
        assert!([200, 503].contains(&answer.status), "{answer:?}");
        if answer.status == 200 {
            done.insert(i64::try_from(id).unwrap());
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
    done
}

async fn read(client: Client, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        client.post("/read", json!({"Stud_id": {"low": 0, "high": 12_287}})).await.ok();
    }
}

/// What was acknowledged is there, and again from each server's copies alone.
async fn nothing_is_lost(api: &Api, acknowledged: &BTreeSet<i64>) {
    let there = |keys: Vec<i64>| acknowledged.is_subset(&keys.into_iter().collect());
    assert!(there(api.keys().await), "acknowledged and lost");
    for server in ["Server0", "Server1", "Server2"] {
        api.servers.crash(server, true).await;
        assert!(there(api.keys().await), "lost without {server}");
        api.healed().await;
    }
}

async fn crash_under_load(announced: bool) {
    let api = Api::configured_with(supervised()).await;
    let load = Load::start(&api);
    load.goes_on(&api).await;
    let before = api.servers.instance("Server1");
    api.servers.crash("Server1", announced).await;
    load.goes_on(&api).await;
    let again = async |api: &Api| {
        api.servers.instance("Server1").is_some_and(|now| Some(now) != before).then_some(())
    };
    api.until("a replacement runs", again).await;
    api.healed().await;
    load.goes_on(&api).await;
    let acknowledged = load.stop().await;
    nothing_is_lost(&api, &acknowledged).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_that_is_announced_costs_no_write_and_no_read() {
    crash_under_load(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_that_nobody_announces_costs_no_write_and_no_read() {
    crash_under_load(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_is_replaced_and_costs_no_write_and_no_read() {
    let api = Api::configured_with(supervised()).await;
    let load = Load::start(&api);
    load.goes_on(&api).await;
    let before = api.servers.instance("Server1");
    api.servers.hang("Server1").await;
    load.goes_on(&api).await;
    let again = async |api: &Api| {
        api.servers.instance("Server1").is_some_and(|now| Some(now) != before).then_some(())
    };
    api.until("a replacement runs", again).await;
    api.healed().await;
    let acknowledged = load.stop().await;
    nothing_is_lost(&api, &acknowledged).await;
}

/// The copies of each shard that are in sync on a server that answers.
async fn good_copies(api: &Api) -> Vec<usize> {
    let status = api.status().await;
    let good = |shard: &Value| {
        let replicas = status["replicas"].as_array().unwrap().iter();
        let its = replicas.filter(|r| r["shard_id"] == *shard && r["state"] == "in_sync");
        its.filter(|r| status["server_states"][r["server"].as_str().unwrap()] != "dead").count()
    };
    status["shards"].as_array().unwrap().iter().map(|s| good(&s["shard_id"])).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_server_held_that_does_not_return_goes_to_others() {
    let api = Api::configured_with(supervised()).await;
    api.post("/add", json!({"n": 1, "hostnames": ["spare"]})).await.ok();
    api.fill().await;
    let before = api.rows(0, 20_000).await;
    api.servers.set_broken("Server0", true);
    api.servers.crash("Server0", true).await;
    let moved = async |api: &Api| {
        let lost = api.status().await["servers"]["Server0"] == json!([]);
        let copies = good_copies(api).await;
        // Each of its copies is given up for one that is in sync.
        assert!(!lost || copies == [2, 2, 2], "{copies:?}");
        lost.then_some(())
    };
    api.until("its copies are elsewhere", moved).await;
    assert_eq!(api.rows(0, 20_000).await, before);
    api.servers.set_broken("Server0", false);
    api.healed().await;
    assert_eq!(api.status().await["servers"]["Server0"], json!([]), "it returns empty");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nobody_can_hold_what_a_lost_server_held_nothing_is_given_up() {
    let api = Api::with(supervised()).await;
    let all = json!(["sh1", "sh2", "sh3"]);
    let servers = json!({"Server0": all, "Server1": all, "Server2": all});
    api.post("/init", set(papers_init(), "/servers", servers)).await.ok();
    api.fill().await;
    api.servers.set_broken("Server0", true);
    api.servers.crash("Server0", true).await;
    // The sixth attempt comes after a place for its copies was looked for.
    api.more_starts(6).await;
    assert_eq!(api.status().await["servers"]["Server0"], all);
    api.servers.set_broken("Server0", false);
    api.healed().await;
    assert_eq!(good_copies(&api).await, [3, 3, 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_copy_waits_for_its_server() {
    let api = Api::with(supervised()).await;
    api.post("/init", one_copy_each()).await.ok();
    api.fill().await;
    api.servers.set_broken("Server0", true);
    api.servers.crash("Server0", true).await;
    api.more_starts(6).await;
    assert_eq!(api.status().await["servers"]["Server0"], json!(["sh1"]));
    api.servers.set_broken("Server0", false);
    api.healed().await;
    assert_eq!(api.keys().await, [10, 2255, 3524, 5000, 10_005]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_add_that_waits_for_a_lost_server_does_not_keep_it_from_returning() {
    let api = Api::with(supervised()).await;
    api.post("/init", one_copy_each()).await.ok();
    api.fill().await;
    api.servers.set_broken("Server0", true);
    api.servers.crash("Server0", false).await;
    let client = api.another_client();
    let add = json!({"n": 1, "servers": {"A": ["sh1"]}});
    let adding = tokio::spawn(async move { client.post("/add", add).await });
    // Past the attempt after which a place for its copies is looked for, which waits for the add.
    api.more_starts(6).await;
    api.servers.set_broken("Server0", false);
    api.healed().await;
    let answer = tokio::time::timeout(crate::support::DEADLINE, adding).await.unwrap().unwrap();
    // Told early enough that sh1 cannot be copied, or else waited for.
    if answer.status == 503 {
        api.post("/add", json!({"n": 1, "servers": {"A": ["sh1"]}})).await.ok();
    } else {
        answer.ok();
    }
    assert_eq!(api.in_sync("sh1").await, ["Server0", "A"]);
}

#[tokio::test]
async fn a_server_that_the_cluster_lacks_is_stopped_and_its_data_kept() {
    let api = Api::filled().await;
    ringwright_control::Control::start(&*api.servers, "stranger").await.unwrap();
    let supervisor = Supervisor::new(api.balancer.clone());
    supervisor.take_over().await;
    let stopped =
        async |api: &Api| (!api.servers.running().contains(&"stranger".into())).then_some(());
    api.until("the stranger is stopped", stopped).await;
    assert!(api.servers.has_data("stranger"), "it may be all that is left");
    assert_eq!(api.servers.running(), ["Server0", "Server1", "Server2"]);
    // A new server of that name has nothing of it.
    api.post("/add", json!({"n": 1, "servers": {"stranger": ["sh1"]}})).await.ok();
    assert!(api.servers.has_data(".stranger"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_server_that_hangs_in_its_start_does_not_keep_the_others_from_serving() {
    let api = Api::filled().await;
    for server in ["Server0", "Server1", "Server2"] {
        api.balancer.cluster.detach(server).unwrap();
    }
    api.servers.crash("Server0", false).await;
    api.servers.hold_start_of("Server0");
    let supervisor = Supervisor::new(api.balancer.clone());
    tokio::time::timeout(Duration::from_secs(8), supervisor.take_over()).await.unwrap();
    assert_eq!(api.keys().await, [10, 2255, 3524, 5000, 10_005]);
    api.servers.hold_starts(false);
    api.until("it is up", async |api: &Api| api.member("Server0").link()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_removed_while_it_is_being_brought_back_is_gone() {
    let api = Api::configured_with(supervised()).await;
    api.fill().await;
    let before = api.rows(0, 20_000).await;
    api.servers.hold_starts(true);
    let respawn = api.servers.another_start().await;
    api.servers.crash("Server0", true).await;
    respawn.await;
    let client = api.another_client();
    let rm = json!({"n": 1, "servers": ["Server0"]});
    let removing = tokio::spawn(async move { client.delete("/rm", rm).await });
    let removed = async |api: &Api| (api.status().await["N"] == 2).then_some(());
    api.until("it is out of the cluster", removed).await;
    // Whoever thought it gone by now would be wrong.
    tokio::time::sleep(Duration::from_millis(50)).await;
    api.servers.hold_starts(false);
    removing.await.unwrap().ok();
    for _ in 0..20 {
        assert_eq!(api.servers.running(), ["Server1", "Server2"]);
        assert!(!api.servers.has_data("Server0"));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    api.healed().await;
    assert_eq!(api.rows(0, 20_000).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_server_is_not_taken_for_the_lost_one_that_had_its_name() {
    let mut options = supervised();
    // The second attempt comes when there is a new server of that name.
    options.balancer.heartbeat_interval = Duration::from_millis(500);
    // None is given up that only had to wait for its processor.
    options.balancer.flatline_after = 4;
    let api = Api::configured_with(options).await;
    api.fill().await;
    api.servers.set_broken("Server0", true);
    let respawn = api.servers.another_start().await;
    api.servers.crash("Server0", true).await;
    respawn.await;
    api.delete("/rm", json!({"n": 1, "servers": ["Server0"]})).await.ok();
    api.servers.set_broken("Server0", false);
    api.post("/add", json!({"n": 1, "servers": {"Server0": ["sh1"]}})).await.ok();
    // The watch over the old one has had its turn when another server was brought back.
    api.servers.crash("Server1", true).await;
    api.until("the other one is back", async |api: &Api| {
        (api.servers.launches("Server1") == 2).then_some(())
    })
    .await;
    api.healed().await;
    assert_eq!(api.servers.launches("Server0"), 2, "the new one was ended and brought back");
    // It has a watch of its own.
    api.servers.crash("Server0", false).await;
    let again = async |api: &Api| (api.servers.launches("Server0") == 3).then_some(());
    api.until("it is brought back", again).await;
    api.healed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_death_of_one_that_was_replaced_is_no_news() {
    let mut options = supervised();
    options.balancer.heartbeat_interval = Duration::from_secs(3600); // it is told or not known
    let api = Api::configured_with(options).await;
    api.until("somebody listens", async |api: &Api| api.servers.is_listened_to().then_some(()))
        .await;
    let first = api.servers.instance("Server1").unwrap();
    api.servers.crash("Server1", false).await;
    api.bring_up("Server1").await;
    let link = api.member("Server1").link().unwrap();
    api.servers.announce(first);
    api.servers.crash("Server2", true).await;
    let gone = async |api: &Api| api.member("Server2").link().is_none().then_some(());
    api.until("the next death is known", gone).await;
    let now = api.member("Server1").link().unwrap();
    assert!(Arc::ptr_eq(&now, &link), "it was let go of");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_death_that_takes_long_delays_no_other() {
    let mut options = supervised();
    options.balancer.heartbeat_interval = Duration::from_secs(3600);
    options.replication.write_timeout = Duration::from_secs(3600);
    let api = Api::configured_with(options).await;
    api.until("somebody listens", async |api: &Api| api.servers.is_listened_to().then_some(()))
        .await;
    // A write holds sh1 for as long as Server2 does not answer.
    api.servers.hang("Server2").await;
    let client = api.another_client();
    let write = tokio::spawn(async move { client.post("/write", json!({"data": [row(1)]})).await });
    let away = async |api: &Api, server: &str| api.member(server).link().is_none().then_some(());
    tokio::time::sleep(Duration::from_millis(100)).await; // for the write to be on its way
    api.servers.crash("Server0", true).await;
    api.until("the first is let go of", async |api: &Api| away(api, "Server0").await).await;
    api.servers.crash("Server1", true).await;
    api.until("so is the second", async |api: &Api| away(api, "Server1").await).await;
    assert!(!write.is_finished(), "nothing held the first one up");
    write.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_brought_back_once_the_charge_was_given_back() {
    let mut options = supervised();
    options.balancer.flatline_after = 40; // time to give the charge back
    let api = Api::configured_with(options).await;
    let heartbeats = |n| tokio::time::sleep(crate::support::HEARTBEAT * n);
    api.servers.crash("Server1", false).await;
    api.balancer.cluster.charge().release().await;
    heartbeats(80).await; // half of it would be enough
    assert_eq!(api.servers.launches("Server1"), 1);
    assert!(api.balancer.bring_up(&api.member("Server1")).await.is_err());
    assert_eq!(api.servers.launches("Server1"), 1);
}

#[tokio::test]
async fn what_is_being_started_when_all_is_to_end_is_not_waited_for() {
    let api = Api::configured().await;
    api.servers.crash("Server1", false).await;
    api.servers.hold_starts(true);
    let start = api.servers.another_start().await;
    let (balancer, member) = (api.balancer.clone(), api.member("Server1"));
    let starting = tokio::spawn(async move { balancer.bring_up(&member).await });
    start.await;
    let ended = tokio::time::timeout(crate::support::DEADLINE, api.balancer.fleet.close());
    ended.await.unwrap();
    let refused = starting.await.unwrap().unwrap_err().to_string();
    assert!(refused.contains("the balancer is stopping"), "{refused}");
    api.servers.hold_starts(false);
    let again = api.balancer.bring_up(&api.member("Server1")).await.unwrap_err().to_string();
    assert!(again.contains("the balancer is stopping"), "{again}");
    assert_eq!(api.servers.launches("Server1"), 1);
}
