//! The schema of the sharded table, as `/init` gave it.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::Key;

/// Most columns of a table: each row is looked through for each of them.
const MOST_COLUMNS: usize = 1_000;

/// Longest name of a column, in bytes: every row carries it.
const LONGEST_NAME: usize = 128;

/// Columns in order with their types; the first column is the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// Column names, spelled as answers will spell them.
    pub columns: Vec<String>,
    /// One type a column.
    pub dtypes: Vec<Dtype>,
}

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Dtype {
    /// A whole or decimal number.
    #[serde(alias = "number", alias = "NUMBER")]
    Number,
    /// Text; a JSON number is taken too and kept as a number.
    #[serde(alias = "string", alias = "STRING")]
    String,
    /// A whole number that fits 64 bits.
    #[serde(alias = "integer", alias = "INTEGER")]
    Integer,
    /// A decimal number.
    #[serde(alias = "float", alias = "FLOAT")]
    Float,
    /// `true` or `false`.
    #[serde(alias = "boolean", alias = "BOOLEAN")]
    Boolean,
}

impl Dtype {
    /// The name `/init` takes and `/status` gives.
    pub fn name(self) -> &'static str {
        match self {
            Dtype::Number => "Number",
            Dtype::String => "String",
            Dtype::Integer => "Integer",
            Dtype::Float => "Float",
            Dtype::Boolean => "Boolean",
        }
    }
}

/// Why a schema cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SchemaError {
    /// No column at all.
    #[error("schema.columns is empty: the first column is the key, so one is needed")]
    NoColumns,
    /// The two lists differ in length.
    #[error("schema.columns has {columns} names but schema.dtypes has {dtypes} types")]
    Lengths {
        /// Names given.
        columns: usize,
        /// Types given.
        dtypes: usize,
    },
    /// More columns than a table may have.
    #[error("schema.columns has {0} names, a table has at most {MOST_COLUMNS} columns")]
    TooMany(usize),
    /// A column name that is the empty string.
    #[error("schema.columns[{0}] is empty")]
    EmptyName(usize),
    /// A column name that is longer than any needs to be.
    #[error("schema.columns[{0}] is longer than {LONGEST_NAME} bytes")]
    LongName(usize),
    /// A column name that no database can hold.
    #[error("schema.columns[{0}] has a NUL in it")]
    NulInName(usize),
    /// Two names that differ at most in case.
    #[error("schema.columns names '{0}' twice (names are compared without regard to case)")]
    Duplicate(String),
    /// The key column must hold whole numbers.
    #[error("schema.dtypes[0] is {0}: the key column '{1}' must be Number or Integer")]
    KeyType(&'static str, String),
}

impl Schema {
    /// Checks the schema on its own terms.
    ///
    /// # Errors
    /// Names the first field that is wrong.
    pub fn check(&self) -> Result<(), SchemaError> {
        if self.columns.is_empty() {
            return Err(SchemaError::NoColumns);
        }
        if self.columns.len() != self.dtypes.len() {
            return Err(SchemaError::Lengths {
                columns: self.columns.len(),
                dtypes: self.dtypes.len(),
            });
        }
        if self.columns.len() > MOST_COLUMNS {
            return Err(SchemaError::TooMany(self.columns.len()));
        }
        let mut names = HashSet::with_capacity(self.columns.len());
        for (i, name) in self.columns.iter().enumerate() {
            if name.is_empty() {
                return Err(SchemaError::EmptyName(i));
            }
            if name.len() > LONGEST_NAME {
                return Err(SchemaError::LongName(i));
            }
            if name.contains('\0') {
                return Err(SchemaError::NulInName(i));
            }
            if !names.insert(name.to_ascii_lowercase()) {
                return Err(SchemaError::Duplicate(name.clone()));
            }
        }
        match self.dtypes[0] {
            Dtype::Number | Dtype::Integer => Ok(()),
            other => Err(SchemaError::KeyType(other.name(), self.columns[0].clone())),
        }
    }

    /// The key column's name, spelled as in the schema.
    pub fn key_column(&self) -> &str {
        self.columns.first().map_or("", String::as_str)
    }

    /// Where a field belongs, its name compared without regard to case.
    pub fn position(&self, field: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.eq_ignore_ascii_case(field))
    }
}

/// Reads a key from JSON text: a whole number from 0 to 2^63-1, or the same as a decimal string.
///
/// Returns `None` for anything else, including signs, fractions and exponents.
pub fn parse_key(json: &str) -> Option<Key> {
    let digits = match json.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"')?,
        None => json,
    };
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(columns: &[&str], dtypes: &[Dtype]) -> Schema {
        Schema { columns: columns.iter().map(|c| c.to_string()).collect(), dtypes: dtypes.to_vec() }
    }

    #[test]
    fn the_papers_schema_is_good() {
        let s = schema(
            &["Stud_id", "Stud_name", "Stud_marks"],
            &[Dtype::Number, Dtype::String, Dtype::String],
        );
        assert_eq!(s.check(), Ok(()));
        assert_eq!(s.key_column(), "Stud_id");
        assert_eq!(s.position("STUD_MARKS"), Some(2));
    }

    #[test]
    fn each_fault_is_named() {
        assert_eq!(schema(&[], &[]).check(), Err(SchemaError::NoColumns));
        assert_eq!(
            schema(&["a", "b"], &[Dtype::Number]).check(),
            Err(SchemaError::Lengths { columns: 2, dtypes: 1 })
        );
        let of_many = |n| schema(&vec!["a"; n], &vec![Dtype::Number; n]).check();
        assert_eq!(of_many(1_001), Err(SchemaError::TooMany(1_001)));
        assert_eq!(of_many(1_000), Err(SchemaError::Duplicate("a".into())));
        let second = |name: &str| schema(&["a", name], &[Dtype::Number, Dtype::String]).check();
        assert_eq!(second(&"x".repeat(128)), Ok(()));
        assert_eq!(second(&"x".repeat(129)), Err(SchemaError::LongName(1)));
        assert_eq!(second("x\0"), Err(SchemaError::NulInName(1)));
        assert_eq!(
            schema(&["a", ""], &[Dtype::Number, Dtype::String]).check(),
            Err(SchemaError::EmptyName(1))
        );
        assert_eq!(
            schema(&["a", "A"], &[Dtype::Number, Dtype::String]).check(),
            Err(SchemaError::Duplicate("A".into()))
        );
        assert_eq!(
            schema(&["a"], &[Dtype::String]).check(),
            Err(SchemaError::KeyType("String", "a".into()))
        );
    }

    #[test]
    fn keys_are_whole_numbers_or_decimal_strings() {
        assert_eq!(parse_key("0"), Some(0));
        assert_eq!(parse_key("\"2255\""), Some(2255));
        assert_eq!(parse_key("9223372036854775807"), Some(i64::MAX));
        for bad in ["9223372036854775808", "-1", "1.0", "1e3", "\"\"", "\"1", "true", "null", "+1"]
        {
            assert_eq!(parse_key(bad), None, "{bad}");
        }
    }
}
