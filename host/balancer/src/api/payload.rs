//! Payloads: JSON objects whose field names are matched without regard to case.

use std::collections::HashSet;
use std::error::Error;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use tower_http::timeout::TimeoutError;

use super::ApiError;

/// A request's JSON object, its values as they came.
pub struct Payload(Vec<(String, Box<RawValue>)>);

impl Payload {
    /// Reads an object; `what` is its name in errors.
    ///
    /// # Errors
    /// 400 where it is no object or gives a field twice.
    pub fn parse(json: &[u8], what: &str) -> Result<Self, ApiError> {
        let payload: Payload = serde_json::from_slice(json)
            .map_err(|e| ApiError::bad(format!("{what} must be a JSON object: {e}")))?;
        // A set: a client may send as many fields as a body holds.
        let mut names = HashSet::new();
        for (name, _) in &payload.0 {
            if !names.insert(name.to_ascii_lowercase()) {
                return Err(ApiError::bad(format!("field '{name}' is given twice")));
            }
        }
        Ok(payload)
    }

    /// A field's JSON text, where it is given and not null.
    pub fn raw(&self, field: &str) -> Option<&RawValue> {
        let found = self.0.iter().find(|(name, _)| name.eq_ignore_ascii_case(field));
        found.map(|(_, value)| &**value).filter(|value| value.get() != "null")
    }

    /// A field's JSON text.
    ///
    /// # Errors
    /// 400 where it is missing.
    pub fn needed_raw(&self, field: &str) -> Result<&RawValue, ApiError> {
        self.raw(field).ok_or_else(|| ApiError::bad(format!("field '{field}' is missing")))
    }

    /// A field, where it is given.
    ///
    /// # Errors
    /// 400 where it is not `expected`.
    pub fn optional<T: DeserializeOwned>(
        &self,
        field: &str,
        expected: &str,
    ) -> Result<Option<T>, ApiError> {
        let Some(raw) = self.raw(field) else { return Ok(None) };
        serde_json::from_str(raw.get())
            .map(Some)
            .map_err(|_| ApiError::bad(format!("field '{field}' must be {expected}")))
    }

    /// A field.
    ///
    /// # Errors
    /// 400 where it is missing or not `expected`.
    pub fn needed<T: DeserializeOwned>(&self, field: &str, expected: &str) -> Result<T, ApiError> {
        self.optional(field, expected)?
            .ok_or_else(|| ApiError::bad(format!("field '{field}' is missing")))
    }

    /// The object's fields in order.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), &**value))
    }
}

impl<'de> serde::Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Payload;
            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Payload, A::Error> {
                let mut fields = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    fields.push(entry);
                }
                Ok(Payload(fields))
            }
        }
        deserializer.deserialize_map(V)
    }
}

impl<S: Send + Sync> FromRequest<S> for Payload {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let body = Bytes::from_request(request, state).await.map_err(unread)?;
        Payload::parse(&body, "the payload")
    }
}

/// Why a body was not read.
pub(super) fn unread(rejection: BytesRejection) -> ApiError {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return ApiError {
            status: StatusCode::PAYLOAD_TOO_LARGE,
            message: "the payload is larger than this balancer takes".into(),
        };
    }
    if causes(&rejection).any(|cause| cause.is::<TimeoutError>()) {
        return ApiError {
            status: StatusCode::REQUEST_TIMEOUT,
            message: "the payload did not come in time".into(),
        };
    }
    ApiError::bad("the payload could not be read")
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    fn parse(json: &str) -> Result<Payload, ApiError> {
        Payload::parse(json.as_bytes(), "the payload")
    }

    #[test]
    fn names_are_matched_without_regard_to_case() {
        let p = parse(r#"{"N": 3, "STUD_id": null}"#).unwrap();
        assert_eq!(p.needed::<u32>("n", "a number").unwrap(), 3);
        assert!(p.raw("Stud_id").is_none(), "null is no value");
    }

    #[test]
    fn errors_name_the_field() {
        let message = |r: Result<u32, ApiError>| r.unwrap_err().message;
        let p = parse(r#"{"n": "x"}"#).unwrap();
        assert_eq!(message(p.needed("n", "a number")), "field 'n' must be a number");
        assert_eq!(message(p.needed("m", "a number")), "field 'm' is missing");
        assert_eq!(parse(r#"{"a":1,"A":2}"#).err().unwrap().message, "field 'A' is given twice");
        assert!(
            parse("[]").err().unwrap().message.starts_with("the payload must be a JSON object")
        );
    }
}
