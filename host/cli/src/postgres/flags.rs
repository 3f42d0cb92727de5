//! How a Postgres of our own is run, on the command line.

use std::ffi::OsString;
use std::path::PathBuf;

use bytesize::ByteSize;
use ringwright_postgres::Settings;

#[derive(clap::Args)]
#[group(skip)]
pub struct Flags {
    /// Folder of Postgres' initdb and postgres; else PATH is searched, and then Debian's packages.
    #[arg(long, env = "RINGWRIGHT_POSTGRES_BIN", value_name = "FOLDER", help_heading = "Postgres")]
    postgres_bin: Option<PathBuf>,
    /// User that Postgres runs as where this program is run by root.
    #[arg(
        long,
        env = "RINGWRIGHT_POSTGRES_USER",
        default_value = "postgres",
        value_name = "USER",
        help_heading = "Postgres"
    )]
    postgres_user: String,
    /// Memory that a Postgres keeps pages in.
    #[arg(long, env = "RINGWRIGHT_POSTGRES_CACHE", default_value = "64MiB",
        value_parser = mebibytes, value_name = "SIZE", help_heading = "Postgres")]
    postgres_cache: u32,
}

impl Flags {
    /// Settings with these in their places.
    pub fn apply(&self, settings: Settings) -> Settings {
        Settings {
            binaries: self.postgres_bin.clone(),
            user: self.postgres_user.clone(),
            shared_buffers_mib: self.postgres_cache,
            ..settings
        }
    }

    /// The memory in another's environment.
    pub fn cache_variable(&self) -> (String, String) {
        ("RINGWRIGHT_POSTGRES_CACHE".into(), format!("{}MiB", self.postgres_cache))
    }

    /// The same on another's command line.
    pub fn words(&self) -> Vec<OsString> {
        let cache = format!("{}MiB", self.postgres_cache);
        let mut words: Vec<OsString> =
            ["--postgres-user", &self.postgres_user, "--postgres-cache", &cache]
                .map(Into::into)
                .into();
        if let Some(dir) = &self.postgres_bin {
            words.extend(["--postgres-bin".into(), dir.into()]);
        }
        words
    }
}

fn mebibytes(text: &str) -> Result<u32, String> {
    match text.parse().map(|ByteSize(bytes)| bytes >> 20) {
        Ok(size @ 1..=1_048_576) => u32::try_from(size).map_err(|e| e.to_string()),
        Ok(_) => Err("must be from 1MiB to 1TiB".into()),
        Err(why) => Err(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_is_some_mebibytes() {
        assert_eq!(mebibytes("64MiB"), Ok(64));
        assert_eq!(mebibytes("1GiB"), Ok(1024));
        for wrong in ["1KiB", "2TiB", "much"] {
            assert!(mebibytes(wrong).is_err(), "{wrong}");
        }
    }
}
