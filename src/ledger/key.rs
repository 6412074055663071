//! Keyed hashes of ids and persons, and the file that has their key.

use std::hash::Hasher as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use siphasher::sip::SipHasher24;
use ulid::Ulid;

use super::error::LedgerError;
use crate::owner_only;

/// The name of the key file.
const FILE: &str = "key";
/// Size of the key in bytes.
const KEY_BYTES: usize = 16;
/// Bits of a hash of a dedupe id. With the second of the event, two of a million events in a second
/// have the same key with a probability of 1 in 500.
pub(super) const HASH_BITS: u32 = 48;
/// Seconds of an hour.
const HOUR_SECONDS: u32 = 3_600;

/// The place of an event in the ledger: the second in its dedupe id, and a keyed hash of that id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The second of the event by the device's clock, since 1970.
    pub second: u32,
    /// 48 bits of the keyed hash.
    pub hash: u64,
}

impl Key {
    /// The hour of the event, since 1970.
    pub fn hour(self) -> u32 {
        self.second / HOUR_SECONDS
    }

    /// The second and the hash as one number, with the second in front.
    pub(super) fn within_hour(self) -> u64 {
        (u64::from(self.second % HOUR_SECONDS) << HASH_BITS) | self.hash
    }

    /// Reverses [`Self::within_hour`].
    pub(super) fn of_hour(hour: u32, within: u64) -> Self {
        let second = (within >> HASH_BITS) as u32;
        Self {
            second: hour.saturating_mul(HOUR_SECONDS).saturating_add(second),
            hash: within & ((1 << HASH_BITS) - 1),
        }
    }
}

/// The key of the hashes.
#[derive(Clone, PartialEq, Eq)]
pub struct HashKey([u8; KEY_BYTES]);

impl std::fmt::Debug for HashKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashKey(…)")
    }
}

impl HashKey {
    /// Creates a key from its bytes.
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// A new key.
    pub fn random() -> Self {
        Self(rand::random::<u128>().to_be_bytes())
    }

    /// The key of a text that [`Self::to_text`] returned.
    pub fn from_text(text: &str) -> Option<Self> {
        let key = u128::from_str_radix(text.trim(), 16).ok()?;
        (text.trim().len() == 2 * KEY_BYTES).then(|| Self(key.to_be_bytes()))
    }

    /// The key as text: 32 hexadecimal digits.
    pub fn to_text(&self) -> String {
        format!("{:032x}", u128::from_be_bytes(self.0))
    }

    /// Reads the key in a ledger's folder, or creates it: the wanted one, if there is one. Fails if the
    /// ledger there has another one.
    pub(super) fn open(folder: &Path, wanted: Option<&Self>) -> Result<Self, LedgerError> {
        let path = Self::path(folder);
        match owner_only::create_new(&path) {
            Ok(mut file) => {
                let key = wanted.cloned().unwrap_or_else(Self::random);
                let text = key.to_text() + "\n";
                let written = file
                    .write_all(text.as_bytes())
                    .and_then(|()| file.sync_all());
                if let Err(source) = written {
                    // Half a key would be refused at the next start. The first error matters more.
                    let _ = std::fs::remove_file(&path);
                    return Err(LedgerError::of(&path, source));
                }
                Ok(key)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                owner_only::tighten_path(&path);
                let key = Self::read(folder)?;
                if wanted.is_some_and(|wanted| *wanted != key) {
                    return Err(LedgerError::OtherKey { path });
                }
                Ok(key)
            }
            Err(source) => Err(LedgerError::of(&path, source)),
        }
    }

    /// The file of the key in a ledger's folder.
    pub(super) fn path(folder: &Path) -> PathBuf {
        folder.join(FILE)
    }

    /// Reads the key in a ledger's folder.
    pub(super) fn read(folder: &Path) -> Result<Self, LedgerError> {
        let path = Self::path(folder);
        let text =
            std::fs::read_to_string(&path).map_err(|source| LedgerError::of(&path, source))?;
        Self::from_text(&text).ok_or(LedgerError::NoKey { path })
    }

    /// The key of the event with this dedupe id.
    pub fn event(&self, id: Ulid) -> Key {
        let second = id.timestamp_ms() / 1_000;
        Key {
            second: u32::try_from(second).unwrap_or(u32::MAX),
            hash: self.hash(b'e', &id.0.to_be_bytes()) >> (64 - HASH_BITS),
        }
    }

    /// The hash of a person, by the user ID or, without one, the device ID. Never 0, which stands for
    /// an unknown person.
    pub fn person(&self, id: &str) -> u16 {
        ((self.hash(b'p', id.as_bytes()) >> 48) as u16).max(1)
    }

    fn hash(&self, kind: u8, bytes: &[u8]) -> u64 {
        let mut hasher = SipHasher24::new_with_key(&self.0);
        hasher.write(&[kind]);
        hasher.write(bytes);
        hasher.finish()
    }
}
