//! Where the metadata is: a file in the data folder, or a Postgres elsewhere.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use ringwright_metadata::SqlStore;
use ringwright_postgres::Password;

use super::data_folder::DataFolder;

/// Which of the two, on the command line.
#[derive(clap::Args)]
#[group(skip)]
pub struct Metadata {
    /// The Postgres database that holds the metadata (postgres://user@host/database), one for each
    /// cluster; without it the metadata is in the data folder.
    // A settings file's value becomes the default, which --help would show.
    #[arg(
        long = "metadata-url",
        env = "RINGWRIGHT_METADATA_URL",
        hide_env_values = true,
        hide_default_value = true,
        value_name = "URL",
        help_heading = "The metadata"
    )]
    url: Option<String>,
    /// File that holds the password for --metadata-url, as its only line.
    #[arg(
        long = "metadata-password-file",
        env = "RINGWRIGHT_METADATA_PASSWORD_FILE",
        value_name = "FILE",
        help_heading = "The metadata"
    )]
    password_file: Option<PathBuf>,
}

impl Metadata {
    /// Checks what the settings mean to each other.
    ///
    /// # Errors
    /// Names those that do not go together.
    pub fn check(&self) -> Result<()> {
        ensure!(
            self.password_file.is_none() || self.url.is_some(),
            "--metadata-password-file goes with --metadata-url: there is no password without it"
        );
        Ok(())
    }

    /// Whether whoever has the data folder is the only one who can get at the metadata.
    pub fn is_in_the_data_folder(&self) -> bool {
        self.url.is_none()
    }

    /// Opens it.
    ///
    /// # Errors
    /// Where it cannot be opened; the URL, which may hold a password, is not told.
    pub async fn open(&self, data: &DataFolder) -> Result<SqlStore> {
        let Some(url) = &self.url else {
            let file = data.metadata();
            let opened = SqlStore::open_sqlite(&file).await;
            return opened
                .with_context(|| format!("cannot open the metadata in {}", file.display()));
        };
        let password = self.password_file.as_deref().map(Password::read).transpose();
        let password = password.context("--metadata-password-file")?;
        SqlStore::open_postgres(url, password.as_ref().map(Password::reveal))
            .await
            .context("cannot open the metadata in the Postgres of --metadata-url")
    }
}
