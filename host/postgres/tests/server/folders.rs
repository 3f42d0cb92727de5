//! What a Postgres makes of its folder, and what keeps it from starting.

use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ringwright_postgres::Settings;

use crate::place::{Place, binaries, insert, rows};

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_one_programs_at_a_time() {
    let place = Place::new();
    let postgres = place.start().await;
    let refused = place.refusal(place.settings()).await;
    assert!(refused.contains("is in use by another program"), "{refused}");
    postgres.stop().await.unwrap();
    place.start().await.stop().await.unwrap();
}

/// A folder of programs, of which initdb does as much as it is told and is killed.
fn cut_short(place: &Place, version: &str) -> PathBuf {
    let dir = place.path().with_file_name("binaries");
    std::fs::create_dir(&dir).unwrap();
    let programs = [
        ("postgres", "exit 1"),
        ("initdb", "for new; do :; done; echo 9 >$new/PG_VERSION; echo half-way >&2; kill -9 $$"),
    ];
    for (name, does) in programs {
        let program = dir.join(name);
        let version = format!("[ \"$1\" = --version ] && echo '(PostgreSQL) {version}' && exit");
        std::fs::write(&program, format!("#!/bin/sh\n{version}\n{does}\n")).unwrap();
        std::fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    }
    dir
}

#[tokio::test(flavor = "multi_thread")]
async fn an_initdb_cut_short_leaves_nothing_that_is_believed() {
    let place = Place::new();
    let binaries = cut_short(&place, "15.0");
    let refused = place.refusal(Settings { binaries: Some(binaries), ..place.settings() }).await;
    assert!(refused.contains("signal: 9") && refused.contains("half-way"), "{refused}");
    assert!(!place.data().exists());
    // One that was killed together with the program cleaned nothing up.
    std::fs::create_dir(place.path().join("data.new")).unwrap();
    std::fs::write(place.path().join("data.new/PG_VERSION"), "9").unwrap();
    let postgres = place.start().await;
    insert(&postgres, &[1]).await;
    assert_eq!(rows(&postgres).await, [1]);
    assert!(!place.path().join("data.new").exists());
    postgres.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn data_of_another_version_are_refused_and_stay() {
    let place = Place::new();
    place.start().await.stop().await.unwrap();
    let file = place.data().join("PG_VERSION");
    let version = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, "9.6\n").unwrap();
    let refused = place.refusal(place.settings()).await;
    for told in ["of Postgres 9", &format!("has Postgres {}", version.trim()), "pg_upgrade"] {
        assert!(refused.contains(told), "{told}: {refused}");
    }
    std::fs::write(&file, version).unwrap();
    place.start().await.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn files_in_the_place_of_the_data_are_no_data_and_stay() {
    let place = Place::new();
    std::fs::create_dir_all(place.data()).unwrap();
    std::fs::write(place.data().join("precious"), "").unwrap();
    let refused = place.refusal(place.settings()).await;
    assert!(refused.contains("/data holds files") && refused.contains("PG_VERSION"), "{refused}");
    assert!(place.data().join("precious").exists());
    std::fs::remove_file(place.data().join("precious")).unwrap();
    place.start().await.stop().await.unwrap();

    // What cannot be looked at is not taken for missing.
    let version = place.data().join("PG_VERSION");
    std::fs::remove_file(&version).unwrap();
    std::os::unix::fs::symlink("PG_VERSION", &version).unwrap();
    let refused = place.refusal(place.settings()).await;
    assert!(refused.contains("PG_VERSION") && refused.contains("symbolic links"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_ends_at_once_says_why() {
    let place = Place::new();
    let greedy = Settings { shared_buffers_mib: 8 << 20, ..place.settings() };
    let refused = place.refusal(greedy).await;
    assert!(refused.contains("ended at once") && refused.contains("FATAL"), "{refused}");
    place.start().await.stop().await.unwrap();
}

/// Programs of which postgres stands still as soon as there is a socket.
fn stands_still(place: &Place, real: &Path) -> PathBuf {
    let dir = place.path().with_file_name("binaries");
    std::fs::create_dir(&dir).unwrap();
    std::os::unix::fs::symlink(real.join("initdb"), dir.join("initdb")).unwrap();
    let (real, socket) = (real.join("postgres"), place.path().join("run/.s.PGSQL.5432"));
    let (real, socket) = (real.display(), socket.display());
    // It looks without a pause: Postgres answers a few milliseconds after there is a socket.
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = --version ] && exec {real} --version\n\
         (until [ -S {socket} ]; do :; done; kill -STOP $$) &\nexec {real} \"$@\"\n"
    );
    std::fs::write(dir.join("postgres"), script).unwrap();
    std::fs::set_permissions(dir.join("postgres"), Permissions::from_mode(0o755)).unwrap();
    dir
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_takes_connections_and_answers_none_is_given_up_and_ended() {
    let place = Place::new();
    let postgres = place.start().await;
    let real = binaries(place.pid());
    insert(&postgres, &[1]).await;
    postgres.stop().await.unwrap();
    let stands_still = Settings {
        binaries: Some(stands_still(&place, &real)),
        // Until there is a socket it cannot stand still.
        start_timeout: Duration::from_secs(5),
        ..place.settings()
    };
    let refused = place.refusal(stands_still).await;
    assert!(refused.contains("was not ready within 5s (it does not answer)"), "{refused}");
    let postgres = place.start().await;
    assert_eq!(rows(&postgres).await, [1]);
    postgres.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deep_folder_has_its_socket_elsewhere() {
    let place = Place::new();
    let settings = Settings::new(place.path().join("x".repeat(100)));
    let link = settings.dir.join("run");
    let start = async || ringwright_postgres::Postgres::start(settings.clone()).await.unwrap();
    let postgres = start().await;
    insert(&postgres, &[1]).await;
    let first = std::fs::read_link(&link).unwrap();
    assert_eq!(std::fs::metadata(&first).unwrap().permissions().mode() & 0o777, 0o700);
    postgres.stop().await.unwrap();
    assert!(!first.exists());
    // One that was killed leaves it to the next.
    std::fs::create_dir(&first).unwrap();
    std::fs::write(first.join(".s.PGSQL.5432.lock"), "").unwrap();
    let postgres = start().await;
    assert!(!first.exists());
    assert_eq!(rows(&postgres).await, [1]);
    postgres.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_owner_gets_to_the_data_and_the_socket() {
    let place = Place::new();
    let postgres = place.start().await;
    let found = |path| std::fs::metadata(path).unwrap();
    for dir in [place.data(), place.path().join("run")] {
        assert_eq!(found(dir.clone()).mode() & 0o077, 0, "{}", dir.display());
    }
    // Postgres cannot have us write to what it likes.
    for ours in [place.path(), place.path().join("postgres.lock"), place.path().join("pg_hba.conf")]
    {
        assert_eq!(found(ours.clone()).mode() & 0o022, 0, "{}", ours.display());
        assert_eq!(found(ours.clone()).uid(), rustix::process::geteuid().as_raw());
    }
    postgres.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_postgres_cannot_get_to_is_named() {
    if !rustix::process::geteuid().is_root() {
        return; // only root runs it as somebody else
    }
    let place = Place::new();
    let above = place.path().parent().unwrap().to_owned();
    std::fs::set_permissions(&above, Permissions::from_mode(0o700)).unwrap();
    let refused = place.refusal(place.settings()).await;
    assert!(refused.contains("cannot enter") && refused.contains("chmod o+x"), "{refused}");
    std::fs::set_permissions(&above, Permissions::from_mode(0o711)).unwrap();
    let nobody = Settings { user: "no-such-user".into(), ..place.settings() };
    let refused = place.refusal(nobody).await;
    assert!(refused.contains("there is no user no-such-user"), "{refused}");
}
