//! The metadata in a Postgres.

use std::fs::Permissions;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ringwright_postgres::{Password, Postgres, PostgresError, Settings, Tcp};
use tempfile::TempDir;

use crate::program::{Balancer, run, text, until};

const SECRET: &str = "s3cret of the metadata";

/// A Postgres that wants a password.
struct Place {
    dir: TempDir,
    port: u16,
}

impl Place {
    fn new() -> Self {
        // Others may pass through: Postgres may run as another user than the tests.
        let open = Permissions::from_mode(0o711);
        let dir = tempfile::Builder::new().permissions(open).tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        std::fs::write(dir.path().join("password"), format!("{SECRET}\n")).unwrap();
        Place { dir, port }
    }

    fn password_file(&self) -> PathBuf {
        self.dir.path().join("password")
    }

    /// One whose Postgres runs.
    async fn started() -> (Self, Postgres) {
        loop {
            let place = Place::new();
            match place.start().await {
                Ok(postgres) => return (place, postgres),
                // Somebody else had the port first.
                Err(error) if error.to_string().contains("Address already in use") => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    async fn start(&self) -> Result<Postgres, PostgresError> {
        let password = Password::read(&self.password_file()).unwrap();
        let tcp = Some(Tcp { host: "127.0.0.1".into(), port: self.port, password });
        let settings = Settings { tcp, ..Settings::new(self.dir.path().join("postgres")) };
        Postgres::start(settings).await
    }

    fn url(&self) -> String {
        format!("postgres://ringwright@127.0.0.1:{}/ringwright", self.port)
    }

    fn args(&self) -> Vec<String> {
        let file = self.password_file().display().to_string();
        ["--metadata-url", &self.url(), "--metadata-password-file", &file].map(Into::into).into()
    }
}

#[tokio::test]
async fn a_cluster_lives_on_its_metadata_in_a_postgres() {
    let (place, postgres) = Place::started().await;
    let data = tempfile::tempdir().unwrap();
    let args = place.args();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();

    let mut first = Balancer::configured(data.path(), &args).await;
    assert_eq!(first.http.write([1, 5000]).await.unwrap().0, 200);
    assert!(!data.path().join("metadata.sqlite").exists());
    first.kill();

    // It did not give its charge back, and might be alive elsewhere for all its successor knows.
    let second = Balancer::start(data.path(), &args).await;
    second.says("waiting for the balancer in charge to lapse").await;
    assert_eq!(second.http.keys(0, 12287).await, [1, 5000]);

    // Its Postgres is away for a while.
    postgres.stop().await.unwrap();
    second.says("the charge could not be renewed").await;
    let _postgres = place.start().await.unwrap();
    until("writes go on", async || {
        matches!(second.http.write([9000]).await, Ok((200, _))).then_some(())
    })
    .await;
    assert_eq!(second.http.keys(0, 12287).await, [1, 5000, 9000]);
    for balancer in [&first, &second] {
        assert!(!balancer.log().contains(SECRET), "the password is in the log");
    }
}

#[tokio::test]
async fn sigterm_is_obeyed_while_another_balancer_is_in_charge() {
    let (place, _postgres) = Place::started().await;
    let args = [place.args(), ["--charge-term", "10m"].map(Into::into).into()].concat();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let _first = Balancer::start(folders[0].path(), &args).await;
    let mut second = Balancer::begin(0, folders[1].path(), &args, |_| {});
    second.says("waiting for the balancer in charge to lapse").await;
    let begun = Instant::now();
    second.signal("TERM");
    assert!(second.ended().await.success());
    assert!(begun.elapsed() < Duration::from_secs(5), "it waited: {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_wrong_password_is_told_at_once_and_not_shown() {
    let (place, _postgres) = Place::started().await;
    let data = tempfile::tempdir().unwrap();
    let data = data.path().to_str().unwrap();
    let wrong = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(wrong.path(), "wr0ng").unwrap();
    let serve = ["serve", "--port", "0", "--data-dir", data];
    let (url, wrong) = (place.url(), wrong.path().to_str().unwrap());
    let missing = format!("{wrong}.not");
    let refusals: [(&[&str], &str); 3] = [
        (&["--metadata-url", &url, "--metadata-password-file", wrong], "password authentication"),
        (&["--metadata-url", &url, "--metadata-password-file", &missing], &missing),
        (&["--metadata-password-file", wrong], "goes with --metadata-url"),
    ];
    for (args, told) in refusals {
        let output = run(&[&serve, args].concat());
        let said = text(&output.stderr);
        assert!(!output.status.success() && said.contains(told), "{args:?}: {said}");
        assert!(!said.contains("wr0ng"), "{said}");
    }
}
