//! The lock of a spool's folder, which one process holds; the file names it.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::owner_only;

use super::error::SpoolError;

/// Attempts to take the lock.
const TRIES: u32 = 4;
const BETWEEN_TRIES: Duration = Duration::from_millis(50);
/// A process id is padded with spaces to this length, which fits any.
const PID_ROOM: usize = 20;

/// A folder that is locked until this is dropped, or the process ends in any way.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Locks the folder, which is created for its owner only where it doesn't exist.
    pub fn take(folder: &Path) -> Result<Self, SpoolError> {
        let failed = |source| SpoolError::Folder {
            folder: folder.to_owned(),
            source,
        };
        owner_only::create_folder(folder).map_err(failed)?;
        let mut file = owner_only::open_own(&path(folder)).map_err(failed)?;
        let mut tries = TRIES;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                // Another process may only be reading who the owner is.
                Err(TryLockError::WouldBlock) if tries > 1 => {
                    tries -= 1;
                    std::thread::sleep(BETWEEN_TRIES);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(SpoolError::InUse {
                        folder: folder.to_owned(),
                        pid: pid_in(&mut file),
                    });
                }
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
        }
        // On a full disk the id is missing; the lock holds all the same.
        if let Err(error) = write_pid(&mut file) {
            tracing::warn!("cannot write the process id into the spool's lock: {error}");
        }
        Ok(Self { _file: file })
    }
}

/// The id of the process that has the spool in `folder` open, if one has.
pub fn owner(folder: &Path) -> Option<String> {
    let mut file = File::open(path(folder)).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(pid_in(&mut file)),
        _ => None,
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("spool.lock")
}

/// Overwrites the process id in the file. A file with anything else in it belongs to another
/// program, and is left as it is.
fn write_pid(file: &mut File) -> std::io::Result<()> {
    let mut old = [0; PID_ROOM + 1];
    let read = file.read(&mut old)?;
    let is_pid = |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_whitespace();
    if read > PID_ROOM || !old[..read].iter().all(is_pid) {
        return Err(std::io::Error::other("it holds something else"));
    }
    file.seek(SeekFrom::Start(0))?;
    write!(file, "{:<width$}", std::process::id(), width = PID_ROOM)
}

fn pid_in(file: &mut File) -> String {
    let mut text = String::new();
    match file.take(PID_ROOM as u64).read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => text.trim().to_owned(),
        _ => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_owner_and_the_second_is_told_which() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("a/b");
        let first = FolderLock::take(&folder).unwrap();
        let pid = std::process::id().to_string();
        let refused = FolderLock::take(&folder).unwrap_err().to_string();
        assert!(refused.contains(&format!("process {pid}")), "{refused}");
        assert_eq!(owner(&folder), Some(pid));
        drop(first);
        assert_eq!(owner(&folder), None);
        FolderLock::take(&folder).unwrap();
    }
}
