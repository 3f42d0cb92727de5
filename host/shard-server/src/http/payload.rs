//! Payloads: bodies read whole, and JSON objects whose fields' case does not matter.

use std::collections::BTreeMap;

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use ringwright_model::{Key, parse_key};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::failure::Failure;

/// A body; one that is too large or breaks off is refused as JSON.
pub(super) struct Payload(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for Payload {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let body = Bytes::from_request(request, state).await;
        body.map(Payload).map_err(|e| Failure::new(e.status(), e.body_text()))
    }
}

/// An object's fields by lower-case name.
#[derive(Debug, Default)]
pub(super) struct Fields(BTreeMap<String, Box<RawValue>>);

impl Fields {
    pub(super) fn parse(json: &[u8]) -> Result<Self, Failure> {
        let fields: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(json)
            .map_err(|e| Failure::bad(format!("not an object: {e}")))?;
        Ok(Fields(fields.into_iter().map(|(k, v)| (k.to_ascii_lowercase(), v)).collect()))
    }

    /// A field that may be left out.
    pub(super) fn maybe<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Failure> {
        match self.0.get(&name.to_ascii_lowercase()) {
            None => Ok(None),
            Some(raw) => serde_json::from_str(raw.get())
                .map_err(|e| Failure::bad(format!("field '{name}': {e}"))),
        }
    }

    /// A field that must be there.
    pub(super) fn get<T: DeserializeOwned>(&self, name: &str) -> Result<T, Failure> {
        self.maybe(name)?.ok_or_else(|| Failure::bad(format!("field '{name}' is missing")))
    }

    /// A field that holds a key.
    pub(super) fn key(&self, name: &str) -> Result<Key, Failure> {
        let raw: Box<RawValue> = self.get(name)?;
        parse_key(raw.get()).ok_or_else(|| {
            Failure::bad(format!(
                "field '{name}' must be a whole number from 0 to 9223372036854775807"
            ))
        })
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Fields::parse(raw.get().as_bytes()).map_err(|_| serde::de::Error::custom("not an object"))
    }
}
