//! Request ids.

use std::fmt;
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// The header that an id comes and goes in.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id that is taken from a client, in bytes.
const LONGEST: usize = 128;

/// Most ids that are told of those who are served together.
const TOLD: usize = 16;

/// Longest id that is taken from another program of ours: of so many clients.
const LONGEST_OF_ALL: usize = TOLD * (LONGEST + 1) + 32;

/// What a request is called, in the log and between programs; visible ASCII.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// One that nobody else has.
    pub fn new() -> Self {
        RequestId(format!("{:016x}", rand::random::<u64>()).into())
    }

    /// One for what is done on nobody's behalf.
    pub fn named(what: fmt::Arguments<'_>) -> Self {
        RequestId(what.to_string().into())
    }

    /// A client's own, where it sent one that can be logged and passed on.
    pub(crate) fn of_client(headers: &HeaderMap) -> Option<Self> {
        Self::read(headers, LONGEST)
    }

    /// One that was passed on.
    pub(crate) fn passed_on(headers: &HeaderMap) -> Option<Self> {
        Self::read(headers, LONGEST_OF_ALL)
    }

    fn read(headers: &HeaderMap, longest: usize) -> Option<Self> {
        let id = headers.get(HEADER)?.to_str().ok()?;
        let is_sane = (1..=longest).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
        is_sane.then(|| RequestId(id.into()))
    }

    /// One for those who are served together: all theirs, or the first of them and how many more.
    pub(crate) fn of_all<'a>(mut ids: impl Iterator<Item = &'a RequestId>) -> Option<Self> {
        let first = ids.next()?;
        let Some(second) = ids.next() else { return Some(first.clone()) };
        let mut all = format!("{first},{second}");
        for id in ids.by_ref().take(TOLD - 2) {
            all += ",";
            all += id.as_str();
        }
        match ids.count() {
            0 => {}
            more => all += &format!(",+{more}"),
        }
        Some(RequestId(all.into()))
    }

    /// As it is told.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn value(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }
}

impl Default for RequestId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    fn given(value: &[u8]) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, HeaderValue::from_bytes(value).unwrap());
        RequestId::of_client(&headers).map(|id| id.to_string())
    }

    #[test]
    fn a_clients_id_is_taken_where_it_is_sane() {
        for sane in ["123456", "7f3a-b_c/d+e=", &"x".repeat(LONGEST)] {
            assert_eq!(given(sane.as_bytes()).as_deref(), Some(sane));
        }
        let too_long = "x".repeat(LONGEST + 1);
        for odd in [&b""[..], b"a b", "ä".as_bytes(), b"\xff", too_long.as_bytes()] {
            assert_eq!(given(odd), None, "{odd:?}");
        }
        assert_eq!(RequestId::of_client(&HeaderMap::new()), None);
        assert_ne!(RequestId::new(), RequestId::new());
    }

    #[test]
    fn those_who_are_served_together_are_all_named_up_to_a_limit() {
        let ids: Vec<_> = (0..20).map(|n| RequestId::named(format_args!("r{n}"))).collect();
        let all = |n: usize| RequestId::of_all(ids[..n].iter()).map(|id| id.to_string());
        assert_eq!(all(0), None);
        assert_eq!(all(1).unwrap(), "r0");
        assert_eq!(all(3).unwrap(), "r0,r1,r2");
        assert!(all(16).unwrap().ends_with(",r15"));
        assert!(all(20).unwrap().ends_with(",r15,+4"));
    }

    #[test]
    fn the_longest_of_all_is_understood_by_the_next_program() {
        let long = RequestId::named(format_args!("{}", "x".repeat(LONGEST)));
        let all = RequestId::of_all(std::iter::repeat_n(&long, 1_000_000)).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, all.value().unwrap());
        assert_eq!(RequestId::passed_on(&headers), Some(all));
        assert_eq!(RequestId::of_client(&headers), None);
    }
}
