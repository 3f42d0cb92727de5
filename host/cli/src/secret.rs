//! Secrets in files.

use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::{Context, Result};
use ringwright_wire::Secret;
use tempfile::NamedTempFile;

/// Reads the secret that a file holds, and nothing else but space around it.
///
/// # Errors
/// Where it cannot be read, or holds no secret.
pub fn read(file: &Path) -> Result<Secret> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read the file {}", file.display()))?;
    Secret::new(text.trim()).with_context(|| format!("the file {} holds no secret", file.display()))
}

/// Reads a secret, or draws it where there is no such file yet.
///
/// # Errors
/// Where it cannot be read or kept.
pub fn read_or_draw(file: &Path) -> Result<Secret> {
    match file.symlink_metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => draw(file),
        _ => read(file),
    }
}

fn draw(file: &Path) -> Result<Secret> {
    let text: String = rand::random::<[u8; 32]>().iter().map(|b| format!("{b:02x}")).collect();
    let write = || {
        // Nobody else may read it (mode 0600), and nobody sees half of it.
        let mut whole = NamedTempFile::new_in(file.parent().unwrap_or(Path::new(".")))?;
        whole.write_all(text.as_bytes())?;
        whole.as_file().sync_all()?;
        whole.persist_noclobber(file).map_err(|e| e.error)
    };
    write().with_context(|| format!("cannot keep a secret in {}", file.display()))?;
    Ok(Secret::new(&text)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn one_is_drawn_once_and_is_nobody_elses() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("secret");
        let drawn = read_or_draw(&file).unwrap();
        assert_eq!(drawn.reveal().len(), 64);
        assert_eq!(read_or_draw(&file).unwrap().reveal(), drawn.reveal());
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 1);
        let other = read_or_draw(&dir.path().join("other")).unwrap();
        assert_ne!(other.reveal(), drawn.reveal());
    }

    #[test]
    fn a_file_that_holds_none_is_named_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("secret");
        for text in ["", "\n", "short\n", "two words that are long"] {
            std::fs::write(&file, text).unwrap();
            let refused = format!("{:#}", read_or_draw(&file).unwrap_err());
            assert!(refused.contains("secret holds no secret: it must have"), "{refused}");
            assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
        }
        std::fs::write(&file, " 0123456789abcdef\r\n").unwrap();
        assert_eq!(read(&file).unwrap().reveal(), "0123456789abcdef");
    }
}
