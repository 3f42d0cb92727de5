//! `ringwright plugin componentize`: the last step of a build.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use wit_component::ComponentEncoder;

#[derive(clap::Args)]
#[group(skip)]
pub struct Args {
    /// The core module, as a compiler made it.
    core: PathBuf,
    /// The component to write.
    component: PathBuf,
}

/// Makes a component.
pub fn run(args: &Args) -> Result<ExitCode> {
    let (from, to) = (&args.core, &args.component);
    let module = super::read(from)?;
    let component = ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .and_then(|encoder| encoder.encode())
        .with_context(|| format!("{} makes no component", from.display()))?;
    replace(to, &component).with_context(|| format!("cannot write {}", to.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// A balancer that watches the folder sees the old one or the new one, never a part.
fn replace(to: &Path, component: &[u8]) -> Result<()> {
    let folder = to.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().permissions(readable()).tempfile_in(folder)?;
    file.write_all(component)?;
    file.persist(to)?;
    Ok(())
}

/// A temporary file is its owner's alone; a plugin is for everyone to load.
fn readable() -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    fs::Permissions::from_mode(0o644)
}
