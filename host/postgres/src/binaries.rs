//! Where the programs of Postgres are.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::PostgresError;

/// Debian's folder of versions.
const PACKAGES: &str = "/usr/lib/postgresql";

/// A folder with `initdb` and `postgres` that run.
#[derive(Debug)]
pub(crate) struct Binaries {
    pub(crate) dir: PathBuf,
    /// Their major version.
    pub(crate) version: u32,
}

impl Binaries {
    /// Those in the folder that is named; else in PATH; else the newest of Debian's packages.
    pub(crate) fn find(named: Option<&Path>) -> Result<Self, PostgresError> {
        if let Some(dir) = named {
            let not_here = |why| PostgresError::NotHere { dir: dir.to_owned(), why };
            return Self::look(dir).map_err(not_here);
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let candidates = std::env::split_paths(&path).chain(packaged(Path::new(PACKAGES)));
        let mut found = candidates.filter_map(|dir| Self::look(&dir).ok());
        found.next().ok_or(PostgresError::Missing)
    }

    /// Those in a folder, or why there are none.
    fn look(dir: &Path) -> Result<Self, String> {
        let version = version(&dir.join("postgres"))?;
        match self::version(&dir.join("initdb"))? {
            same if same == version => Ok(Binaries { dir: dir.to_owned(), version }),
            other => Err(format!("postgres is of version {version}, and initdb of {other}")),
        }
    }

    pub(crate) fn initdb(&self) -> PathBuf {
        self.dir.join("initdb")
    }

    pub(crate) fn postgres(&self) -> PathBuf {
        self.dir.join("postgres")
    }
}

/// The folders of programs of Debian's packages, the newest first.
fn packaged(packages: &Path) -> Vec<PathBuf> {
    let versions = std::fs::read_dir(packages).into_iter().flatten().flatten();
    let number = |name: &str| name.parse::<u32>().ok();
    let mut versions: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| Some((number(entry.file_name().to_str()?)?, entry.path().join("bin"))))
        .collect();
    versions.sort_by(|a, b| b.cmp(a));
    versions.into_iter().map(|(_, dir)| dir).collect()
}

/// The major version that a program says it is of.
fn version(program: &Path) -> Result<u32, String> {
    let failed = |why: &dyn std::fmt::Display| format!("{} does not run: {why}", program.display());
    if !program.is_absolute() {
        return Err(failed(&"its path is not absolute"));
    }
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output();
    let output = output.map_err(|error| failed(&error))?;
    let said = String::from_utf8_lossy(&output.stdout);
    said.split_once("(PostgreSQL) ")
        .and_then(|(_, version)| major(version))
        .filter(|_| output.status.success())
        .ok_or_else(|| failed(&format_args!("{}, saying '{}'", output.status, said.trim())))
}

/// The number that a version starts with: of `17.2 (Debian …)` and `17beta1` it is 17.
pub(crate) fn major(version: &str) -> Option<u32> {
    let end = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
    version[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    #[test]
    fn a_major_version_is_the_first_number() {
        for (version, number) in [("17.2 (Debian)", 17), ("17beta1", 17), ("9.6", 9), ("15\n", 15)]
        {
            assert_eq!(major(version), Some(number), "{version}");
        }
        assert_eq!(major("devel"), None);
    }

    #[test]
    fn of_debians_packages_the_newest_is_first() {
        let dir = tempfile::tempdir().unwrap();
        for version in ["9", "17", "13", "common"] {
            std::fs::create_dir(dir.path().join(version)).unwrap();
        }
        let order = [17, 13, 9].map(|version| dir.path().join(format!("{version}/bin")));
        assert_eq!(packaged(dir.path()), order);
    }

    #[test]
    fn a_folder_without_both_programs_is_none() {
        let real = Binaries::find(None).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let told = || Binaries::find(Some(dir.path())).unwrap_err().to_string();
        assert!(told().contains("postgres does not run"), "{}", told());
        std::os::unix::fs::symlink(real.postgres(), dir.path().join("postgres")).unwrap();
        assert!(told().contains("initdb does not run"), "{}", told());
        std::os::unix::fs::symlink(real.initdb(), dir.path().join("initdb")).unwrap();
        assert_eq!(Binaries::find(Some(dir.path())).unwrap().version, real.version);
    }
}
