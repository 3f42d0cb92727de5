//! What one side shows and the other knows it by: a bearer token.

use std::fmt;

use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HeaderValue};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Fewest characters: less can be guessed.
const SHORTEST: usize = 16;

/// The scheme before the secret, and a space.
const BEARER: &str = "Bearer ";

/// A secret that a request shows as `authorization: Bearer …`. What is printed of it says nothing.
#[derive(Clone)]
pub struct Secret {
    authorization: HeaderValue,
    digest: [u8; 32],
}

/// Why a text is no secret. It is not told: it may be one with a slip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// There are too few characters.
    #[error("it must have at least {SHORTEST} characters")]
    Short,
    /// A header cannot carry it.
    #[error("it must have letters, digits and signs of ASCII alone, and no space")]
    Characters,
}

impl Secret {
    /// Takes a text for a secret.
    ///
    /// # Errors
    /// Where it is short, or has what a header cannot carry.
    pub fn new(text: &str) -> Result<Self, SecretError> {
        if text.len() < SHORTEST {
            return Err(SecretError::Short);
        }
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(SecretError::Characters);
        }
        let mut authorization = HeaderValue::try_from(format!("{BEARER}{text}"))
            .map_err(|_| SecretError::Characters)?;
        authorization.set_sensitive(true);
        Ok(Secret { authorization, digest: Sha256::digest(text).into() })
    }

    /// The header's value that shows it.
    pub fn authorization(&self) -> HeaderValue {
        self.authorization.clone()
    }

    /// Whether a request shows it. How long that takes tells nothing of the secret: digests are
    /// compared, and whole.
    pub fn is_shown(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get(AUTHORIZATION).and_then(|value| bearer(value.as_bytes()));
        shown.is_some_and(|text| self.digest.ct_eq(&Sha256::digest(text)[..]).into())
    }

    /// The text, for where it is to be kept.
    pub fn reveal(&self) -> &str {
        let value = self.authorization.to_str().unwrap_or_default();
        value.strip_prefix(BEARER).unwrap_or_default()
    }
}

/// What follows the scheme, which is matched without regard to case.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, text) = value.split_at_checked(BEARER.len())?;
    scheme.eq_ignore_ascii_case(BEARER.as_bytes()).then(|| text.trim_ascii())
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    const TEXT: &str = "0123456789abcdef";

    fn shows(value: &str) -> bool {
        let headers = HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())]);
        Secret::new(TEXT).unwrap().is_shown(&headers)
    }

    #[test]
    fn it_is_known_by_the_whole_of_it_alone() {
        for good in ["Bearer ", "bearer ", "BEARER   "] {
            assert!(shows(&format!("{good}{TEXT}")), "{good}");
        }
        for bad in ["", "Bearer", "Bearer ", "Bearer 0123456789abcde", "Bearer 0123456789abcdef0"] {
            assert!(!shows(bad), "{bad}");
        }
        assert!(!shows(TEXT) && !shows(&format!("Basic  {TEXT}")));
        assert!(!shows(&format!("Bearer {}", TEXT.to_uppercase())));
        assert!(!Secret::new(TEXT).unwrap().is_shown(&HeaderMap::new()));
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        let refused = |text| Secret::new(text).unwrap_err();
        assert_eq!(refused(""), SecretError::Short);
        assert_eq!(refused("0123456789abcde"), SecretError::Short);
        for text in ["0123456789 abcdef", "0123456789\nabcdef", "0123456789äabcdef"] {
            assert_eq!(refused(text), SecretError::Characters, "{text}");
        }
    }

    #[test]
    fn nothing_printed_tells_it() {
        let secret = Secret::new(TEXT).unwrap();
        let printed = format!("{secret:?} {:?}", secret.authorization());
        assert!(!printed.contains(TEXT), "{printed}");
        assert_eq!(secret.reveal(), TEXT);
    }
}
