//! Tokens and secrets: who needs which, and that nobody else gets to see them.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use hyper::Method;
use serde_json::json;

use crate::program::{Balancer, Client, ringwright, run, text, until};

const TOKEN: &str = "a-token-that-nobody-knows";

fn with_token(command: &mut Command) {
    command.env("RINGWRIGHT_TOKEN", TOKEN);
}

/// What is in a folder's files, except for those of this name.
fn contents(dir: &Path, except: &str) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            all.extend(contents(&entry.path(), except));
        } else if entry.file_name() != except {
            let path = entry.path().display().to_string();
            all.push((path, std::fs::read(entry.path()).unwrap_or_default()));
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn no_output_page_file_or_argument_tells_a_secret() {
    let data = tempfile::tempdir().unwrap();
    let args = ["--demo", "--heartbeat-interval", "100ms"];
    let balancer = Balancer::begin(0, data.path(), &args, |command| {
        with_token(command);
        // All but the compiler of plugins, whose trace takes minutes.
        let log = "trace,cranelift_codegen=info,cranelift_frontend=info,regalloc2=info";
        command.env("RINGWRIGHT_LOG", log);
    });
    let balancer = balancer.serves().await;
    balancer.says("The data is in").await;
    let url = &balancer.url;
    let swap = ["plugin", "swap", "md5", "--apply", "--url", url];
    let mut refused = ringwright(&swap);
    refused.env("RINGWRIGHT_TOKEN", "not-the-token-at-all");
    let says = [(refused, "does not accept this token"), (ringwright(&swap), "wants its token")];
    for (mut command, says) in says {
        let refused = command.output().unwrap();
        let told = text(&refused.stderr);
        assert!(!refused.status.success() && told.contains(says), "{told}");
        assert!(told.contains("RINGWRIGHT_TOKEN"), "{told}");
    }
    balancer.says("a wrong token was shown").await;
    let mut command = ringwright(&swap);
    with_token(&mut command);
    let swapped = command.output().unwrap();
    assert!(swapped.status.success(), "{swapped:?}");
    balancer.kill_server("Server1");
    balancer.says("RESPAWN: the replacement is up").await;

    let mut told = vec![("the log".to_owned(), balancer.log().into_bytes())];
    for path in ["/status", "/plugins", "/openapi.json", "/ring", "/help", "/home"] {
        let page = balancer.http.get(path).await.unwrap().1.to_string();
        told.push((path.to_owned(), page.into_bytes()));
    }
    let mut help = ringwright(&["serve", "--help"]);
    with_token(&mut help);
    told.push(("--help".to_owned(), help.output().unwrap().stdout));
    for server in ["Server0", "Server1"] {
        let pid = balancer.server_pid(server).unwrap();
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap();
        assert!(text(&line).contains("--secret-file"), "{line:?}");
        told.push((format!("the arguments of {server}"), line));
    }
    let secret = std::fs::read_to_string(data.path().join("secret")).unwrap();
    told.extend(contents(data.path(), "secret"));
    assert!(told.iter().any(|(name, _)| name.ends_with("Server0/server.log")));
    for (name, bytes) in told {
        for secret in [TOKEN, &secret, "not-the-token-at-all"] {
            assert!(!text(&bytes).contains(secret), "{name} tells '{secret}'");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_do_not_know_the_balancer_are_replaced() {
    let data = tempfile::tempdir().unwrap();
    let quick = ["--heartbeat-interval", "100ms"];
    let mut balancer = Balancer::configured(data.path(), &quick).await;
    assert_eq!(balancer.http.write(0..100).await.unwrap().0, 200);
    let names = ["Server0", "Server1", "Server2"];
    let before = names.map(|name| balancer.server_pid(name));
    let address = std::fs::read_to_string(data.path().join("servers/Server0/address")).unwrap();
    let stranger = Client::new(format!("http://{address}"));
    assert_eq!(stranger.post("/internal/adopt", json!({})).await.unwrap().0, 401);
    balancer.kill();
    std::fs::write(data.path().join("secret"), "another secret than that before".replace(' ', "-"))
        .unwrap();
    let again = Balancer::start(data.path(), &quick).await;
    until("all have been replaced", async || {
        let now = names.map(|name| again.server_pid(name));
        now.iter().zip(&before).all(|(now, before)| now.is_some() && now != before).then_some(())
    })
    .await;
    again.all_in_sync().await;
    assert_eq!(again.http.keys(0, 12_287).await.len(), 100);
    for told in ["the server does not know this balancer's secret", "FLATLINE", "RESPAWN"] {
        assert!(again.log().contains(told), "{told}");
    }
}

#[test]
fn beyond_this_machine_it_wants_a_token_or_to_be_told() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path().to_str().unwrap();
    // It gets no further than to its plugins, of which there are none.
    let serve = |more: &[&str], variable: Option<&str>| {
        let folders = ["--data-dir", here, "--plugin-dir", here];
        let args = [&["serve", "--port", "0"], &folders[..], more].concat();
        let mut command = ringwright(&args);
        command.envs(variable.map(|token| ("RINGWRIGHT_TOKEN", token)));
        text(&command.output().unwrap().stderr)
    };
    let open = ["--host", "0.0.0.0"];
    let refused = serve(&open, None);
    assert!(refused.contains("RINGWRIGHT_TOKEN") && refused.contains("--insecure"), "{refused}");
    assert!(!refused.contains("make plugins"), "{refused}");
    let meant = serve(&["--host", "0.0.0.0", "--insecure"], None);
    assert!(meant.contains("whoever reaches this port") && meant.contains("make plugins"));
    let with_token = serve(&open, Some(TOKEN));
    assert!(with_token.contains("make plugins") && !with_token.contains("--insecure"));
    for host in ["localhost", "127.0.0.1"] {
        assert!(serve(&["--host", host], None).contains("make plugins"), "{host}");
    }
}

#[test]
fn a_token_is_given_once_and_is_one() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    let file = file.to_str().unwrap();
    let told = |args: &[&str]| {
        let output = run(&[&["serve", "--data-dir", "/dev/null/x"], args].concat());
        text(&output.stderr)
    };
    assert!(told(&["--token", TOKEN, "--token-file", file]).contains("given twice"));
    assert!(told(&["--token-file", file]).contains("cannot read the file"));
    for short in ["", "fifteen-letters"] {
        std::fs::write(file, short).unwrap();
        for args in [["--token", short], ["--token-file", file]] {
            let told = told(&args);
            assert!(told.contains(args[0]) && told.contains("at least 16 characters"), "{told}");
        }
    }
    std::fs::write(file, format!("{TOKEN}\n")).unwrap();
    assert!(told(&["--token-file", file]).contains("cannot make the data folder"));
    // Nor does the settings file tell it to whoever asks for help.
    let settings = format!("token = '{TOKEN}'\ndatabase-url = 'postgres://x:{TOKEN}@y/z'");
    std::fs::write(dir.path().join("ringwright.toml"), settings).unwrap();
    for (command, shows) in [("serve", "--token <TOKEN>"), ("shard-server", "--database-url <URL>")]
    {
        let help = ringwright(&[command, "--help"]).current_dir(dir.path()).output().unwrap();
        let help = text(&help.stdout);
        assert!(help.contains(shows) && !help.contains(TOKEN), "{help}");
    }
}

#[test]
fn a_token_may_come_from_what_can_be_read_once() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path().to_str().unwrap();
    let folders = ["--data-dir", here, "--plugin-dir", here];
    let access = ["--host", "0.0.0.0", "--token-file", "/dev/stdin"];
    let mut command = ringwright(&[&["serve", "--port", "0"], &folders[..], &access].concat());
    command.stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(TOKEN.as_bytes()).unwrap();
    let told = text(&child.wait_with_output().unwrap().stderr);
    assert!(told.contains("make plugins") && !told.contains("--token-file"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_uploads_much_and_has_no_token_is_told_so() {
    let data = tempfile::tempdir().unwrap();
    let balancer = Balancer::begin(0, data.path(), &[], with_token).serves().await;
    let file = data.path().join("large.wasm");
    std::fs::write(&file, vec![b' '; 8 << 20]).unwrap();
    let file = file.to_str().unwrap();
    let refused = run(&["plugin", "upload", file, "--url", &balancer.url]);
    let told = text(&refused.stderr);
    assert!(told.contains("wants its token"), "{told}");
    // Nor do they fill the log.
    let long = format!("/servers/{}", "x".repeat(1000));
    let stranger = balancer.http.clone().with_token("not-the-token-at-all");
    assert_eq!(stranger.send(Method::PUT, &long, json!({})).await.unwrap().0, 401);
    balancer.says("a wrong token was shown").await;
    assert!(balancer.log().contains(&long[..200]) && !balancer.log().contains(&long[..201]));
}
