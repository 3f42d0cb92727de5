//! The file of a dump: written whole, and read with no line trusted.

use std::io::{self, BufRead, Write};
use std::time::SystemTime;

use anyhow::{Context, Result, bail, ensure};
use ringwright_model::{Key, Row};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::cluster::Cluster;

/// The version of the format.
const VERSION: u32 = 1;

/// The first line.
#[derive(Serialize, Deserialize)]
struct Header<C> {
    ringwright: u32,
    #[serde(flatten)]
    cluster: C,
    rows: usize,
    taken_at: String,
}

/// The last line.
#[derive(Serialize, Deserialize)]
struct End {
    end: bool,
    rows: usize,
    /// Digest of all lines before.
    sha256: String,
}

/// Writes a dump.
///
/// # Errors
/// Where it cannot be written.
pub fn write(mut out: impl Write, cluster: &Cluster, rows: &[&RawValue]) -> io::Result<()> {
    let taken_at = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let header = Header { ringwright: VERSION, cluster, rows: rows.len(), taken_at };
    let header = serde_json::to_string(&header)?;
    let mut digest = Sha256::new();
    for line in std::iter::once(header.as_str()).chain(rows.iter().map(|row| row.get())) {
        digest.update(line);
        digest.update("\n");
        writeln!(out, "{line}")?;
    }
    let end = End { end: true, rows: rows.len(), sha256: hex(digest) };
    writeln!(out, "{}", serde_json::to_string(&end)?)?;
    out.flush()
}

/// A row and the line it stands on.
pub struct Line {
    /// Of the file, from 1.
    pub number: u64,
    /// The row.
    pub row: Row,
}

/// Reads a dump line by line.
pub struct Reader<R> {
    from: R,
    /// What the rows were in.
    pub cluster: Cluster,
    rows: usize,
    digest: Sha256,
    number: u64,
    position: u64,
    last: Option<Key>,
    ended: bool,
}

impl<R: BufRead> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// Where it is none, or that of another version.
    pub fn new(mut from: R) -> Result<Self> {
        #[derive(Deserialize)]
        struct Version {
            ringwright: u32,
        }
        let mut line = String::new();
        from.read_line(&mut line).context("cannot read line 1")?;
        let no_dump = "this is no dump: line 1 is no header";
        let version: Version = serde_json::from_str(&line).context(no_dump)?;
        ensure!(
            version.ringwright == VERSION,
            "line 1: field 'ringwright' is {} where this program reads dumps of version {VERSION}",
            version.ringwright
        );
        let Header { cluster, rows, .. } = serde_json::from_str(&line).context(no_dump)?;
        let position = u64::try_from(line.len())?;
        let digest = Sha256::new_with_prefix(line);
        Ok(Reader { from, cluster, rows, digest, number: 1, position, last: None, ended: false })
    }

    /// Bytes read.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The next row; after the last one, checks the file as a whole.
    ///
    /// # Errors
    /// Where the file was cut off or changed.
    pub fn next(&mut self) -> Result<Option<Line>> {
        if self.ended {
            return Ok(None);
        }
        let rows_read = usize::try_from(self.number - 1)?;
        let line = self.line()?;
        if rows_read == self.rows {
            self.end(&line)?;
            self.ended = true;
            return Ok(None);
        }
        self.digest.update(&line);
        let number = self.number;
        let row =
            self.row(&line).with_context(|| format!("the dump was changed: line {number}"))?;
        Ok(Some(Line { number, row }))
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.number += 1;
        let number = self.number;
        self.from.read_line(&mut line).with_context(|| format!("cannot read line {number}"))?;
        ensure!(line.ends_with('\n'), "the dump was cut off at line {number}: it has no end");
        self.position += u64::try_from(line.len())?;
        Ok(line)
    }

    fn row(&mut self, line: &str) -> Result<Row> {
        let raw: &RawValue = serde_json::from_str(line)?;
        let row = Row::parse(&self.cluster.schema, raw, None)?;
        ensure!(self.last < Some(row.key), "its key is not above the one before");
        self.last = Some(row.key);
        Ok(row)
    }

    fn end(&mut self, line: &str) -> Result<()> {
        let number = self.number;
        let changed = || format!("the dump was changed: line {number} is not its end");
        let end: End = serde_json::from_str(line).with_context(changed)?;
        ensure!(end.end && end.rows == self.rows, changed());
        if end.sha256 != hex(self.digest.clone()) {
            bail!("the dump was changed: its digest is not the one in its last line");
        }
        ensure!(self.from.fill_buf()?.is_empty(), "the dump was changed: it goes on after its end");
        Ok(())
    }
}

fn hex(digest: Sha256) -> String {
    digest.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use serde_json::json;

    use super::*;

    const ROWS: [&str; 3] = [
        r#"{"end":1,"Rows":27.50,"sha256":true}"#,
        r#"{"end":2,"Rows":"a\nb","sha256":false}"#,
        r#"{"end":9223372036854775807,"Rows":"ü","sha256":true}"#,
    ];

    /// Of a table whose columns are called as the fields of the last line.
    fn dump(rows: &[&str]) -> String {
        let cluster = Cluster::of(&json!({
            "sharding": "modulo", "shards": [{"shard_id": "a", "valid_at": 7}],
            "schema": {"columns": ["end", "Rows", "sha256"],
                "dtypes": ["Number", "String", "Boolean"]},
            "servers": {"S": ["a"]}, "weights": {"S": 1}, "labels": {"S": {}},
        }));
        let rows: Vec<&RawValue> = rows.iter().map(|r| serde_json::from_str(r).unwrap()).collect();
        let mut out = Vec::new();
        write(&mut out, &cluster.unwrap().unwrap(), &rows).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn read(dump: &str) -> Result<Vec<(u64, String)>> {
        let mut reader = Reader::new(dump.as_bytes())?;
        let mut rows = Vec::new();
        while let Some(Line { number, row }) = reader.next()? {
            rows.push((number, row.json.into()));
        }
        assert!(reader.next()?.is_none(), "after its end there is nothing still");
        assert_eq!(reader.position(), u64::try_from(dump.len()).unwrap());
        Ok(rows)
    }

    fn refused(dump: &str) -> String {
        format!("{:#}", read(dump).unwrap_err())
    }

    #[test]
    fn rows_come_back_to_the_byte() {
        let expected: Vec<_> = (2..).zip(ROWS.map(str::to_owned)).collect();
        assert_eq!(read(&dump(&ROWS)).unwrap(), expected);
        assert_eq!(read(&dump(&[])).unwrap(), []);
    }

    #[test]
    fn wherever_it_was_cut_off_is_told() {
        let whole = dump(&ROWS);
        let header = whole.find('\n').unwrap();
        for (at, _) in whole.char_indices() {
            let told = refused(&whole[..at]);
            let expected = if at < header { "no header" } else { "cut off at line" };
            assert!(told.contains(expected), "{at}: {told}");
        }
    }

    #[test]
    fn whatever_was_changed_is_told() {
        let whole = dump(&ROWS);
        let second = whole.lines().nth(2).unwrap();
        let changed = [
            (whole.replace("27.50", "27.51"), "digest"),
            (whole.replace("true", "1"), "line 2: field 'sha256' must be a Boolean"),
            (whole.replace(r#"{"S":1}"#, r#"{"S":2}"#), "digest"),
            (whole.replace(&format!("{second}\n"), ""), "line 4"),
            (whole.replace(second, ROWS[0]), "line 3: its key is not above the one before"),
            (format!("{whole}{second}\n"), "goes on after its end"),
            (whole.replace(r#""ringwright":1"#, r#""ringwright":2"#), "of version 1"),
            (whole.replace(r#"{"end":true,"rows":3"#, r#"{"end":true,"rows":4"#), "not its end"),
            (ROWS.join("\n"), "this is no dump"),
            ("\u{1f}\u{8b}".into(), "this is no dump"),
        ];
        for (dump, expected) in changed {
            let told = refused(&dump);
            assert!(told.contains(expected), "{expected}: {told}");
        }
    }
}
