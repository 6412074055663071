//! Files and folders that only their owner can read, whatever the umask: events name people, and
//! settings hold keys.
//!
//! Every file of ours that holds events, people, keys or settings is made here. A file that is
//! there already and is written again is tightened to 0600. Folders that are missing are made
//! with 0700; one that is there already is the operator's: it is left as it is, and the log tells
//! that others get into it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Makes a folder, and those above it that are missing, for their owner only.
pub fn create_folder(folder: &Path) -> io::Result<()> {
    // The folder of a bare file name.
    if folder.as_os_str().is_empty() {
        return Ok(());
    }
    match fs::metadata(folder) {
        Ok(there) if there.is_dir() => {
            tell_shared(folder, &there);
            Ok(())
        }
        _ => make_folder(folder),
    }
}

/// Opens a file for writing, empty; made where it isn't there.
pub fn create(path: &Path) -> io::Result<File> {
    let file = options().create(true).open(path)?;
    tighten(&file, path)?;
    // Emptied only now, so that a file of others is not lost for an error. A pipe has no length.
    if file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    Ok(file)
}

/// Makes a file that must not be there yet, a link included.
pub fn create_new(path: &Path) -> io::Result<File> {
    let file = options().create_new(true).open(path)?;
    tighten(&file, path)?;
    Ok(file)
}

/// Replaces a file whole: after an error the old one is still there.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_with(path, bytes, |_| Ok(()))
}

/// The same, also where the power fails meanwhile; it waits for the disk.
pub fn replace_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_with(path, bytes, File::sync_all)
}

fn replace_with(
    path: &Path,
    bytes: &[u8],
    finish: impl FnOnce(&File) -> io::Result<()>,
) -> io::Result<()> {
    let beside = beside(path, ".new");
    let replaced = new_in_place(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        finish(&file)?;
        fs::rename(&beside, path)
    });
    if replaced.is_err() {
        // Half a file is of no use; that it can't be removed changes nothing about the error.
        let _ = fs::remove_file(&beside);
    }
    replaced
}

/// Makes a file under a name of ours, in place of what an earlier process left there.
pub fn new_in_place(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => create_new(path),
    }
}

/// Opens a file of ours for reading and writing, with what is in it; made where it isn't there.
/// A link is refused, so that nobody can make us lock or write another file than our own.
pub fn open_own(path: &Path) -> io::Result<File> {
    let mut options = options();
    options.read(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, no_follow());
    let file = options
        .open(path)
        .map_err(|error| refused_link(error, path))?;
    if !file.metadata()?.is_file() || has_other_names(&file)? {
        return Err(no_own_file(path));
    }
    tighten(&file, path)?;
    Ok(file)
}

/// Prepares a database for `SQLite`, which gives the files beside it the rights of the file itself.
pub fn prepare_database(path: &Path) -> io::Result<()> {
    match create_new(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // Not opened: closing it would give up the locks of who has it open in this process.
            for file in [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")] {
                tighten_path(&file);
            }
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Tightens a file that was written before. One that isn't there is none.
pub fn tighten_path(path: &Path) {
    if let Ok(file) = fs::metadata(path)
        && let Err(error) = set_mode(&file, |rights| fs::set_permissions(path, rights))
    {
        tell_wide(path, &error);
    }
}

/// Others can get into a folder, in words; nothing where they can't.
pub fn shared(folder: &Path) -> Option<String> {
    let there = fs::metadata(folder).ok()?;
    shared_as(folder, &there)
}

#[cfg(unix)]
fn no_follow() -> i32 {
    rustix::fs::OFlags::NOFOLLOW.bits().cast_signed()
}

fn options() -> OpenOptions {
    let mut options = File::options();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// Tightens a file that is open. Some file systems know no rights, and a file may be another
/// user's: that is told, and the file is used all the same, as the operator named it.
fn tighten(file: &File, path: &Path) -> io::Result<()> {
    if let Err(error) = set_mode(&file.metadata()?, |rights| file.set_permissions(rights)) {
        tell_wide(path, &error);
    }
    Ok(())
}

fn tell_wide(path: &Path, error: &io::Error) {
    tracing::warn!(
        "others may be able to read {}, and its rights can't be changed: {error}",
        path.display()
    );
}

fn no_own_file(path: &Path) -> io::Error {
    io::Error::other(format!(
        "{} is a link, or no file of this program; remove it",
        path.display()
    ))
}

#[cfg(unix)]
fn make_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

#[cfg(unix)]
fn set_mode(
    there: &fs::Metadata,
    set: impl FnOnce(fs::Permissions) -> io::Result<()>,
) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    // Rights of a device or a pipe are not ours to change.
    if !there.is_file() || there.permissions().mode() & 0o7777 == 0o600 {
        return Ok(());
    }
    set(fs::Permissions::from_mode(0o600))
}

#[cfg(unix)]
fn has_other_names(file: &File) -> io::Result<bool> {
    Ok(std::os::unix::fs::MetadataExt::nlink(&file.metadata()?) > 1)
}

#[cfg(unix)]
fn refused_link(error: io::Error, path: &Path) -> io::Error {
    if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
        return no_own_file(path);
    }
    error
}

#[cfg(unix)]
fn shared_as(folder: &Path, there: &fs::Metadata) -> Option<String> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = there.permissions().mode() & 0o7777;
    let what = match mode & 0o066 {
        0 => return None,
        rights if rights & 0o022 != 0 => "others can remove and replace files in",
        _ => "others can see which files are in",
    };
    let folder = folder.display();
    Some(format!(
        "{what} {folder} (mode {mode:04o}); use a folder of your own, or run: chmod 700 {folder}"
    ))
}

/// Tells it once for each folder: files are replaced in it again and again.
#[cfg(unix)]
fn tell_shared(folder: &Path, there: &fs::Metadata) {
    use std::collections::BTreeSet;
    use std::sync::{Mutex, PoisonError};
    static TOLD: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    if let Some(says) = shared_as(folder, there)
        && TOLD
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(folder.to_owned())
    {
        tracing::warn!("{says}");
    }
}

/// Elsewhere a file has the rights of its folder.
#[cfg(not(unix))]
mod elsewhere {
    use super::{File, Path, fs, io};

    pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)
    }

    pub(super) fn set_mode(
        _: &fs::Metadata,
        _: impl FnOnce(fs::Permissions) -> io::Result<()>,
    ) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn has_other_names(_: &File) -> io::Result<bool> {
        Ok(false)
    }

    pub(super) fn refused_link(error: io::Error, _: &Path) -> io::Error {
        error
    }

    pub(super) fn shared_as(_: &Path, _: &fs::Metadata) -> Option<String> {
        None
    }

    pub(super) fn tell_shared(_: &Path, _: &fs::Metadata) {}
}
#[cfg(not(unix))]
use elsewhere::{has_other_names, make_folder, refused_link, set_mode, shared_as, tell_shared};

#[cfg(all(test, unix))]
mod tests;
