//! What admission decides, and what it reports.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use ringwright_test_plugins::{Fate, HashBodies, built, corpus, dist};

use crate::tests::support::{
    hash, patient, patient_settings, placement, runtime, servers, settings,
};
use crate::{CallError, Grant, Plugin, Report, Runtime, SettingError, Settings};

fn tried(bodies: HashBodies) -> Report {
    patient().examine("file", &bodies.component()).0
}

fn points(report: &Report, measure: &str) -> Option<f64> {
    report.measures.iter().find(|m| m.name == measure).unwrap().points
}

/// What the documents advise for a plugin that brings a Python along; the rest have what all have.
fn granting() -> Runtime {
    let patient = Settings { memory_bytes: 16 << 20, ..patient_settings() };
    let memory_bytes = Some(64 << 20);
    let grant =
        Grant { memory_bytes, work_deadline: Some(Duration::from_secs(20)), ..Grant::default() };
    let grants = BTreeMap::from([("python-quadratic".to_owned(), grant)]);
    let trial_deadline = Duration::from_secs(120);
    Runtime::new(Settings { grants, trial_deadline, ..patient }).unwrap()
}

#[test]
fn all_that_come_along_are_admitted() {
    let list = fs::read_to_string(dist().join(".built")).unwrap();
    assert!(list.lines().count() >= 15);
    let optional = ["c-quadratic", "python-quadratic"];
    let there = |name: &&str| dist().join(format!("{name}.wasm")).exists();
    for name in list.lines().chain(optional.into_iter().filter(there)) {
        let (report, plugin) = granting().examine(name, &built(name));
        assert_eq!(report.refusal(), None, "{name}");
        assert!(plugin.is_some());
        assert_eq!((report.name.as_deref(), report.api.as_deref()), (Some(name), Some("0.1.0")));
        assert!(report.checks.len() > 5 && report.checks.iter().all(|check| check.passed));
        let cost = &report.cost;
        assert!(cost.memory_bytes.unwrap() > 0 && cost.start_ns.unwrap() > 0, "{cost:?}");
        assert!(cost.compile_ns.is_some(), "it was compiled here");
    }
}

#[test]
fn a_bad_function_that_keeps_its_word_has_a_bad_score() {
    let score = |name: &str| patient().examine(name, &built(name)).0.score().unwrap();
    let [quadratic, virtual_node, md5] = ["quadratic", "virtual-node", "md5"].map(score);
    // One of three servers gets 96 %: 35 points, and less with more of them.
    assert!(quadratic < 35, "{quadratic}");
    assert!(quadratic < virtual_node && virtual_node < md5, "{virtual_node} {md5}");
    assert!(score("spread") > 95);
}

#[test]
fn measures_are_those_of_the_rings() {
    let md5 = patient().examine("md5", &built("md5")).0;
    let value = |name: &str| md5.measures.iter().find(|m| m.name == name).unwrap().value.unwrap();
    // Of all ids it would be 3 · 0.4884; these are a sample.
    assert!((value("peak_to_mean_of_3") - 1.465).abs() < 0.05, "{:?}", md5.measures);
    assert!(value("kept_in_a_join") > 0.9 && value("moved_by_a_join") < 0.3);
    // All to the first of the list: nothing moves when another comes, all when it goes.
    let first = tried(HashBodies::default());
    assert_eq!(points(&first, "peak_to_mean_of_30"), Some(100.0 / 30.0));
    assert_eq!(points(&first, "moved_by_a_join"), Some(100.0));
    assert_eq!(points(&first, "kept_in_a_middle_one_leaving"), Some(100.0));
}

#[test]
fn what_a_plugin_says_it_cannot_is_a_limit_and_no_fault() {
    let report = patient().examine("virtual-node", &built("virtual-node")).0;
    let limit = "cannot lay out 1 server on 1 slot: ";
    assert!(report.limits.iter().any(|l| l.starts_with(limit)), "{:?}", report.limits);
    // Of the servers only the last can be lost: what becomes of others is not asked.
    let declare = "(i32.store8 (i32.const 514) (i32.const 1)) (i32.const 512)";
    let tail_only = tried(HashBodies { declare, ..HashBodies::default() });
    assert_eq!(points(&tail_only, "moved_by_a_middle_one_leaving"), None);
    assert!(tail_only.score().is_some());
}

#[test]
fn a_refused_plugin_has_a_reason_and_no_score() {
    let report = tried(HashBodies { slot: "(local.get 1)", ..HashBodies::default() });
    let reason = report.refusal().unwrap();
    assert!(reason.contains("asked for one of 1 slots: it answered slot 1 of 1"), "{reason}");
    assert_eq!(report.score(), None);
    assert_eq!(report.checks.last().unwrap().name, "slots_in_range", "nothing else was tried");
    assert_eq!(report.kind.as_deref(), Some("hash"));
}

/// 3 for each but the last request, which it says is 4 among others.
#[test]
fn a_function_answers_alone_as_among_others() {
    let slots = "(local $i i32)
        (loop $next (if (i32.lt_u (local.get $i) (local.get 1)) (then
            (i32.store (i32.add (i32.const 0x100000) (i32.shl (local.get $i) (i32.const 2)))
                (i32.rem_u (i32.const 4) (local.get 2)))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br $next))))
        (i32.store (i32.const 256) (i32.const 0x100000))
        (i32.store (i32.const 260) (local.get 1)) (i32.const 256)";
    let report = tried(HashBodies { slots, ..HashBodies::default() });
    assert_eq!(report.checks.last().unwrap().name, "slots_repeat");
    assert!(report.refusal().unwrap().contains("alone and"), "{:?}", report.refusal());
}

/// It takes its name from how often it was asked for a layout: all but the end goes well.
#[test]
fn what_fails_at_the_end_has_no_score() {
    let describe = "(i32.store (i32.const 4) (i32.sub (i32.const 7) (global.get $calls)))
        (i32.const 0)";
    let arrange = "(global.set $calls (i32.const 1))
        (i32.store (i32.const 264) (i32.const 300))
        (i32.store (i32.const 268) (i32.ne (local.get 1) (i32.const 0)))
        (i32.const 256)";
    let report = tried(HashBodies { describe, arrange, ..HashBodies::default() });
    assert_eq!(report.checks.last().unwrap().name, "still_describes_itself");
    assert!(report.refusal().is_some() && !report.measures.is_empty());
    assert_eq!(report.score(), None);
}

#[test]
fn a_limit_of_servers_that_is_declared_and_kept_is_no_fault() {
    // At most two servers; more it refuses, without a text.
    let declare = "(i32.store8 (i32.const 516) (i32.const 1))
        (i32.store (i32.const 520) (i32.const 2)) (i32.const 512)";
    let arrange = "(i32.store8 (i32.const 256) (i32.gt_u (local.get 1) (i32.const 2)))
        (if (i32.gt_u (local.get 1) (i32.const 2)) (then
            (i32.store (i32.const 260) (i32.const 0)) (i32.store (i32.const 264) (i32.const 0))
            (return (i32.const 256))))
        (i32.store8 (i32.const 260) (i32.const 0))
        (i32.store (i32.const 264) (i32.const 300))
        (i32.store (i32.const 268) (i32.ne (local.get 1) (i32.const 0)))
        (i32.const 256)";
    let small = tried(HashBodies { declare, arrange, ..HashBodies::default() });
    assert_eq!(small.refusal(), None);
    let limit = "cannot lay out 3 servers on 512 slots: ";
    assert!(small.limits.iter().any(|l| l.starts_with(limit)), "{:?}", small.limits);
    let silent = tried(HashBodies { arrange, ..HashBodies::default() });
    assert_eq!(silent.checks.last().unwrap().name, "layouts", "without a word it is a fault");
}

#[test]
fn all_calls_together_have_a_deadline() {
    let slow = corpus().into_iter().find(|h| h.name == "slow-everywhere").unwrap();
    let (patience, trial_deadline) = (Duration::from_secs(60), Duration::from_secs(2));
    let settings =
        Settings { slot_deadline: patience, work_deadline: patience, trial_deadline, ..settings() };
    let report = Runtime::new(settings).unwrap().examine(slow.name, &slow.bytes).0;
    assert!(report.too_slow && report.refusal().unwrap().contains("too long"), "{report:?}");
}

#[test]
fn a_report_is_written_and_read_again() {
    for name in ["md5", "spread"] {
        let report = patient().examine(name, &built(name)).0;
        let json = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
    }
}

#[test]
fn a_report_is_kept_by_digest_and_by_what_is_granted() {
    let folder = tempfile::tempdir().unwrap();
    let with = |memory_bytes| {
        let cache_dir = Some(folder.path().to_owned());
        Runtime::new(Settings { cache_dir, memory_bytes, ..patient_settings() }).unwrap()
    };
    let bytes = built("quadratic");
    let (first, _) = with(4 << 20).examine("q", &bytes);
    let kept = || {
        let files = fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap().path());
        files.filter(|f| f.extension().is_some_and(|e| e == "json")).collect::<Vec<_>>()
    };
    let [file] = kept().try_into().unwrap();
    assert!(file.to_string_lossy().contains(&first.digest));
    // Only a runtime that uses what it kept says what is written there.
    let told = Report { limits: vec!["told".to_owned()], ..first.clone() };
    fs::write(&file, serde_json::to_vec(&told).unwrap()).unwrap();
    assert_eq!(with(4 << 20).examine("q", &bytes).0, told);
    assert_eq!(with(5 << 20).examine("q", &bytes).0.limits, first.limits);
    assert_eq!(kept().len(), 2);
    fs::write(&file, "{").unwrap();
    assert_eq!(with(4 << 20).examine("q", &bytes).0.limits, first.limits, "it is damaged");
}

#[test]
fn what_took_too_long_is_tried_again_the_next_time() {
    let folder = tempfile::tempdir().unwrap();
    let cache_dir = Some(folder.path().to_owned());
    let runtime = Runtime::new(Settings { cache_dir, ..settings() }).unwrap();
    let bytes = HashBodies { slot: "(loop $l (br $l)) (unreachable)", ..HashBodies::default() };
    assert!(runtime.examine("slow", &bytes.component()).0.refusal().is_some());
    let is_report = |f: fs::DirEntry| f.path().extension().is_some_and(|e| e == "json");
    assert!(!fs::read_dir(folder.path()).unwrap().map(Result::unwrap).any(is_report));
}

#[test]
fn a_plugin_may_be_granted_more_than_others() {
    // It wants six mebibytes to start with.
    let start = "(drop (memory.grow (i32.const 64)))";
    let bytes = HashBodies { start, ..HashBodies::default() }.component();
    let with = |name: &str| {
        let grant = Grant { memory_bytes: Some(8 << 20), ..Grant::default() };
        let grants = BTreeMap::from([(name.to_owned(), grant)]);
        Runtime::new(Settings { grants, ..patient_settings() }).unwrap().examine("large", &bytes)
    };
    let (refused, none) = with("other");
    assert!(none.is_none());
    let reason = refused.refusal().unwrap();
    assert!(reason.contains("wanted 6 MiB of memory and may have 4 MiB"), "{reason}");
    assert!(reason.contains("'plugin-memory'"), "{reason}");
    let small = Runtime::new(Settings { memory_bytes: 1 << 20, ..settings() }).unwrap();
    let reason = small.examine("large", &bytes).0.refusal().unwrap().to_owned();
    assert!(reason.contains("wanted 2 MiB of memory and may have 1 MiB"), "{reason}");
    assert!(with("large").1.is_some());
    assert!(with(&refused.digest).1.is_some());
}

#[test]
fn a_grant_may_be_of_time_and_size() {
    let bytes = built("quadratic");
    let with = |grant: Grant| {
        let grants = BTreeMap::from([("q".to_owned(), grant)]);
        Runtime::new(Settings { grants, component_bytes: 1000, ..patient_settings() }).unwrap()
    };
    let (refused, _) = with(Grant::default()).examine("q", &bytes);
    assert!(refused.refusal().unwrap().contains("more than the 1000"), "{refused:?}");
    let larger = Grant { component_bytes: Some(bytes.len()), ..Grant::default() };
    assert!(with(larger.clone()).examine("q", &bytes).1.is_some());
    let hurried = Grant { work_deadline: Some(Duration::ZERO), ..larger };
    let loops = HashBodies { start: "(loop $l (br $l))", ..HashBodies::default() }.component();
    let began = Instant::now();
    let grants = BTreeMap::from([("q".to_owned(), hurried)]);
    let work_deadline = Duration::from_secs(600);
    let runtime = Runtime::new(Settings { grants, work_deadline, ..settings() }).unwrap();
    assert!(runtime.examine("q", &loops).0.refusal().unwrap().contains("too long"));
    assert!(began.elapsed() < Duration::from_secs(60));
}

/// A plugin with the setting `k`, by default `9`, that lays out what it is set to: as many points
/// as the value has bytes.
#[test]
fn settings_are_what_a_plugin_is_handed() {
    let describe =
        "(i32.store (i32.const 32) (i32.const 600)) (i32.store (i32.const 36) (i32.const 1))
        (i32.store (i32.const 600) (i32.const 700)) (i32.store (i32.const 604) (i32.const 1))
        (i32.store (i32.const 616) (i32.const 701)) (i32.store (i32.const 620) (i32.const 1))
        (i32.store16 (i32.const 700) (i32.const 0x396b)) (i32.const 0)";
    let arrange = "(i32.store (i32.const 264) (i32.const 0x100000))
        (i32.store (i32.const 268) (i32.load offset=12 (local.get 4))) (i32.const 256)";
    let bytes = HashBodies { describe, arrange, ..HashBodies::default() }.component();
    let plugin = hash(runtime().load(&bytes));
    let virtual_nodes =
        |plugin: &crate::HashPlugin| plugin.table(&servers(1), 9, 512).unwrap().points().len();
    let set = |value: &str| plugin.with_settings(&[("k".to_owned(), value.to_owned())].into());
    assert_eq!((plugin.settings()[0].1.as_str(), virtual_nodes(&plugin)), ("9", 1));
    let longer = set("1234").unwrap();
    assert_eq!((longer.settings()[0].1.as_str(), virtual_nodes(&longer)), ("1234", 4));
    assert_eq!(virtual_nodes(&longer.seated()), 4);
    assert_eq!(virtual_nodes(&plugin), 1, "that one stays as it was");
    assert_eq!(set("\n").unwrap_err(), SettingError::Value { name: "k".into() });
    let policy = placement(runtime().load(&built("spread")));
    let unknown = policy.with_settings(&[("k".to_owned(), String::new())].into()).unwrap_err();
    assert_eq!(unknown.to_string(), "it has no setting 'k'; it has: apart");
}

/// The bytes of memory this process holds, and of address space.
fn memory() -> [u64; 2] {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    ["VmRSS:", "VmSize:"].map(|name| {
        let line = status.lines().find_map(|l| l.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    })
}

/// What the host did about a plugin.
fn fate(runtime: &Runtime, name: &str, bytes: &[u8]) -> Fate {
    let (report, plugin) = runtime.examine(name, bytes);
    assert_eq!(report.refusal().is_none(), plugin.is_some(), "{name}");
    match plugin {
        None if report.kind.is_none() => Fate::RefusedAtLoad,
        None => Fate::RefusedByAdmission,
        Some(plugin) if breaks(&plugin) => Fate::WorksThenBreaks,
        Some(_) => Fate::Admitted,
    }
}

/// Whether it fails some time, asked as requests do; and then it is asked on.
fn breaks(plugin: &Plugin) -> bool {
    let Plugin::Hash(plugin) = plugin else { return false };
    let plugin = plugin.seated();
    let told: Vec<Result<u32, CallError>> = (0..5_000).map(|i| plugin.slot(i, 512)).collect();
    assert!(told.iter().filter(|slot| slot.is_ok()).count() > 3_000, "it goes on");
    told.iter().any(Result::is_err)
}

#[test]
fn all_that_mean_harm_meet_their_fate() {
    let corpus = corpus();
    assert!(corpus.len() > 30);
    // Time enough that a busy machine is not taken for harm.
    let settings = Settings {
        slot_deadline: Duration::from_millis(200),
        work_deadline: Duration::from_millis(400),
        trial_deadline: Duration::from_secs(5),
        ..settings()
    };
    let runtime = Runtime::new(settings).unwrap();
    let mut before = None;
    for _ in 0..2 {
        let met = corpus.iter().map(|h| (h.name, fate(&runtime, h.name, &h.bytes)));
        let fates: Vec<(&str, Fate)> = corpus.iter().map(|h| (h.name, h.fate)).collect();
        let spared: Vec<_> = met.filter(|met| !fates.contains(met)).collect();
        assert_eq!(spared, [], "they met another fate than theirs");
        // The first round has the allocator grow. An instance takes gibibytes of address space,
        // and of memory what it touches.
        let [memory_before, space_before] = *before.get_or_insert_with(memory);
        let [memory, space] = memory();
        assert!(memory < memory_before + (128 << 20), "{memory} after {memory_before}");
        assert!(space < space_before + (64 << 30), "{space} after {space_before}");
    }
}
