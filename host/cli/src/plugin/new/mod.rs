//! `ringwright plugin new`: a folder in which a plugin is written, tested and built.
//!
//! It holds all it takes, the interface too, so that it can lie anywhere.

mod c;
mod name;
mod templates;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

use super::Kind;
use crate::output;
use name::Name;

#[derive(clap::Args)]
#[group(skip)]
pub struct Args {
    /// What the plugin is called, and its folder.
    name: Name,
    /// What it decides: which server a request goes to, or where the copies of shards go.
    #[arg(long, value_enum, default_value_t = Kind::Hash)]
    kind: Kind,
    /// The language it is written in.
    #[arg(long, value_enum, default_value_t = Language::Rust)]
    lang: Language,
    /// Folder to make the plugin's in; the current one where it is left out.
    #[arg(long)]
    dir: Option<PathBuf>,
}

/// What it is written in.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Language {
    Rust,
    C,
    Python,
}

/// A file to write: where in the folder, and what.
type File = (String, Vec<u8>);

/// Makes the folder.
pub fn run(args: &Args) -> Result<ExitCode> {
    let folder = args.dir.clone().unwrap_or_default().join(args.name.as_str());
    ensure!(!folder.exists(), "{} is there already", folder.display());
    let program = std::env::current_exe().context("cannot tell where this program is")?;
    let mut files = templates::files(&args.name, args.kind, args.lang, &program);
    if matches!(args.lang, Language::C) {
        files.extend(c::bindings(args.kind)?);
    }
    for (path, contents) in files {
        write(&folder.join(path), &contents)?;
    }
    output::print(&next(&args.name, args.lang, &folder))?;
    Ok(ExitCode::SUCCESS)
}

fn write(path: &Path, contents: &[u8]) -> Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(cannot)?;
    }
    fs::write(path, contents).with_context(cannot)
}

fn next(name: &Name, lang: Language, folder: &Path) -> String {
    let (folder, kit) = (folder.display(), templates::kit(lang));
    format!(
        "{folder} is made. Next:\n  \
         write   {folder}/{source}\n  \
         build   sh {folder}/test.sh && sh {folder}/build.sh\n  \
         check   ringwright plugin check {folder}/{name}.wasm{grant}",
        source = kit.source,
        name = name.as_str(),
        grant = kit.grant,
    )
}
