//! What the deployment survives.

use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::deployment::{Deployment, docker, docker_maybe};
use crate::load::Load;
use crate::program::until;
use crate::replicas;

macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {
        /// One after the other, on one deployment and under one load.
        #[tokio::test(flavor = "multi_thread")]
        #[ignore = "wants a Docker engine and the images: make test-docker"]
        async fn the_deployment_survives() {
            let deployment = Deployment::start();
            let load = Load::start(&deployment.http);
            let only = std::env::var("RINGWRIGHT_SCENARIO").unwrap_or_default();
            $(if stringify!($name).contains(&only) {
                let before = load.done();
                $name(&deployment, &load).await;
                settle(stringify!($name), &deployment, &load, before).await;
            })*
            let rows = load.end().await;
            eprintln!("{} keys written", rows.len());
        }
    };
}

scenarios! {
    a_server_is_killed,
    two_servers_that_share_no_shard_are_killed,
    the_balancer_is_killed,
    the_metadata_is_away_for_ten_seconds,
    a_server_hangs,
    a_server_is_cut_off_for_a_moment,
    a_server_is_cut_off_for_good,
    a_server_returns_with_its_volume,
    a_server_returns_without_its_volume,
    a_volume_is_full,
    everything_but_the_volumes_is_removed,
    another_containers_name_is_left_alone,
}

/// All is well again, and everything that was acknowledged is everywhere.
async fn settle(name: &str, deployment: &Deployment, load: &Load, before: (u64, u64)) {
    deployment.all_in_sync().await;
    load.excuse(false);
    sleep(Duration::from_millis(500)).await;
    replicas::check(deployment, load).await;
    let failed = load.failed_reads();
    assert!(failed.is_empty(), "{name}: reads failed: {failed:#?}");
    let (writes, reads) = load.done();
    let (writes, reads) = (writes - before.0, reads - before.1);
    eprintln!("{name}: {writes} writes, {reads} reads; longest write {:?}", load.longest_write());
    assert!(writes > 0 && reads > 0, "{name}: nothing was done");
}

/// Waits until a server's container is another one.
async fn replaced(deployment: &Deployment, server: &str, old: &str) {
    let name = format!("name=^{}$", deployment.server(server));
    until("the server has a new container", async || {
        let id = docker(&["ps", "--quiet", "--no-trunc", "--filter", &name]);
        (!id.is_empty() && id != old).then_some(())
    })
    .await;
}

fn id(deployment: &Deployment, server: &str) -> String {
    docker(&["inspect", "--format", "{{.Id}}", &deployment.server(server)])
}

/// Kills servers, and waits until they are back and all is well.
async fn kill(deployment: &Deployment, servers: &[&str]) {
    let old: Vec<String> = servers.iter().map(|server| id(deployment, server)).collect();
    let ids: Vec<&str> = old.iter().map(String::as_str).collect();
    docker(&[&["kill"], &ids[..]].concat());
    for (server, old) in servers.iter().zip(&old) {
        replaced(deployment, server, old).await;
    }
    deployment.all_in_sync().await;
}

/// Where the log has an event of one server that begins with these words.
fn said(log: &[Value], server: &str, words: &str) -> Option<usize> {
    log.iter().position(|event| {
        event["server"] == server
            && event["message"].as_str().is_some_and(|message| message.starts_with(words))
    })
}

/// What was copied to a server since then: whether it was all or what was missed, and how many
/// versions, shard by shard.
async fn copied(deployment: &Deployment, before: usize, server: &str) -> Vec<(bool, u64)> {
    let status = deployment.status().await;
    let shards = status["servers"][server].as_array().unwrap().len();
    // The log may be a moment behind.
    until("the copies are in the log", async || {
        let log = deployment.log().split_off(before);
        let done = log.iter().filter(|event| {
            event["server"] == server && event["message"] == "a replica has all rows"
        });
        let told = |event: &Value| Some((event["full"].as_bool()?, event["versions"].as_u64()?));
        let copied: Vec<(bool, u64)> = done.filter_map(told).collect();
        (copied.len() >= shards).then_some(copied)
    })
    .await
}

async fn a_server_is_killed(deployment: &Deployment, _: &Load) {
    let before = deployment.log().len();
    kill(deployment, &["Server0"]).await;
    // The paper's A-4: what a class is to see in the log, in this order.
    let story = [
        "HEARTBEAT",
        "FLATLINE",
        "RESPAWN: starting",
        "RESPAWN: the replacement is up",
        "a replica is in sync",
    ];
    until("the log has it all", async || {
        let log = deployment.log().split_off(before);
        let told: Option<Vec<usize>> =
            story.iter().map(|words| said(&log, "Server0", words)).collect();
        told.inspect(|told| assert!(told.is_sorted(), "{told:?}"))
    })
    .await;
}

async fn two_servers_that_share_no_shard_are_killed(deployment: &Deployment, _: &Load) {
    let add = json!({"n": 2, "new_shards": [
        {"Stud_id_low": 12288, "Shard_id": "sh4", "Shard_size": 4096}],
        "servers": {"Server3": ["sh4", "sh2"], "Server4": ["sh4", "sh3"]}});
    let answer = deployment.operator().post("/add", add).await;
    assert!(matches!(answer, Ok((200, _))), "{answer:?}");
    kill(deployment, &["Server0", "Server4"]).await;
}

async fn the_balancer_is_killed(deployment: &Deployment, load: &Load) {
    let before = deployment.containers();
    load.excuse(true);
    let balancer = deployment.service("balancer");
    docker(&["kill", &balancer]);
    sleep(Duration::from_secs(1)).await;
    docker(&["start", &balancer]);
    deployment.all_in_sync().await;
    assert_eq!(deployment.containers(), before, "the servers were taken over");
}

async fn the_metadata_is_away_for_ten_seconds(deployment: &Deployment, load: &Load) {
    load.excuse(true); // without its charge the balancer may not even answer reads
    let metadata = deployment.service("metadata");
    docker(&["kill", &metadata]);
    sleep(Duration::from_secs(10)).await;
    docker(&["start", &metadata]);
}

async fn a_server_hangs(deployment: &Deployment, _: &Load) {
    let hung = id(deployment, "Server1");
    docker(&["pause", &hung]);
    replaced(deployment, "Server1", &hung).await;
    deployment.all_in_sync().await;
    // It is gone, so that it cannot wake up into a cluster that goes on without it.
    let _ = docker_maybe(&["unpause", &hung]);
    let left = docker(&["ps", "--all", "--quiet", "--no-trunc"]);
    assert!(!left.contains(&hung), "the hung container is still there");
}

async fn a_server_is_cut_off_for_a_moment(deployment: &Deployment, _: &Load) {
    let (network, server) = (deployment.network(), deployment.server("Server2"));
    docker(&["network", "disconnect", &network, &server]);
    sleep(Duration::from_millis(800)).await;
    // It may be replaced already.
    let _ = docker_maybe(&["network", "connect", &network, &server]);
    // Whatever comes of it is begun by now.
    sleep(Duration::from_secs(3)).await;
}

async fn a_server_is_cut_off_for_good(deployment: &Deployment, _: &Load) {
    let cut_off = id(deployment, "Server2");
    docker(&["network", "disconnect", &deployment.network(), &cut_off]);
    replaced(deployment, "Server2", &cut_off).await;
    let _ = docker_maybe(&["network", "connect", &deployment.network(), &cut_off]);
}

async fn a_server_returns_with_its_volume(deployment: &Deployment, _: &Load) {
    let before = deployment.log().len();
    kill(deployment, &["Server1"]).await;
    let copied = copied(deployment, before, "Server1").await;
    assert!(copied.iter().all(|(full, _)| !full), "{copied:?}: not the deltas alone");
}

async fn a_server_returns_without_its_volume(deployment: &Deployment, load: &Load) {
    let before = deployment.log().len();
    let rows = load.rows();
    deployment.lose("Server1", &deployment.volumes("Server1")).await;
    deployment.all_in_sync().await;
    let copied = copied(deployment, before, "Server1").await;
    // Its two shards, as far as they were written.
    let held = rows.range(4096..).filter(|(_, row)| row.acknowledged.is_some()).count() as u64;
    let (mut full, mut versions) = (0, 0);
    for (_, of_one) in copied.iter().filter(|(is_full, _)| *is_full) {
        (full, versions) = (full + 1, versions + of_one);
    }
    assert!(full >= 2 && versions >= held, "{copied:?} of {held} rows");
}

async fn a_volume_is_full(deployment: &Deployment, load: &Load) {
    // The server comes back on a volume that can be filled.
    let old = id(deployment, "Server2");
    let small = deployment.small_volume("Server2", "192m");
    docker(&["kill", &old]);
    replaced(deployment, "Server2", &old).await;
    deployment.all_in_sync().await;
    let server = deployment.server("Server2");
    let _ = docker_maybe(&[
        "exec",
        &server,
        "dd",
        "if=/dev/zero",
        "of=/var/lib/ringwright/fill",
        "bs=64k",
    ]);
    let before = load.done().0;
    until("writes go on", async || (load.done().0 > before + 100).then_some(())).await;
    // It may have been replaced: then the filling went with the volume, which is in memory.
    let _ = docker_maybe(&["exec", &server, "rm", "-f", "/var/lib/ringwright/fill"]);
    deployment.all_in_sync().await;
    deployment.lose("Server2", &[small]).await;
}

async fn everything_but_the_volumes_is_removed(deployment: &Deployment, load: &Load) {
    load.excuse(true);
    // The balancer first: it would bring back what is removed.
    docker(&["rm", "--force", &deployment.service("balancer")]);
    for container in deployment.containers() {
        docker(&["rm", "--force", &container]);
    }
    deployment.up();
}

async fn another_containers_name_is_left_alone(deployment: &Deployment, _: &Load) {
    let name = deployment.server("Taken");
    let foreign = docker(&["create", "--name", &name, "ringwright/server:test"]);
    let add = json!({"n": 1, "servers": {"Taken": ["sh1"]}});
    let client = deployment.operator();
    let (status, answer) = client.send(Method::POST, "/add", add).await.unwrap();
    assert!(status >= 400, "{answer}");
    let message = answer["message"].as_str().unwrap();
    assert!(message.contains(&name) && message.contains("not ours"), "{message}");
    docker(&["rm", &foreign]);
}
