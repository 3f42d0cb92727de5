//! Servers as processes, with a script that stands in for the server.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ringwright_control::{Control, ControlError, Instance, ProcessControl, ProcessSettings};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tempfile::TempDir;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(10);

/// A folder for servers; those that still run when it goes are killed.
struct Ground(TempDir);

impl Ground {
    fn new() -> Self {
        Ground(tempfile::tempdir().unwrap())
    }

    fn control(&self, mode: &str) -> ProcessControl {
        ProcessControl::new(self.settings(mode))
    }

    fn settings(&self, mode: &str) -> ProcessSettings {
        ProcessSettings {
            exe: concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stand-in.sh").into(),
            servers_dir: self.0.path().into(),
            idle_exit: Duration::from_millis(2500),
            start_timeout: SOON,
            stop_timeout: SOON,
            extra_args: vec![mode.into()],
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        for folder in fs::read_dir(self.0.path()).unwrap().flatten() {
            let pid = fs::read_to_string(folder.path().join("pid")).unwrap_or_default();
            // Still running our script, or what it became; never a stranger of that number.
            let inside = fs::read_dir(format!("/proc/{}/fd", pid.trim())).into_iter().flatten();
            let links = inside.flatten().filter_map(|fd| fs::read_link(fd.path()).ok());
            if links.into_iter().any(|l| l.starts_with(folder.path())) {
                let _ = kill_process(pid_of(pid.trim()), Signal::KILL);
            }
        }
    }
}

fn pid_of(handle: &str) -> Pid {
    Pid::from_raw(handle.parse().unwrap()).unwrap()
}

fn runs(instance: &Instance) -> bool {
    test_kill_process(pid_of(&instance.handle)).is_ok()
}

async fn next(deaths: &mut Receiver<Instance>) -> Instance {
    timeout(SOON, deaths.recv()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_server_is_started_in_a_group_of_its_own_and_told_what_it_needs() {
    let ground = Ground::new();
    let control = ground.control("slow");
    let server = control.start("s1").await.unwrap();
    assert_eq!(server.name, "s1");
    assert_eq!(server.address, format!("127.0.0.1:{}", server.handle));
    assert!(runs(&server));
    let dir = ground.file("s1");
    assert_eq!(
        fs::read_to_string(dir.join("args")).unwrap().trim(),
        format!("shard-server --name s1 --data-dir {} --port 0 --idle-exit 3s slow", dir.display())
    );
    assert_eq!(fs::read_to_string(dir.join("server.log")).unwrap(), "started in slow mode\n");
    let group = rustix::process::getpgid(Some(pid_of(&server.handle))).unwrap();
    assert_eq!(group, pid_of(&server.handle));
}

#[tokio::test]
async fn one_that_runs_is_not_started_again() {
    let ground = Ground::new();
    let control = ground.control("slow");
    let (one, two) = tokio::join!(control.start("s1"), control.start("s1"));
    let one = one.unwrap();
    assert_eq!(one, two.unwrap());
    assert_eq!(control.start("s1").await.unwrap(), one);
    assert_eq!(control.list().await.unwrap(), [one]);
}

#[test]
fn servers_outlive_their_balancer_and_the_next_one_takes_them_over() {
    let ground = Ground::new();
    // The runtime goes as well, with everything that ran on it.
    let balancer = || tokio::runtime::Runtime::new().unwrap();
    let (a, b) = balancer().block_on(async {
        let control = ground.control("");
        (control.start("a").await.unwrap(), control.start("b").await.unwrap())
    });
    fs::create_dir(ground.file("empty")).unwrap();
    fs::create_dir(ground.file(".hidden")).unwrap();
    balancer().block_on(async {
        let control = ground.control("");
        let mut deaths = control.deaths();
        assert_eq!(control.list().await.unwrap(), [a.clone(), b.clone()]);
        assert_eq!(control.start("a").await.unwrap(), a);
        // One that was taken over is watched, and one that was only seen can be stopped.
        kill_process(pid_of(&a.handle), Signal::KILL).unwrap();
        assert_eq!(next(&mut deaths).await, a);
        control.stop("b").await.unwrap();
        assert_eq!(control.list().await.unwrap(), []);
    });
}

#[tokio::test]
async fn one_that_another_control_is_starting_is_waited_for() {
    let ground = Ground::new();
    let (one, two) = (ground.control("slow"), ground.control("slow"));
    let starting = async {
        while !ground.file("s1/locked").exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        two.start("s1").await
    };
    let (one, two) = tokio::join!(one.start("s1"), starting);
    assert_eq!(one.unwrap(), two.unwrap());
}

#[tokio::test]
async fn a_death_is_told_once_and_the_next_start_brings_it_back() {
    let ground = Ground::new();
    let control = ground.control("");
    let mut deaths = control.deaths();
    let first = control.start("s1").await.unwrap();
    let other = control.start("s2").await.unwrap();
    kill_process(pid_of(&first.handle), Signal::KILL).unwrap();
    assert_eq!(next(&mut deaths).await, first, "which of that name it was");
    assert!(!runs(&first), "it was not reaped");
    assert_eq!(control.list().await.unwrap(), [other]);

    let second = control.start("s1").await.unwrap();
    assert_ne!(second.handle, first.handle);
    assert!(runs(&second));
    assert_eq!(deaths.try_recv(), Err(TryRecvError::Empty));
}

#[tokio::test]
async fn a_death_that_start_sees_first_is_told_before_the_successor_is_given() {
    let ground = Ground::new();
    let control = ground.control("");
    let mut deaths = control.deaths();
    for _ in 0..5 {
        let server = control.start("s1").await.unwrap();
        kill_process(pid_of(&server.handle), Signal::KILL).unwrap();
        // Blocks, so that the watch has had no turn when `start` is asked.
        fs::File::open(ground.file("s1/server.lock")).unwrap().lock().unwrap();
        assert_ne!(control.start("s1").await.unwrap(), server.clone());
        assert_eq!(deaths.try_recv(), Ok(server));
    }
}

#[tokio::test]
async fn a_polite_server_is_let_finish_and_its_death_is_no_news() {
    let ground = Ground::new();
    let control = ground.control("polite");
    let mut deaths = control.deaths();
    let server = control.start("s1").await.unwrap();
    control.stop("s1").await.unwrap();
    assert!(!runs(&server));
    assert!(ground.file("s1/said-goodbye").exists());
    control.stop("s1").await.unwrap();
    control.stop("never-was").await.unwrap();
    assert_eq!(deaths.try_recv(), Err(TryRecvError::Empty));

    control.start("s1").await.unwrap();
    let log = fs::read_to_string(ground.file("s1/server.log")).unwrap();
    assert_eq!(log.matches("started").count(), 2, "the log was not kept");
}

#[tokio::test]
async fn a_stubborn_server_is_stopped_by_force() {
    let ground = Ground::new();
    let patience = Duration::from_millis(300);
    let control = ProcessControl::new(ProcessSettings {
        stop_timeout: patience,
        ..ground.settings("stubborn")
    });
    let server = control.start("s1").await.unwrap();
    let begun = Instant::now();
    control.stop("s1").await.unwrap();
    assert!(begun.elapsed() >= patience);
    assert!(!runs(&server));
}

#[tokio::test]
async fn kill_does_not_ask() {
    let ground = Ground::new();
    let control = ground.control("polite");
    let mut deaths = control.deaths();
    let server = control.start("s1").await.unwrap();
    // Hung: it could not even take a polite signal.
    kill_process(pid_of(&server.handle), Signal::STOP).unwrap();
    timeout(SOON / 2, control.kill("s1")).await.unwrap().unwrap();
    assert!(!runs(&server));
    assert!(!ground.file("s1/said-goodbye").exists());
    assert_eq!(deaths.try_recv(), Err(TryRecvError::Empty));
    assert!(ground.file("s1/server.log").exists(), "the data was to stay");
}

#[tokio::test]
async fn remove_takes_the_data_too() {
    let ground = Ground::new();
    let control = ground.control("");
    let server = control.start("s1").await.unwrap();
    control.remove("s1").await.unwrap();
    assert!(!runs(&server));
    assert!(!ground.file("s1").exists());
    control.remove("s1").await.unwrap();
    assert_ne!(control.start("s1").await.unwrap().handle, server.handle);
}

#[tokio::test]
async fn a_new_server_starts_on_no_data_and_what_was_there_is_kept() {
    let ground = Ground::new();
    let control = ground.control("");
    let stranger = control.start("s1").await.unwrap();
    fs::write(ground.file("s1/data"), "all that is left").unwrap();
    let new = control.create("s1").await.unwrap();
    assert!(!runs(&stranger) && runs(&new));
    assert!(!ground.file("s1/data").exists());
    let folders = || fs::read_dir(ground.0.path()).unwrap().flatten().map(|entry| entry.path());
    let aside = folders().find(|path| path.join("data").exists()).unwrap();
    assert_eq!(fs::read_to_string(aside.join("data")).unwrap(), "all that is left");
    assert_eq!(control.list().await.unwrap(), [new], "what is put aside is no server");
    control.create("s2").await.unwrap();
    assert_eq!(folders().count(), 3);
}

#[tokio::test]
async fn a_new_server_that_does_not_start_leaves_nothing() {
    let ground = Ground::new();
    ground.control("crash").create("s1").await.unwrap_err();
    assert_eq!(fs::read_dir(ground.0.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_start_that_is_given_up_leaves_nothing_that_runs() {
    let ground = Ground::new();
    let control = ground.control("mute");
    let begun = async {
        while !ground.file("s1/args").exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        started = control.start("s1") => panic!("{started:?}"),
        () = begun => {}
    }
    // Where there is no lock to take yet, nobody has it.
    let free = || {
        let lock = fs::File::options().write(true).open(ground.file("s1/server.lock"));
        lock.is_err() || lock.is_ok_and(|lock| lock.try_lock().is_ok())
    };
    let ends = async {
        // Nobody may have it yet: whoever was to take it may still be on the way there.
        for _ in 0..20 {
            while !free() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(SOON, ends).await.unwrap();
}

#[tokio::test]
async fn a_folder_that_cannot_be_looked_at_hides_no_other() {
    let ground = Ground::new();
    let control = ground.control("");
    let server = control.start("s2").await.unwrap();
    fs::create_dir_all(ground.file("s1")).unwrap();
    // Opening it fails, for root too: a link to itself.
    std::os::unix::fs::symlink("server.lock", ground.file("s1/server.lock")).unwrap();
    assert_eq!(control.list().await.unwrap(), [server]);
}

#[tokio::test]
async fn a_server_that_ends_at_once_is_quoted() {
    let ground = Ground::new();
    fs::create_dir(ground.file("s1")).unwrap();
    fs::write(ground.file("s1/server.log"), "an old line\n").unwrap();
    let error = ground.control("crash").start("s1").await.unwrap_err();
    let ControlError::Exited { name, status, log } = error else { panic!("{error}") };
    assert_eq!((name.as_str(), status.as_str()), ("s1", "exit status: 3"));
    let last: Vec<String> = (21..=30).map(|n| format!("line {n}")).collect();
    assert_eq!(log, last.join("\n"));
    // Nothing is left that would keep a better one from starting.
    ground.control("").start("s1").await.unwrap();
}

#[tokio::test]
async fn a_server_that_never_listens_is_given_up() {
    let ground = Ground::new();
    let limit = Duration::from_millis(500);
    let settings = ProcessSettings { start_timeout: limit, ..ground.settings("mute") };
    let error = ProcessControl::new(settings).start("s1").await.unwrap_err();
    assert!(matches!(error, ControlError::Slow { .. }), "{error}");
    ground.control("").start("s1").await.unwrap();
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let ground = Ground::new();
    let settings = ProcessSettings { exe: "/no/such/program".into(), ..ground.settings("") };
    let error = ProcessControl::new(settings).start("s1").await.unwrap_err();
    assert!(matches!(&error, ControlError::System { .. }), "{error}");
    assert!(error.to_string().contains("/no/such/program"));
}

#[tokio::test]
async fn files_that_a_crash_left_are_not_believed() {
    let ground = Ground::new();
    let control = ground.control("slow");
    fs::create_dir(ground.file("s1")).unwrap();
    fs::write(ground.file("s1/server.lock"), "").unwrap();
    fs::write(ground.file("s1/address"), "127.0.0.1:1").unwrap();
    // A process that runs, but is no server of ours.
    let bystander = std::process::id().to_string();
    fs::write(ground.file("s1/pid"), &bystander).unwrap();
    assert_eq!(control.list().await.unwrap(), []);
    control.kill("s1").await.unwrap();
    let server = control.start("s1").await.unwrap();
    assert_ne!(server.address, "127.0.0.1:1");
    assert_ne!(server.handle, bystander);
}

#[tokio::test]
async fn a_bystander_is_never_signalled() {
    let ground = Ground::new();
    let mut bystander = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    let patience = Duration::from_millis(200);
    let control =
        ProcessControl::new(ProcessSettings { start_timeout: patience, ..ground.settings("") });
    fs::create_dir(ground.file("s1")).unwrap();
    // Somebody has the lock, but the process of the pid file is another one.
    let lock = fs::File::create(ground.file("s1/server.lock")).unwrap();
    lock.lock().unwrap();
    fs::write(ground.file("s1/address"), "127.0.0.1:1").unwrap();
    fs::write(ground.file("s1/pid"), bystander.id().to_string()).unwrap();
    for refused in [
        control.stop("s1").await,
        control.kill("s1").await,
        control.remove("s1").await,
        control.create("s1").await.map(|_| ()),
        control.start("s1").await.map(|_| ()),
    ] {
        assert!(matches!(refused, Err(ControlError::Occupied(_))), "{refused:?}");
    }
    assert_eq!(control.list().await.unwrap(), []);
    let alive = bystander.try_wait().unwrap().is_none();
    bystander.kill().unwrap();
    bystander.wait().unwrap();
    assert!(alive);
}

#[tokio::test]
async fn bad_names_are_refused_everywhere() {
    let ground = Ground::new();
    let keep = ground.file("keep");
    fs::create_dir(&keep).unwrap();
    let control = ground.control("");
    for name in ["", "..", "../x", ".keep", "-keep", "a/b"] {
        for refused in [
            control.start(name).await.map(|_| ()),
            control.create(name).await.map(|_| ()),
            control.stop(name).await,
            control.kill(name).await,
            control.remove(name).await,
        ] {
            assert!(matches!(refused, Err(ControlError::Name(_))), "{name}: {refused:?}");
        }
    }
    assert!(keep.exists());
}
