//! `experiment --quick`: every file is there, is whole, and adds up.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use hyper::Method;
use serde_json::{Value, json};

use crate::program::{self, Balancer, ringwright, run, text, until};

const PLUGINS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../plugins/dist");

/// Requests of a run with --quick.
const REQUESTS: usize = 500;

#[test]
fn a_quick_run_of_all_experiments_leaves_a_report_that_adds_up() {
    let out = tempfile::tempdir().unwrap();
    let folder = out.path().to_str().unwrap();
    let done = run(&[
        "experiment",
        "--quick",
        "--plugin-dir",
        PLUGINS,
        "--out",
        folder,
        "--output",
        "json",
    ]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    let experiments = report["experiments"].as_array().unwrap();
    assert_eq!(experiments.len(), 9);
    assert_eq!(report["seed"], 512);

    let figures: BTreeMap<&str, &Value> =
        experiments.iter().map(|e| (e["experiment"].as_str().unwrap(), &e["figures"])).collect();
    balance_adds_up(&figures, out.path());
    nothing_failed_while_plugins_were_swapped(figures["1-A-4"]);
    rows_add_up(&figures, out.path());
    recoveries_are_whole(&figures);
    the_papers_protocol_loses_what_ours_keeps(figures["protocol"]);
    files_are_whole(out.path());
    let busy = report["load_average"].as_f64().unwrap();
    let cores = std::thread::available_parallelism().unwrap().get() as f64;
    assert_eq!(text(&done.stderr).contains("times are too long"), busy > cores);
    for experiment in experiments {
        let beside = experiment["beside"].as_str().unwrap();
        let verdicts = ["Agrees with the paper: ", "Differs from the paper: ", "Nothing to agree"];
        assert!(verdicts.iter().any(|verdict| beside.starts_with(verdict)), "{experiment}");
    }
}

/// The requests of an experiment, by run: how many, and how many of them were good.
fn runs(folder: &Path, experiment: &str) -> BTreeMap<String, (usize, usize)> {
    let mut runs = BTreeMap::<String, (usize, usize)>::new();
    let mut sheet = csv::Reader::from_path(folder.join(format!("{experiment}.csv"))).unwrap();
    let header = ["run", "request", "start_s", "lag_s", "latency_s", "status", "found", "server"];
    assert_eq!(sheet.headers().unwrap(), header.as_slice());
    for line in sheet.records() {
        let line = line.unwrap();
        let run = runs.entry(line[0].to_owned()).or_default();
        run.0 += 1;
        run.1 += usize::from(&line[5] == "200");
        let [start, lag, latency] = [2, 3, 4].map(|i| line[i].parse::<f64>().unwrap());
        assert!(start >= 0.0 && lag >= 0.0 && latency > lag, "{line:?}");
        if line[0].starts_with("reads") {
            assert_eq!(&line[6], "yes", "{line:?}");
        }
    }
    runs
}

fn sum(counts: &Value) -> u64 {
    counts.as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).sum()
}

fn balance_adds_up(figures: &BTreeMap<&str, &Value>, folder: &Path) {
    let three = &figures["1-A-1"]["measured"];
    assert_eq!(three["requests"].as_array().unwrap().len(), 3);
    assert!(figures["1-A-1"]["paper_shares"].is_array(), "it does not lie as the paper's does");
    assert_eq!((sum(&three["requests"]), &three["failed"]), (REQUESTS as u64, &Value::from(0)));
    assert_eq!(runs(folder, "1-A-1"), [("3 servers".to_owned(), (REQUESTS, REQUESTS))].into());
    for loads in figures["1-A-2"]["measured"].as_array().unwrap() {
        assert_eq!(sum(&loads["requests"]), REQUESTS as u64, "{loads}");
    }
    assert_eq!(runs(folder, "1-A-2").len(), 2);
}

fn nothing_failed_while_plugins_were_swapped(figures: &Value) {
    let swaps = figures["swaps"].as_array().unwrap();
    let to: Vec<&Value> = swaps.iter().map(|swap| &swap["to"]).collect();
    assert_eq!(to, ["md5", "maglev"]);
    for swap in swaps {
        assert_eq!((&swap["requests"], &swap["failed"]), (&REQUESTS.into(), &0.into()), "{swap}");
    }
}

fn rows_add_up(figures: &BTreeMap<&str, &Value>, folder: &Path) {
    for (experiment, configurations) in [("2-A-1", 2), ("2-A-2", 1), ("2-A-3", 2)] {
        let all = figures[experiment].as_array().unwrap();
        assert_eq!(all.len(), configurations);
        for taken in all.iter().flat_map(|of| [&of["writes"], &of["reads"]]) {
            let of = (&taken["requests"], &taken["failed"], &taken["missed"]);
            assert_eq!(of, (&REQUESTS.into(), &0.into(), &0.into()), "{experiment}: {taken}");
        }
        let runs = runs(folder, experiment);
        assert_eq!(runs.len(), 2 * configurations, "{runs:?}");
        assert!(runs.values().all(|run| *run == (REQUESTS, REQUESTS)), "{runs:?}");
    }
    assert_eq!(figures["2-A-1"][0]["writes"]["speed_up"], 1.0, "against itself");
    assert_eq!(figures["2-A-2"][0]["replicas"], 7);
}

fn recoveries_are_whole(figures: &BTreeMap<&str, &Value>) {
    for experiment in ["1-A-3", "2-A-4"] {
        let figures = figures[experiment];
        let events = figures["events"].as_array().unwrap();
        for told in
            ["is killed", "FLATLINE", "RESPAWN: the replacement is up", "every replica is in sync"]
        {
            let is_it = |event: &Value| event["event"].as_str().unwrap().contains(told);
            assert!(events.iter().any(is_it), "{experiment}: {told}: {events:?}");
        }
        assert_eq!(figures["failed"], 0, "{experiment}");
    }
    let dropped = figures["2-A-4"];
    assert_eq!(dropped["replicas"], 12, "4 shards, 3 replicas");
    for replica in dropped["missing"].as_array().unwrap() {
        assert_eq!(replica[2], Value::Array(Vec::new()), "{replica}");
    }
}

fn the_papers_protocol_loses_what_ours_keeps(figures: &Value) {
    assert_eq!(figures["lost"]["paper"], serde_json::json!([2]));
    assert_eq!(figures["lost"]["ours"], serde_json::json!([]));
    let steps = figures["steps"].as_array().unwrap().len();
    for protocol in ["paper", "ours"] {
        assert_eq!(figures[protocol]["answers"].as_array().unwrap().len(), steps, "{protocol}");
    }
}

fn files_are_whole(folder: &Path) {
    let page = std::fs::read_to_string(folder.join("index.html")).unwrap();
    for asset in ["<script", "<link", "src=", "url(", "@import"] {
        assert!(!page.contains(asset), "{asset}");
    }
    let summary = std::fs::read_to_string(folder.join("summary.md")).unwrap();
    let mut plots = 0;
    for file in std::fs::read_dir(folder).unwrap().map(|file| file.unwrap()) {
        let name = file.file_name().into_string().unwrap();
        if name.ends_with(".svg") {
            let svg = std::fs::read_to_string(file.path()).unwrap();
            roxmltree::Document::parse(&svg).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(summary.contains(&format!("({name})")), "{name} is not in the summary");
            plots += 1;
        }
    }
    assert_eq!(summary.matches("![").count(), plots);
    assert!(plots > 15, "{plots}");
}

#[test]
fn what_there_is_not_is_named() {
    let told = |args: &[&str]| {
        let done = run(&[&["experiment"], args].concat());
        assert!(!done.status.success());
        text(&done.stderr)
    };
    assert!(told(&["3-A-1"]).contains("there are 1-A-1, 1-A-2"));
    assert!(told(&["--plugin-dir", "/nowhere"]).contains("/nowhere: no plugins"));
    assert!(told(&["2-A-1", "--url", "http://localhost:1"]).contains("--url is for 1-A-1"));
    assert!(told(&["--url", "https://localhost:1"]).contains("not https"));
}

#[test]
fn one_that_fails_takes_nothing_from_the_others() {
    let here = tempfile::tempdir().unwrap();
    let mut command = ringwright(&["experiment", "1-A-4", "protocol", "--quick", "--best", "none"]);
    command.args(["--plugin-dir", PLUGINS, "--output", "json"]).current_dir(here.path());
    let done = command.output().unwrap();
    assert_eq!(done.status.code(), Some(1));
    let told = text(&done.stderr);
    assert!(told.contains("1-A-4 failed") && told.contains("no plugin 'none'"), "{told}");
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(report["failed"][0]["experiment"], "1-A-4");
    the_papers_protocol_loses_what_ours_keeps(&report["experiments"][0]["figures"]);

    // In a folder of their own: that of all of them may hold a report that is whole.
    let all = here.path().join("target/experiments");
    let folder = all.join("1-A-4_protocol");
    for file in ["index.html", "summary.md"] {
        assert!(!all.join(file).exists(), "{file} of all was written over");
        let report = std::fs::read_to_string(folder.join(file)).unwrap();
        assert!(report.contains("1-A-4 failed"), "{file}");
        assert!(report.contains("What Server1 holds of row 2 now"), "{file}");
    }
}

#[tokio::test]
async fn who_stops_it_stops_what_it_has_started() {
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let here = tempfile::tempdir().unwrap();
        let mut command = ringwright(&["experiment", "1-A-3", "--plugin-dir", PLUGINS, "--out"]);
        let out = here.path().join("out");
        command.arg(&out).env("TMPDIR", here.path()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let servers = || started(here.path()).iter().filter(|c| c.contains("shard-server")).count();
        until("its servers run", async || (servers() == 3).then_some(())).await;
        program::signal(child.id(), signal);
        let ended = until("it stops", async || child.try_wait().unwrap()).await;
        assert_eq!(ended.code(), Some(code), "{signal}");
        assert_eq!(started(here.path()), [""; 0], "{signal}: these live on");
        assert_eq!(std::fs::read_dir(here.path()).unwrap().count(), 0, "{signal}: files are left");
        let told = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
        assert!(told.contains(&format!("stopped by SIG{signal}")), "{told}");
    }
}

/// What runs on a folder, each by its command line.
fn started(folder: &Path) -> Vec<String> {
    let folder = format!("--data-dir\0{}", folder.display());
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let commands = processes.filter_map(|p| std::fs::read_to_string(p.path().join("cmdline")).ok());
    commands.filter(|command| command.contains(&folder)).map(|c| c.replace('\0', " ")).collect()
}

#[tokio::test]
async fn a_balancer_that_is_there_is_told_of_as_it_is() {
    let data = tempfile::tempdir().unwrap();
    let balancer = Balancer::start(data.path(), &[]).await;
    for name in ["b", "c", "a"] {
        let added = balancer.http.post("/add", json!({"n": 1, "hostnames": [name]})).await;
        assert_eq!(added.unwrap().0, 200);
    }
    let address = balancer.url.trim_start_matches("http://");
    let report = |hash: &str| {
        let out = data.path().join(hash);
        let mut command = ringwright(&["experiment", "--quick", "--url", &balancer.url, "--out"]);
        let done = command.arg(&out).args(["--plugin-dir", PLUGINS]).output().unwrap();
        let told = text(&done.stderr);
        assert!(done.status.success(), "{told}");
        assert!(told.contains("1-A-2, 1-A-3") && told.contains("a cluster of their own"), "{told}");
        let summary = std::fs::read_to_string(out.join("summary.md")).unwrap();
        assert!(summary.contains(&format!("on the balancer at {address}")), "{summary}");
        assert!(!summary.contains("SQLite") && !summary.contains("processors, which"), "{summary}");
        (summary, std::fs::read_to_string(out.join("1-A-1.svg")).unwrap())
    };
    let is_marked = |svg: &str| svg.contains("class=\"mark\"");

    // Added one after the other, they lie as the paper's first three do.
    let (summary, svg) = report("virtual-node");
    assert!(
        summary.contains("512 slots, 9 virtual nodes a server, the hash function 'virtual-node'")
    );
    assert!(
        summary.contains("which is the paper’s") && summary.contains("with the paper: the loads")
    );
    assert!(is_marked(&svg));

    let swapped = balancer.http.send(Method::PUT, "/plugins/active", json!({"hash": "md5"})).await;
    assert_eq!(swapped.unwrap().0, 200);
    let (summary, svg) = report("md5");
    assert!(summary.contains("the hash function 'md5'"), "{summary}");
    assert!(summary.contains("Not held against the paper"), "{summary}");
    assert!(!summary.contains("virtual-node") && !summary.contains("A mark on our bars"));
    assert!(!is_marked(&svg));
}

#[test]
fn what_the_readme_tells_of_is_found_in_the_results() {
    let file = |name: &str| {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        std::fs::read_to_string(root.join(name)).unwrap()
    };
    let (readme, results) = (file("README.md"), file("docs/experiments/README.md"));
    let links = readme.split("(docs/experiments/README.md#").skip(1);
    let sections: Vec<&str> = links.map(|link| link.split(')').next().unwrap()).collect();
    assert!(sections.len() >= 6, "{sections:?}");
    for section in sections {
        // The table of the results links each section as its heading is.
        assert!(results.contains(&format!("(#{section})")), "{section}");
    }
}
