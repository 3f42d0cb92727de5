//! A statement and its values, before it is known which database takes them.

/// A statement in words SQLite and Postgres share.
pub(crate) struct Query {
    pub(crate) sql: &'static str,
    pub(crate) args: Vec<Arg>,
}

/// A value for a placeholder.
pub(crate) enum Arg {
    Int(i64),
    /// SQL NULL where there is none.
    Text(Option<String>),
}

pub(crate) fn query(sql: &'static str) -> Query {
    Query { sql, args: Vec::new() }
}

impl Query {
    /// Gives the next placeholder its value.
    pub(crate) fn bind(mut self, value: impl Into<Arg>) -> Self {
        self.args.push(value.into());
        self
    }
}

impl From<i64> for Arg {
    fn from(n: i64) -> Self {
        Arg::Int(n)
    }
}

impl From<String> for Arg {
    fn from(text: String) -> Self {
        Arg::Text(Some(text))
    }
}

impl From<Option<String>> for Arg {
    fn from(text: Option<String>) -> Self {
        Arg::Text(text)
    }
}
