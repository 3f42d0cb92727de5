//! Rows: JSON objects brought into the schema's shape once, on the way in.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::{Dtype, Key, Schema, parse_key};

/// A row that fits the schema: its key, and the whole row as canonical JSON text.
///
/// Columns stand in schema order under the schema's names; numbers keep the text they came
/// with, so that what is answered is what was sent, digit for digit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Value of the key column.
    pub key: Key,
    /// The row as a JSON object, the key column included.
    pub json: Box<str>,
}

/// Why a row does not fit the schema.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RowError {
    /// Not a JSON object.
    #[error("a row must be an object, but {0}")]
    NotAnObject(String),
    /// A field the schema does not have.
    #[error("field '{0}' is not in the schema")]
    Unknown(String),
    /// A column without a value.
    #[error("field '{0}' is missing")]
    Missing(String),
    /// The same column twice.
    #[error("field '{0}' is given twice")]
    Twice(String),
    /// A key that is no key.
    #[error("field '{0}' must be a whole number from 0 to 9223372036854775807")]
    Key(String),
    /// A value of the wrong type.
    #[error("field '{column}' must be a {dtype}")]
    Type {
        /// The column.
        column: String,
        /// Its declared type.
        dtype: &'static str,
    },
}

impl Row {
    /// Reads a row from JSON.
    ///
    /// `key` stands in for a row that leaves out its key column, as `/update` allows.
    ///
    /// # Errors
    /// Names the first field that does not fit.
    pub fn parse(schema: &Schema, json: &RawValue, key: Option<Key>) -> Result<Row, RowError> {
        let Fields(fields) =
            serde_json::from_str(json.get()).map_err(|e| RowError::NotAnObject(e.to_string()))?;
        let mut values: Vec<Option<&RawValue>> = vec![None; schema.columns.len()];
        let positions = Positions::of(schema);
        for (name, value) in fields {
            let Some(i) = positions.find(&name) else {
                return Err(RowError::Unknown(name));
            };
            if values[i].replace(value).is_some() {
                return Err(RowError::Twice(schema.columns[i].clone()));
            }
        }
        let key = match (values.first().copied().flatten(), key) {
            (Some(raw), _) => {
                parse_key(raw.get()).ok_or_else(|| RowError::Key(schema.key_column().to_owned()))?
            }
            (None, Some(key)) => key,
            (None, None) => return Err(RowError::Missing(schema.key_column().to_owned())),
        };
        let mut out = String::with_capacity(json.get().len() + 16);
        out.push('{');
        push_name(&mut out, schema.key_column());
        let _ = write!(out, "{key}"); // writing to a String cannot fail
        for ((column, dtype), value) in
            schema.columns.iter().zip(&schema.dtypes).zip(&values).skip(1)
        {
            let value = value.ok_or_else(|| RowError::Missing(column.clone()))?;
            let text = canonical(*dtype, value.get())
                .ok_or_else(|| RowError::Type { column: column.clone(), dtype: dtype.name() })?;
            out.push(',');
            push_name(&mut out, column);
            out.push_str(&text);
        }
        out.push('}');
        Ok(Row { key, json: out.into_boxed_str() })
    }
}

/// Columns from which on they are looked up in a map.
const MANY: usize = 32;

/// Where fields belong. In a wide table, looking at every column for every field of every row
/// would take the square of what was sent.
struct Positions<'a> {
    schema: &'a Schema,
    by_name: Option<HashMap<String, usize>>,
}

impl<'a> Positions<'a> {
    fn of(schema: &'a Schema) -> Self {
        let lower = || schema.columns.iter().map(|c| c.to_ascii_lowercase()).zip(0..);
        let by_name = (schema.columns.len() >= MANY).then(|| lower().collect());
        Positions { schema, by_name }
    }

    fn find(&self, field: &str) -> Option<usize> {
        match &self.by_name {
            Some(by_name) => by_name.get(&field.to_ascii_lowercase()).copied(),
            None => self.schema.position(field),
        }
    }
}

fn push_name(out: &mut String, name: &str) {
    out.push_str(&serde_json::Value::from(name).to_string());
    out.push(':');
}

/// The value's canonical text, or `None` where it is not of the type.
fn canonical(dtype: Dtype, text: &str) -> Option<std::borrow::Cow<'_, str>> {
    let first = *text.as_bytes().first()?;
    let number = first == b'-' || first.is_ascii_digit();
    let finite = || text.parse::<f64>().is_ok_and(f64::is_finite);
    match dtype {
        Dtype::Number | Dtype::Float => (number && finite()).then(|| text.into()),
        Dtype::Integer => (number && text.parse::<i64>().is_ok()).then(|| text.into()),
        Dtype::Boolean => matches!(text, "true" | "false").then(|| text.into()),
        Dtype::String if number => finite().then(|| text.into()),
        Dtype::String if first == b'"' => {
            let decoded: String = serde_json::from_str(text).ok()?;
            // A NUL is legal JSON but no database text type holds one.
            (!decoded.contains('\0')).then(|| serde_json::Value::from(decoded).to_string().into())
        }
        Dtype::String => None,
    }
}

/// An object's fields in order, duplicates kept (a map would drop them silently).
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> serde::Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(entry) = map.next_entry::<String, &'de RawValue>()? {
                    fields.push(entry);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(V)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    fn students() -> Schema {
        Schema {
            columns: ["Stud_id", "Stud_name", "Stud_marks"].map(str::to_owned).to_vec(),
            dtypes: vec![Dtype::Number, Dtype::String, Dtype::String],
        }
    }

    fn parse(json: &str) -> Result<Row, RowError> {
        let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
        Row::parse(&students(), &raw, None)
    }

    #[test]
    fn a_wide_table_is_read_as_a_narrow_one() {
        let columns: Vec<String> = (0..1_000).map(|i| format!("Col{i}")).collect();
        let schema = Schema { dtypes: vec![Dtype::Number; columns.len()], columns };
        let read = |fields: Vec<String>| {
            let json = format!("{{{}}}", fields.join(","));
            Row::parse(&schema, &serde_json::from_str::<Box<RawValue>>(&json).unwrap(), None)
        };
        let backwards = || (0..1_000).rev().map(|i| format!("\"COL{i}\":{i}"));
        let row = read(backwards().collect()).unwrap();
        assert!(row.json.starts_with(r#"{"Col0":0,"Col1":1,"#), "{}", row.json);
        let more = |field: &str| read(backwards().chain([field.to_owned()]).collect());
        assert_eq!(more(r#""col7":1"#), Err(RowError::Twice("Col7".into())));
        assert_eq!(more(r#""x":1"#), Err(RowError::Unknown("x".into())));
        assert_eq!(read(backwards().skip(1).collect()), Err(RowError::Missing("Col999".into())));
    }

    #[test]
    fn a_number_in_a_string_column_stays_that_number() {
        let row =
            parse(r#"{"stud_marks": 27.50, "STUD_NAME": "\u0041da", "Stud_id": "2255"}"#).unwrap();
        assert_eq!(row.key, 2255);
        assert_eq!(&*row.json, r#"{"Stud_id":2255,"Stud_name":"Ada","Stud_marks":27.50}"#);
    }

    #[test]
    fn misfits_are_named() {
        let e = |s: &str| parse(s).unwrap_err();
        assert_eq!(e(r#"{"Stud_id":1,"Stud_name":"a"}"#), RowError::Missing("Stud_marks".into()));
        assert_eq!(e(r#"{"Stud_name":"a","Stud_marks":1}"#), RowError::Missing("Stud_id".into()));
        assert_eq!(
            e(r#"{"Stud_id":-1,"Stud_name":"a","Stud_marks":1}"#),
            RowError::Key("Stud_id".into())
        );
        assert_eq!(e(r#"{"Stud_id":1,"x":1}"#), RowError::Unknown("x".into()));
        assert_eq!(e(r#"{"Stud_id":1,"stud_ID":1}"#), RowError::Twice("Stud_id".into()));
        assert_eq!(
            e(r#"{"Stud_id":1,"Stud_name":null,"Stud_marks":1}"#),
            RowError::Type { column: "Stud_name".into(), dtype: "String" }
        );
        assert_eq!(
            e(r#"{"Stud_id":1,"Stud_name":"a\u0000b","Stud_marks":1}"#),
            RowError::Type { column: "Stud_name".into(), dtype: "String" }
        );
        assert!(matches!(e("[1]"), RowError::NotAnObject(_)));
    }

    #[test]
    fn each_dtype_takes_its_own() {
        for (dtype, good, bad) in [
            (Dtype::Number, "-1.5e3", "\"1\""),
            (Dtype::Integer, "-7", "7.5"),
            (Dtype::Float, "0.1", "true"),
            (Dtype::Boolean, "false", "0"),
            (Dtype::String, "\"x\"", "[]"),
        ] {
            assert!(canonical(dtype, good).is_some(), "{dtype:?} {good}");
            assert!(canonical(dtype, bad).is_none(), "{dtype:?} {bad}");
        }
        assert!(canonical(Dtype::Number, "1e999").is_none());
    }
}
