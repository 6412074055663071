//! Room on the disk that is kept for the worst moment.
//!
//! Where the disk is full, what is delivered can't be written down either, and so no room is
//! ever made: the log can't be copied into the file, which would have to grow. So a file
//! beside the spool holds as much as the log can. When the disk is full it is removed, the log
//! is copied, and what is settled makes its pages free again. New items come in once there is
//! room for as much as that.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::owner_only;

/// The log at its largest, and the commit that makes it so, in bytes.
pub(super) const BYTES: u64 = 16 << 20;

/// The file that holds the room.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
    there: bool,
}

impl Reserve {
    /// The reserve in a folder, made where it isn't there.
    pub(super) fn open(folder: &Path) -> Self {
        let mut reserve = Self {
            path: folder.join("spool.reserve"),
            there: false,
        };
        reserve.restore();
        reserve
    }

    /// Whether the room is kept.
    pub(super) fn is_there(&self) -> bool {
        self.there
    }

    /// Gives the room up; whether there was any.
    pub(super) fn release(&mut self) -> bool {
        std::mem::take(&mut self.there) && fs::remove_file(&self.path).is_ok()
    }

    /// Keeps the room again, if the disk has it.
    pub(super) fn restore(&mut self) {
        if self.there {
            return;
        }
        let whole = fs::metadata(&self.path).is_ok_and(|file| file.len() == BYTES);
        self.there = whole || self.fill().is_ok();
        if !self.there {
            // Half of it is of no use.
            let _ = fs::remove_file(&self.path);
        }
    }

    /// Written in full: a file with holes holds no room.
    fn fill(&self) -> std::io::Result<()> {
        let mut file = owner_only::new_in_place(&self.path)?;
        // Not zeros, which some file systems don't store.
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
