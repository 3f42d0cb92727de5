//! How much memory plugins may have: `16MiB` for all, `python-hash=256MiB` for one.

use std::str::FromStr;

use bytesize::ByteSize;
use ringwright_plugin_runtime::Settings;

/// What an instance may grow to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginMemory {
    /// The name of the plugin's file, without its extension; `None` for all.
    plugin: Option<String>,
    bytes: usize,
}

impl FromStr for PluginMemory {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (plugin, bytes) = match text.split_once('=') {
            Some(("", _)) => return Err("there is no name before '='".into()),
            Some((plugin, bytes)) => (Some(plugin.to_owned()), bytes),
            None => (None, text),
        };
        Ok(PluginMemory { plugin, bytes: size(bytes)? })
    }
}

/// A size that an instance may grow to, in bytes.
pub fn size(text: &str) -> Result<usize, String> {
    let size: ByteSize = text.parse().map_err(|_| "must be a size, such as 16MiB")?;
    match usize::try_from(size.as_u64()) {
        // An instance starts with one page of 64 KiB; wasm addresses at most 4 GiB.
        Ok(bytes) if (64 << 10..=4 << 30).contains(&bytes) => Ok(bytes),
        _ => Err("must be from 64KiB to 4GiB".into()),
    }
}

/// Grants what was given; the last word on a plugin counts.
pub fn grant(given: &[PluginMemory], mut settings: Settings) -> Settings {
    for PluginMemory { plugin, bytes } in given {
        match plugin {
            None => settings.memory_bytes = *bytes,
            Some(name) => {
                let grant = settings.grants.entry(name.clone()).or_default();
                grant.memory_bytes = Some(*bytes);
            }
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    #[test]
    fn all_or_one_plugin_are_granted() {
        let given = ["32MiB", "py=256MiB", "py=300MiB"].map(|text| text.parse().unwrap());
        let settings = grant(&given, Settings::default());
        assert_eq!(settings.memory_bytes, 32 << 20);
        assert_eq!(settings.grants["py"].memory_bytes, Some(300 << 20));
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "=1MiB", "lots", "py=", "1KiB", "5GiB", "-1MiB"] {
            assert!(text.parse::<PluginMemory>().is_err(), "{text}");
        }
    }
}
