//! Reads a key from the file that a setting names.

use std::io::Read as _;
use std::path::Path;

use secrecy::SecretString;

use super::error::ConfigError;
use crate::amplitude::byte_order_mark;

/// Maximum size of a key file in bytes; keys have 20 to 100.
const MAX_BYTES: u64 = 64 << 10;

/// Reads the key in the file at `path`, which `setting` names. Spaces and line breaks around it and a
/// byte order mark are removed. A file without a key, or with more than one line, is an error.
pub(super) fn read(setting: &'static str, path: &Path) -> Result<SecretString, ConfigError> {
    let unreadable = |source| ConfigError::File {
        what: setting,
        path: path.to_owned(),
        source,
    };
    let unusable = |message| ConfigError::KeyFile {
        setting,
        path: path.to_owned(),
        message,
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    let mut limited = file.take(MAX_BYTES + 1);
    limited.read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(unusable("is larger than 64 kB"));
    }
    let key = byte_order_mark::without(&text).trim();
    if key.is_empty() {
        return Err(unusable("is empty"));
    }
    if key.contains(char::is_control) {
        return Err(unusable("holds more than one line"));
    }
    Ok(SecretString::from(key.to_owned()))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_file_with_one_key_is_read_and_any_other_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let read_as = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            let key = read("customerio.api_key_file", &path);
            key.map(|key| key.expose_secret().to_owned())
                .map_err(|error| error.to_string())
        };
        for text in ["abc", "abc\n", "\u{feff} abc\r\n\r\n"] {
            assert_eq!(read_as(text.as_bytes()).unwrap(), "abc");
        }
        let large = vec![b'k'; 70_000];
        for (bytes, says) in [
            (&b""[..], "is empty"),
            (b" \r\n\t\n", "is empty"),
            ("\u{feff}\n".as_bytes(), "is empty"),
            (b"abc\ndef", "holds more than one line"),
            (b"a\0b\0", "holds more than one line"),
            (b"\xff\xfea\0", "cannot read"),
            (&large, "is larger than 64 kB"),
        ] {
            let error = read_as(bytes).unwrap_err();
            assert!(error.contains(says), "{error}");
            let named = format!("{}", path.display());
            assert!(error.contains("customerio.api_key_file") && error.contains(&named));
        }
        assert!(read("customerio.api_key_file", dir.path()).is_err());
        std::fs::remove_file(&path).unwrap();
        assert!(read("customerio.api_key_file", &path).is_err());
    }
}
