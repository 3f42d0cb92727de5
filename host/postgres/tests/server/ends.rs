//! How a Postgres ends, and what the next one finds.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::place::{Place, binaries, connect, insert, lives, rows, signal, until};

#[tokio::test(flavor = "multi_thread")]
async fn rows_stay_over_a_stop_in_good_order_and_one_at_once() {
    let place = Place::new();
    let postgres = place.start().await;
    let binaries = binaries(place.pid());
    insert(&postgres, &[1]).await;
    let _idle = connect(&postgres).await; // a connection that is open holds nothing up
    postgres.stop().await.unwrap();
    assert_eq!(place.state(&binaries), "shut down");

    let postgres = place.start().await;
    insert(&postgres, &[2]).await;
    let pid = place.pid();
    drop(postgres);
    assert!(!lives(pid));
    assert_eq!(place.state(&binaries), "in production");

    let postgres = place.start().await;
    assert_eq!(rows(&postgres).await, [1, 2]);
    postgres.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_is_on_disk_and_whole() {
    let place = Place::new();
    let postgres = place.start().await;
    let mut connection = connect(&postgres).await;
    for setting in ["fsync", "full_page_writes", "synchronous_commit", "data_checksums"] {
        let show = sqlx::AssertSqlSafe(format!("SHOW {setting}"));
        let value: String = sqlx::query_scalar(show).fetch_one(&mut connection).await.unwrap();
        assert_eq!(value, "on", "{setting}");
    }
    postgres.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_nobody_asked_for_is_told() {
    let place = Place::new();
    let postgres = place.start().await;
    insert(&postgres, &[1]).await;
    signal(place.pid(), "KILL");
    assert!(postgres.exited().await.contains("signal: 9"), "{}", postgres.exited().await);
    drop(postgres);
    // Its children may not have noticed yet.
    let postgres = place.start().await;
    assert_eq!(rows(&postgres).await, [1]);
    postgres.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_a_program_before_left_is_ended() {
    let place = Place::new();
    let postgres = place.start().await;
    insert(&postgres, &[1]).await;
    let arguments = std::fs::read(format!("/proc/{}/cmdline", place.pid())).unwrap();
    let arguments = String::from_utf8(arguments).unwrap();
    let owner = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(place.data()).unwrap());
    postgres.stop().await.unwrap();

    let mut arguments = arguments.trim_end_matches('\0').split('\0');
    let mut left = Command::new(arguments.next().unwrap())
        .args(arguments)
        .uid(owner)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let ready = || std::fs::read_to_string(place.data().join("postmaster.pid"));
    until("it runs", || ready().is_ok_and(|file| file.contains("ready"))).await;
    // It takes its time.
    let child = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", left.id())).unwrap();
    signal(child.split(' ').next().unwrap().parse().unwrap(), "STOP");

    let postgres = place.start().await;
    assert!(left.try_wait().unwrap().is_some(), "it lives on");
    assert_eq!(rows(&postgres).await, [1]);
    postgres.stop().await.unwrap();
}

/// A process called postgres that sees another folder in the place of one, and is there.
fn elsewhere(place: &Place, shown: &Path, seen_at: &Path) -> Option<Child> {
    let program = place.path().with_file_name("postgres-bin").join("postgres");
    if !program.exists() {
        std::fs::create_dir(program.parent().unwrap()).unwrap();
        std::fs::copy("/bin/sleep", &program).unwrap();
    }
    let script = "mount --bind \"$1\" \"$2\" && cd \"$2\" && exec \"$3\" 1000";
    let mut unshare = Command::new("unshare");
    unshare.args(["--mount", "sh", "-c", script, "sh"]).args([shown, seen_at, &program]);
    let mut child = unshare.spawn().unwrap();
    // The name of the program that runs last.
    let comm = format!("/proc/{}/comm", child.id());
    while std::fs::read_to_string(&comm).unwrap_or_default().trim_end() != "postgres" {
        if child.try_wait().unwrap().is_some() {
            return None; // not everybody may have mounts of their own
        }
    }
    Some(child)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_is_known_by_the_folder_it_is_in_and_not_by_its_path() {
    let place = Place::new();
    place.start().await.stop().await.unwrap();
    let other = tempfile::tempdir().unwrap();
    let data = place.data();
    let (Some(mut of_another), Some(mut of_it)) =
        (elsewhere(&place, other.path(), &data), elsewhere(&place, &data, other.path()))
    else {
        return;
    };
    let postgres = place.start().await;
    assert!(of_another.try_wait().unwrap().is_none(), "it was on other data, in that place");
    assert!(of_it.try_wait().unwrap().is_some(), "it was on the data, in another place");
    of_another.kill().unwrap();
    of_another.wait().unwrap();
    postgres.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_name_processes_of_before_keep_nobody_out() {
    let place = Place::new();
    let postgres = place.start().await;
    let owner = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(place.data()).unwrap());
    let pid_file = place.data().join("postmaster.pid");
    let socket_lock = place.path().join("run/.s.PGSQL.5432.lock");
    let files = [pid_file, socket_lock].map(|path| (std::fs::read_to_string(&path).unwrap(), path));
    let pid = place.pid().to_string();
    drop(postgres);
    // Another process of that user has the number today.
    let mut other = Command::new("sleep").arg("1000").uid(owner).spawn().unwrap();
    for (text, path) in files {
        std::fs::write(path, text.replacen(&pid, &other.id().to_string(), 1)).unwrap();
    }
    let postgres = place.start().await;
    assert!(other.try_wait().unwrap().is_none(), "it was taken for a Postgres");
    other.kill().unwrap();
    other.wait().unwrap();
    postgres.stop().await.unwrap();
}
