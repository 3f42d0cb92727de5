//! Makes a component of a core module that carries its WIT: `componentize IN OUT`.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use tempfile::NamedTempFile;
use wit_component::ComponentEncoder;

fn main() -> Result<()> {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    let [from, to] = args.as_slice() else { bail!("usage: componentize CORE.wasm COMPONENT.wasm") };
    let (from, to) = (Path::new(from), Path::new(to));
    let module = fs::read(from).with_context(|| format!("reading {}", from.display()))?;
    let component = ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .and_then(|encoder| encoder.encode())
        .with_context(|| format!("{} makes no component", from.display()))?;
    if fs::read(to).is_ok_and(|old| old == component) {
        return Ok(()); // a file's time is what tells a running host that a plugin is new
    }
    replace(to, &component).with_context(|| format!("writing {}", to.display()))
}

/// Whoever reads the file sees the old one or the new one, never a part.
fn replace(to: &Path, bytes: &[u8]) -> Result<()> {
    let folder = to.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    make_readable(file.as_file())?;
    file.persist(to)?;
    Ok(())
}

/// A temporary file is its owner's alone; a plugin is for everyone to load.
#[cfg(unix)]
fn make_readable(file: &fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_: &fs::File) -> std::io::Result<()> {
    Ok(())
}
