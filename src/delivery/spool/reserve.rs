//! Disk space that is reserved for a full disk.
//!
//! On a full disk deliveries can't be recorded either, so no space would ever be freed: the log
//! can't be copied into the file, which would have to grow. So a file beside the spool reserves as
//! much space as the log can take. When the disk is full the file is removed, the log is copied,
//! and settled items free their pages. New items are accepted once that much space is free again.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::owner_only;

/// The maximum size of the log and its last commit, in bytes.
pub(super) const BYTES: u64 = 16 << 20;

/// The file that reserves the space.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
    there: bool,
}

impl Reserve {
    /// Opens the reserve in a folder, which is created where it doesn't exist.
    pub(super) fn open(folder: &Path) -> Self {
        let mut reserve = Self {
            path: folder.join("spool.reserve"),
            there: false,
        };
        reserve.restore();
        reserve
    }

    /// Whether the space is reserved.
    pub(super) fn is_there(&self) -> bool {
        self.there
    }

    /// Frees the space. Returns whether there was any.
    pub(super) fn release(&mut self) -> bool {
        std::mem::take(&mut self.there) && fs::remove_file(&self.path).is_ok()
    }

    /// Reserves the space again, if the disk has it.
    pub(super) fn restore(&mut self) {
        if self.there {
            return;
        }
        let whole = fs::metadata(&self.path).is_ok_and(|file| file.len() == BYTES);
        self.there = whole || self.fill().is_ok();
        if !self.there {
            // A partial reserve is of no use.
            let _ = fs::remove_file(&self.path);
        }
    }

    /// Writes every byte: a sparse file reserves no space.
    fn fill(&self) -> std::io::Result<()> {
        let mut file = owner_only::new_in_place(&self.path)?;
        // Zeros would not do: some file systems don't store them.
        let block: Vec<u8> = (0..1_u32 << 16)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        for _ in 0..BYTES / block.len() as u64 {
            file.write_all(&block)?;
        }
        file.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_is_kept_given_up_once_and_kept_again() {
        let dir = tempfile::tempdir().unwrap();
        let size = || fs::metadata(dir.path().join("spool.reserve")).map_or(0, |f| f.len());
        let mut reserve = Reserve::open(dir.path());
        assert!(reserve.is_there() && size() == BYTES);
        assert!(reserve.release() && !reserve.is_there() && size() == 0);
        assert!(!reserve.release());
        reserve.restore();
        assert!(reserve.is_there() && size() == BYTES);
        assert!(Reserve::open(dir.path()).is_there());
    }
}
