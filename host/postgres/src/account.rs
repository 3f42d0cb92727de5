//! Whom Postgres runs as: us, or, since it refuses to run as root, a user of its own.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::unistd::User;

use crate::PostgresError;
use crate::error::at;

/// Whom programs are run as, and how.
pub(crate) struct Account {
    /// Another user than ours.
    user: Option<User>,
    /// Whether `setpriv` is there, which can have a program end with the one that started it.
    setpriv: bool,
}

impl Account {
    /// Ours, and that user's where ours is root's.
    pub(crate) fn choose(user: &str) -> Result<Self, PostgresError> {
        let setpriv = has_setpriv();
        if !setpriv {
            tracing::warn!(
                "without setpriv (util-linux) a Postgres outlives a program that is killed, until \
                 the next start ends it"
            );
        }
        let user = if rustix::process::geteuid().is_root() { Some(find(user)?) } else { None };
        Ok(Account { user, setpriv })
    }

    /// A program run as this user, away from any terminal; it gets the signal once the thread
    /// that started it ends.
    pub(crate) fn command(&self, program: &Path, on_our_end: &str) -> Command {
        let mut command = if self.setpriv {
            let mut command = Command::new("setpriv");
            command.args(["--pdeathsig", on_our_end]);
            if let Some(user) = &self.user {
                command.args(["--reuid", &user.uid.to_string(), "--regid", &user.gid.to_string()]);
                command.arg("--init-groups");
            }
            command.arg("--").arg(program);
            command
        } else {
            let mut command = Command::new(program);
            if let Some(user) = &self.user {
                command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
            }
            command
        };
        // Of our surroundings it needs the path to programs; the rest may hold secrets, or
        // settings of Postgres that are meant for others. Its messages are to be in English.
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("LC_ALL", "C");
        command.current_dir("/").stdin(Stdio::null()).process_group(0);
        command
    }

    /// Hands a file or an empty folder over.
    pub(crate) fn own(&self, path: &Path) -> Result<(), PostgresError> {
        let Some(user) = &self.user else { return Ok(()) };
        lchown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).map_err(at(path))
    }

    /// Lets the user pass through a folder that stays ours.
    pub(crate) fn let_through(&self, dir: &Path) -> Result<(), PostgresError> {
        if self.user.is_none() {
            return Ok(());
        }
        let found = std::fs::metadata(dir).map_err(at(dir))?;
        let others = Permissions::from_mode((found.mode() | 0o011) & !0o022);
        lchown(dir, Some(0), Some(0)).map_err(at(dir))?;
        std::fs::set_permissions(dir, others).map_err(at(dir))
    }

    /// Hands a folder over with all that is in it, where another user had it.
    pub(crate) fn own_all(&self, dir: &Path) -> Result<(), PostgresError> {
        let Some(user) = &self.user else { return Ok(()) };
        if std::fs::metadata(dir).map_err(at(dir))?.uid() == user.uid.as_raw() {
            return Ok(());
        }
        for entry in std::fs::read_dir(dir).map_err(at(dir))? {
            let entry = entry.map_err(at(dir))?;
            if entry.file_type().map_err(at(&entry.path()))?.is_dir() {
                self.own_all(&entry.path())?;
            } else {
                self.own(&entry.path())?;
            }
        }
        // Last: one that was handed over is so with all that is in it.
        self.own(dir)
    }

    /// Checks that the user gets to a folder.
    pub(crate) fn check_entry(&self, dir: &Path) -> Result<(), PostgresError> {
        let Some(user) = &self.user else { return Ok(()) };
        let mut test = self.command(Path::new("test"), "KILL");
        let status = test.arg("-x").arg(dir).status().map_err(PostgresError::system("test -x"))?;
        if status.success() {
            return Ok(());
        }
        Err(PostgresError::NoEntry { user: user.name.clone(), dir: dir.to_owned() })
    }
}

fn find(user: &str) -> Result<User, PostgresError> {
    User::from_name(user)
        .map_err(|error| PostgresError::system(format!("user {user}"))(io::Error::from(error)))?
        .filter(|user| !user.uid.is_root())
        .ok_or_else(|| PostgresError::NoUser(user.to_owned()))
}

fn has_setpriv() -> bool {
    let help = Command::new("setpriv").arg("--help").stdin(Stdio::null()).output();
    help.is_ok_and(|help| String::from_utf8_lossy(&help.stdout).contains("--pdeathsig"))
}
