//! Files that only their owner can read.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::rights;

/// Opens an empty file for writing, which is created where it doesn't exist.
pub fn create(path: &Path) -> io::Result<File> {
    let file = rights::options().create(true).open(path)?;
    tighten(&file, path)?;
    // Truncated only now, so that an error leaves another program's file unchanged. A pipe has no
    // length.
    if file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    Ok(file)
}

/// Creates a file that must not exist, not even as a link.
pub fn create_new(path: &Path) -> io::Result<File> {
    let file = rights::options().create_new(true).open(path)?;
    tighten(&file, path)?;
    Ok(file)
}

/// Replaces a file as a whole: after an error the old one still exists.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_with(path, bytes, |_, part, whole| fs::rename(part, whole))
}

/// Replaces a file as a whole, and waits for the disk, so that it survives a power cut.
pub fn replace_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_with(path, bytes, publish)
}

/// Renames a complete file from `part` to `whole`, and waits for the disk: the content first, then
/// the name. After a power cut the file is complete or doesn't have its new name.
pub fn publish(file: &File, part: &Path, whole: &Path) -> io::Result<()> {
    file.sync_all()?;
    fs::rename(part, whole)?;
    sync_folder_of(whole)
}

/// Waits until the names in the folder of `path` are on the disk, on systems that can sync a folder.
pub fn sync_folder_of(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        // The parent of a bare file name is empty.
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        File::open(folder)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

pub(super) fn replace_with(
    path: &Path,
    bytes: &[u8],
    finish: impl FnOnce(&File, &Path, &Path) -> io::Result<()>,
) -> io::Result<()> {
    let beside = beside(path, ".new");
    let replaced = new_in_place(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        finish(&file, &beside, path)
    });
    if replaced.is_err() {
        // A partial file is of no use; where it can't be removed, the first error matters more.
        let _ = fs::remove_file(&beside);
    }
    replaced
}

/// Creates a file under a name of this program, and removes what an earlier process left there.
pub fn new_in_place(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => create_new(path),
    }
}

/// Opens a file of this program for reading and writing, with its content; it is created where it
/// doesn't exist. A link is refused, so that nobody can make this program lock or overwrite another
/// file.
pub fn open_own(path: &Path) -> io::Result<File> {
    let mut options = rights::options();
    options.read(true).create(true);
    rights::refuse_links(&mut options);
    let file = options.open(path).map_err(|error| {
        if rights::is_link_error(&error) {
            not_own(path)
        } else {
            error
        }
    })?;
    if !file.metadata()?.is_file() || rights::has_other_names(&file)? {
        return Err(not_own(path));
    }
    tighten(&file, path)?;
    Ok(file)
}

/// Prepares a database for SQLite, which creates its other files with the mode of the database.
pub fn prepare_database(path: &Path) -> io::Result<()> {
    match create_new(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            // Not opened: closing it would release the locks of a connection in this process.
            for file in [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")] {
                tighten_path(&file);
            }
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Restricts an existing file to its owner. A missing one is ignored.
pub fn tighten_path(path: &Path) {
    if let Ok(file) = fs::metadata(path)
        && let Err(error) = rights::restrict(&file, |mode| fs::set_permissions(path, mode))
    {
        warn_readable(path, &error);
    }
}

/// Restricts an open file to its owner. Some file systems have no modes, and the file may be
/// another user's. Then a warning is logged, and the file is used all the same, as the operator
/// named it.
fn tighten(file: &File, path: &Path) -> io::Result<()> {
    if let Err(error) = rights::restrict(&file.metadata()?, |mode| file.set_permissions(mode)) {
        warn_readable(path, &error);
    }
    Ok(())
}

fn warn_readable(path: &Path, error: &io::Error) {
    tracing::warn!(
        "others may be able to read {}, and its rights can't be changed: {error}",
        path.display()
    );
}

fn not_own(path: &Path) -> io::Error {
    io::Error::other(format!(
        "{} is a link, or no file of this program; remove it",
        path.display()
    ))
}

/// Returns the path with `end` appended to the file name.
pub fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}
