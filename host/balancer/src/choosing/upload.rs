//! Plugins that come over the API.

use std::io::Write as _;
use std::path::Path;

use ringwright_plugin_runtime::Entry;

use crate::Balancer;

/// Why an upload was not taken.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// It is no plugin, or none that may be used.
    #[error("{0}")]
    Refused(String),
    /// Another file has its name.
    #[error("a plugin called '{name}' is there already, from {file}")]
    Taken {
        /// Its name.
        name: String,
        /// The file.
        file: String,
    },
    /// It could not be kept.
    #[error("it could not be kept: {0}")]
    Io(std::io::Error),
    /// The host failed over it.
    #[error("the runtime failed over it")]
    Failed,
}

impl Balancer {
    /// Takes a plugin, admits it, and puts it into the folder of uploads, as a file of that name
    /// or of its own. One of the same name there is replaced; what is in use goes on. Answers
    /// name and digest. Waits while others are admitted.
    ///
    /// # Errors
    /// Where it is not admitted or not kept; then nothing was changed.
    pub async fn upload(
        &self,
        file_name: Option<String>,
        bytes: Vec<u8>,
    ) -> Result<(String, String), UploadError> {
        // Kept until the work ends, which goes on when nobody waits for it any more.
        let admission = self.admissions.clone().acquire_owned().await;
        let runtime = self.brain.runtime().clone();
        let folder = self.settings.upload_dir.clone();
        let listing = self.brain.listing();
        let taken = move || {
            let _admission = admission;
            let (report, plugin) =
                runtime.examine(file_name.as_deref().unwrap_or_default(), &bytes);
            let refused = || UploadError::Refused(report.refusal().unwrap_or_default().to_owned());
            let plugin = plugin.ok_or_else(refused)?;
            let name = plugin.description().name.clone();
            let file = folder.join(format!("{}.wasm", file_name.as_deref().unwrap_or(&name)));
            let same = |e: &Entry| e.name() == name && e.kind() == plugin.kind();
            let clash = listing.entries().find(|e| e.is_loaded() && same(e) != (e.file() == file));
            if let Some(entry) = clash {
                let (name, file) = (entry.name().to_owned(), entry.file().display().to_string());
                return Err(UploadError::Taken { name, file });
            }
            keep(&folder, &file, &bytes).map_err(UploadError::Io)?;
            Ok((name, plugin.digest().to_owned()))
        };
        let (name, digest) =
            tokio::task::spawn_blocking(taken).await.unwrap_or(Err(UploadError::Failed))?;
        self.brain.look_again().await;
        tracing::info!(plugin = name, digest, "a plugin was uploaded");
        Ok((name, digest))
    }
}

/// Whole or not at all: the folder is watched.
fn keep(folder: &Path, file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    temporary.write_all(bytes)?;
    temporary.as_file().sync_all()?;
    temporary.persist(file)?;
    Ok(())
}
