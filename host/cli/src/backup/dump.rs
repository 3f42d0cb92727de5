//! `ringwright dump`: the whole table as one snapshot.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use indicatif::ProgressBar;
use ringwright_model::Key;
use serde_json::json;

use super::cluster::Cluster;
use super::{Balancer, STANDARD, format};
use crate::client::Client;
use crate::output::{self, Output};

/// How often the bar shows that it lives.
const TICK: Duration = Duration::from_millis(100);

#[derive(clap::Args)]
#[group(skip)]
pub struct Args {
    /// The file to write; what it held before stays until the dump is whole. - is the standard
    /// output.
    file: PathBuf,
    #[command(flatten)]
    balancer: Balancer,
    #[command(flatten)]
    output: output::Args,
}

/// Writes the dump, and tells how many rows are in it.
pub async fn run(args: Args) -> Result<ExitCode> {
    let client = args.balancer.client()?;
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(TICK);
    bar.set_message("reading the table");
    let column = cluster(&client).await?.schema.key_column().to_owned();
    let answer = client.read(&column, 0, Key::MAX).await?;
    let rows = answer.rows()?;
    // Asked after the rows: they may be in a shard that came between.
    let cluster = cluster(&client).await?;
    bar.set_message(format!("writing {} rows", rows.len()));
    let to_standard = args.file == Path::new(STANDARD);
    if to_standard {
        format::write(BufWriter::new(std::io::stdout().lock()), &cluster, &rows)
    } else {
        whole(&args.file, |file| format::write(BufWriter::new(file), &cluster, &rows))
    }
    .with_context(|| format!("cannot write {}", args.file.display()))?;
    bar.finish_and_clear();
    let told = match args.output.output {
        Output::Json => json!({"rows": rows.len()}).to_string(),
        Output::Text => format!("{} rows dumped", rows.len()),
    };
    if to_standard {
        eprintln!("{told}")
    } else {
        output::print(&told)?
    }
    Ok(ExitCode::SUCCESS)
}

async fn cluster(client: &Client) -> Result<Cluster> {
    let status = client.get("/status").await?.ok()?;
    Cluster::of(&status)?.context("the database is not configured: there is nothing to dump")
}

/// Writes a file that takes its name, on disk, once it is whole.
fn whole(path: &Path, write: impl FnOnce(&mut File) -> std::io::Result<()>) -> std::io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut prefix = path.file_name().unwrap_or(OsStr::new("dump")).to_owned();
    prefix.push(".");
    let mut file =
        tempfile::Builder::new().prefix(&prefix).suffix(".unfinished").tempfile_in(folder)?;
    write(file.as_file_mut())?;
    file.as_file_mut().flush()?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use std::io;

    use super::*;

    #[test]
    fn what_was_there_stays_until_the_new_file_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dump");
        whole(&path, |file| write!(file, "old")).unwrap();
        let failed = whole(&path, |file| {
            write!(file, "new")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        whole(&path, |file| write!(file, "new")).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    }
}
