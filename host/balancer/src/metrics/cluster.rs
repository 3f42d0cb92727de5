//! The replicated database, as it is now: who is in charge, servers, shards, copies.

use prometheus::Result;
use ringwright_metrics::{Scrape, gauge, gauges};
use ringwright_replication::{Cluster, Served, View};

use super::whole;
use crate::shown;

pub(super) fn tell(scrape: &Scrape, cluster: &Cluster, view: &View) -> Result<()> {
    scrape.all(cluster.metrics().collectors())?;
    count(
        scrape,
        "ringwright_in_charge",
        "1 while this balancer may answer for the cluster, else 0.",
        usize::from(cluster.charge().check().is_ok()),
    )?;
    let help = "Number of the charge that this balancer took; it grows from one to the next.";
    let epoch = scrape.tell(gauge("ringwright_charge_epoch", help, &[]))?;
    epoch.set(whole(cluster.charge().epoch()));
    count(
        scrape,
        "ringwright_writes_waiting",
        "Writes that wait for the shards they go to.",
        cluster.writes_waiting(),
    )?;
    servers(scrape, view)?;
    shards(scrape, cluster, view)?;
    copies(scrape, cluster)
}

fn servers(scrape: &Scrape, view: &View) -> Result<()> {
    let help = "Servers of the cluster, by whether they answer.";
    let states = scrape.tell(gauges("ringwright_servers", help, &[], &["state"]))?;
    for state in shown::STATES {
        states.with_label_values(&[state]).set(0);
    }
    let help = "1 while a server answers, else 0.";
    let up = scrape.tell(gauges("ringwright_server_up", help, &[], &["server"]))?;
    let help = "Requests that a server was asked and has not answered.";
    let in_flight = "ringwright_server_requests_in_flight";
    let in_flight = scrape.tell(gauges(in_flight, help, &[], &["server"]))?;
    for member in view.servers.values() {
        let name = member.name.as_str();
        states.with_label_values(&[shown::state(member)]).inc();
        up.with_label_values(&[name]).set(i64::from(member.is_live()));
        in_flight.with_label_values(&[name]).set(whole(member.in_flight()));
        scrape.all([member.traffic.collector(), member.failures.collector()])?;
    }
    Ok(())
}

fn shards(scrape: &Scrape, cluster: &Cluster, view: &View) -> Result<()> {
    let by_shard = |name, help| scrape.tell(gauges(name, help, &[], &["shard"]));
    let given =
        by_shard("ringwright_shard_replicas", "Replicas that a shard has, in sync or not.")?;
    let in_sync = by_shard(
        "ringwright_shard_replicas_in_sync",
        "Replicas of a shard that hold all that is committed, whether or not they answer.",
    )?;
    let vat = by_shard("ringwright_shard_vat", "VAT: the last committed term of a shard.")?;
    for shard in &view.shards {
        let id = shard.shard.id.as_str();
        given.with_label_values(&[id]).set(whole(shard.replicas()));
        in_sync.with_label_values(&[id]).set(whole(shard.in_sync.len()));
        vat.with_label_values(&[id]).set(whole(shard.vat));
        scrape.all([shard.traffic.collector()])?;
    }
    let served: Vec<Served> = view.shards.iter().map(|shard| cluster.served(shard)).collect();
    let such = |wanted| served.iter().filter(|is| **is == wanted).count();
    count(scrape, "ringwright_shards", "Shards of the database.", view.shards.len())?;
    count(
        scrape,
        "ringwright_shards_under_replicated",
        "Shards with a replica that is out of sync or does not answer.",
        view.shards.iter().filter(|shard| shard.answering() < shard.replicas()).count(),
    )?;
    count(
        scrape,
        "ringwright_shards_unavailable",
        "Shards without a replica in sync that answers: they can be neither read nor written.",
        such(Served::Unavailable),
    )?;
    count(
        scrape,
        "ringwright_shards_read_only",
        "Shards that are read and not written: fewer of their replicas in sync answer than must \
         have a write before it is acknowledged.",
        such(Served::ReadOnly),
    )
}

fn copies(scrape: &Scrape, cluster: &Cluster) -> Result<()> {
    let copies = cluster.copies();
    let help = "Copies to replicas out of sync that are under way.";
    count(scrape, "ringwright_copies_in_progress", help, copies.len())?;
    let by = ["shard", "server"];
    let help = "Row versions that a copy under way has sent so far.";
    let rows = scrape.tell(gauges("ringwright_copy_rows", help, &[], &by))?;
    let help = "Rows that lived in the shard when a full copy of it began, once they are counted.";
    let expected = scrape.tell(gauges("ringwright_copy_expected_rows", help, &[], &by))?;
    for copy in copies {
        let of = [copy.shard.as_str(), copy.server.as_str()];
        rows.with_label_values(&of).set(whole(copy.rows()));
        if let Some(total) = copy.expected() {
            expected.with_label_values(&of).set(whole(total));
        }
    }
    Ok(())
}

fn count(scrape: &Scrape, name: &str, help: &str, number: usize) -> Result<()> {
    scrape.tell(gauge(name, help, &[]))?.set(whole(number));
    Ok(())
}
