//! The rows of a CSV file, as `/write` takes them.

use std::io::Read;

use anyhow::{Context, Result, bail};
use csv::{ErrorKind, Reader, ReaderBuilder, StringRecord};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Number, Value};

/// A row and the line it stands on.
pub struct Row {
    /// Of the file, from 1.
    pub line: u64,
    /// As JSON.
    pub json: Box<RawValue>,
}

/// A row that was not taken.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rejected {
    /// Of the file, from 1.
    pub line: u64,
    /// Why.
    pub message: String,
}

/// The columns of the table and their types.
pub struct Columns(Vec<(String, String)>);

impl Columns {
    /// Those of the cluster's schema, as `/status` has it.
    pub fn new(status: &Value) -> Result<Self> {
        let texts = |field: &str| -> Vec<String> {
            let list = status["schema"][field].as_array();
            list.into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
        };
        let columns: Vec<_> = texts("columns").into_iter().zip(texts("dtypes")).collect();
        if columns.is_empty() {
            bail!("the database is not configured: POST /init first");
        }
        Ok(Columns(columns))
    }

    /// For each name in a header the column it means.
    fn find(self, header: &StringRecord) -> Result<Vec<(String, String)>> {
        let names: Vec<&str> = header.iter().map(str::trim).collect();
        for (column, _) in &self.0 {
            match names.iter().filter(|name| name.eq_ignore_ascii_case(column)).count() {
                0 => bail!("column '{column}' is missing; the first line must name the columns"),
                1 => {}
                _ => bail!("column '{column}' is given twice"),
            }
        }
        let column = |name: &&str| {
            let found = self.0.iter().find(|(column, _)| column.eq_ignore_ascii_case(name));
            found.cloned().with_context(|| format!("the table has no column '{name}'"))
        };
        names.iter().map(column).collect()
    }
}

/// Reads rows one by one.
pub struct Rows<R> {
    reader: Reader<R>,
    columns: Vec<(String, String)>,
    record: StringRecord,
}

impl<R: Read> Rows<R> {
    /// Reads the header.
    pub fn new(file: R, columns: Columns) -> Result<Self> {
        // The number of fields is looked at here, so that one bad line stops nothing.
        let mut reader = ReaderBuilder::new().flexible(true).from_reader(file);
        let columns = columns.find(reader.headers()?)?;
        Ok(Rows { reader, columns, record: StringRecord::new() })
    }

    /// Bytes read.
    pub fn position(&self) -> u64 {
        self.reader.position().byte()
    }

    /// The next row, or why there is none on that line.
    pub fn next(&mut self) -> Result<Option<Result<Row, Rejected>>> {
        let before = self.reader.position().line();
        match self.reader.read_record(&mut self.record) {
            Ok(false) => return Ok(None),
            Ok(true) => {}
            Err(e) => match e.kind() {
                ErrorKind::Utf8 { pos, .. } => {
                    let line = pos.as_ref().map_or(before, csv::Position::line);
                    return Ok(Some(Err(Rejected { line, message: "not UTF-8".into() })));
                }
                _ => return Err(e).context("cannot read on"),
            },
        }
        let line = self.record.position().map_or(before, csv::Position::line);
        if self.record.len() != self.columns.len() {
            let message =
                format!("{} fields where {} belong", self.record.len(), self.columns.len());
            return Ok(Some(Err(Rejected { line, message })));
        }
        let fields = self.columns.iter().zip(&self.record);
        let row: Map<String, Value> =
            fields.map(|((name, dtype), text)| (name.clone(), value(dtype, text))).collect();
        Ok(Some(Ok(Row { line, json: to_raw_value(&row)? })))
    }
}

/// A field as its column's type has it. What does not fit stays text, for the balancer to refuse
/// in its own words.
fn value(dtype: &str, text: &str) -> Value {
    let trimmed = text.trim();
    let parsed = match dtype {
        "String" => None,
        "Boolean" => trimmed.to_ascii_lowercase().parse().ok().map(Value::Bool),
        _ => trimmed.parse::<Number>().ok().map(Value::Number),
    };
    parsed.unwrap_or_else(|| Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use serde_json::json;

    use super::*;

    fn open(csv: &'static [u8]) -> Result<Rows<&'static [u8]>> {
        let status = json!({"schema": {"columns": ["Id", "Name", "Ok"],
            "dtypes": ["Number", "String", "Boolean"]}});
        Rows::new(csv, Columns::new(&status).unwrap())
    }

    #[test]
    fn fields_take_their_columns_types() {
        let mut rows = open(b"NAME,ok,id\nAda,TRUE,1\n27,x,1.5\n").unwrap();
        let mut row =
            || rows.next().unwrap().map(|r| r.map(|r| (r.line, r.json.get().parse().unwrap())));
        assert_eq!(row(), Some(Ok((2, json!({"Id": 1, "Name": "Ada", "Ok": true})))));
        assert_eq!(row(), Some(Ok((3, json!({"Id": 1.5, "Name": "27", "Ok": "x"})))));
        assert_eq!(row(), None);
    }

    #[test]
    fn a_bad_line_is_told_and_passed_over() {
        let mut rows =
            open(b"id,name,ok\n1,a\n2,\"two\nlines\",true\n3,\xff,true\n4,d,true\n").unwrap();
        let mut line =
            || rows.next().unwrap().unwrap().map(|r| r.line).map_err(|r| (r.line, r.message));
        assert_eq!(line(), Err((2, "2 fields where 3 belong".into())));
        assert_eq!(line(), Ok(3));
        assert_eq!(line(), Err((5, "not UTF-8".into())));
        assert_eq!(line(), Ok(6));
    }

    #[test]
    fn a_header_that_does_not_fit_is_refused() {
        let refused = |csv| open(csv).err().unwrap().to_string();
        assert!(refused(b"id,name\n").contains("'Ok' is missing"));
        assert!(refused(b"id,name,ok,extra\n").contains("no column 'extra'"));
        assert!(refused(b"id,name,ok,OK\n").contains("'Ok' is given twice"));
    }
}
