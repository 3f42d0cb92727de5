//! A comparison for people and for machines: tables for a terminal, CSV, JSON, and a page.

mod numbers;
mod page;
mod pick;
mod reading;
mod sheets;
mod text;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::Comparison;

pub use text::text;

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {error}", file = file.display())]
pub struct WriteError {
    file: PathBuf,
    error: io::Error,
}

/// All of it as JSON.
///
/// # Errors
/// Where the data cannot be put so.
pub fn json(comparison: &Comparison) -> serde_json::Result<String> {
    serde_json::to_string_pretty(comparison)
}

/// Writes everything into a folder: `index.html`, `comparison.json`, and a CSV file for each kind
/// of figure. Answers the page.
///
/// # Errors
/// Names the file that could not be written.
pub fn write(comparison: &Comparison, folder: &Path) -> Result<PathBuf, WriteError> {
    let failed = |file: &Path| {
        let file = file.to_owned();
        move |error| WriteError { file, error }
    };
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let write = |name: &str, content: io::Result<Vec<u8>>| {
        let file = folder.join(name);
        content.and_then(|content| fs::write(&file, content)).map_err(failed(&file))?;
        Ok(file)
    };
    for sheet in sheets::all(comparison) {
        write(&format!("{}.csv", sheet.name), sheet.csv())?;
    }
    write("comparison.json", json(comparison).map(String::into_bytes).map_err(io::Error::other))?;
    write("index.html", Ok(page::page(comparison).html().into_bytes()))
}
