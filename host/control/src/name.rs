//! Names of servers: each is a folder, a host name and an argument, and must harm none of them.

/// Why something is no server name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is no server name: 1 to 64 letters, digits, '.', '_' and '-' are, and neither '.' \
     nor '-' comes first"
)]
pub struct NameError(pub String);

/// Checks that a server can have that name.
///
/// # Errors
/// Tells what names are like.
pub fn check_name(name: &str) -> Result<(), NameError> {
    let fits = (1..=64).contains(&name.len())
        && !name.starts_with(['.', '-'])
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if fits { Ok(()) } else { Err(NameError(name.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_safe_as_a_folder_and_as_an_argument() {
        let longest = "x".repeat(64);
        for good in ["a", "Server_1", "s.1-b", "0", "_", &longest] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        let longer = "x".repeat(65);
        for bad in ["", ".", "..", ".a", "-a", "a/b", "../a", "a b", "a\0", "ä", "a\n", &longer] {
            assert_eq!(check_name(bad), Err(NameError(bad.into())), "{bad}");
        }
    }
}
