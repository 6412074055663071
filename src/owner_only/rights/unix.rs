//! Modes and links of Unix.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Options for writing to a file, which is created with mode 0600.
pub(in super::super) fn options() -> OpenOptions {
    let mut options = File::options();
    options.write(true).mode(0o600);
    options
}

/// Makes opening a link fail.
pub(in super::super) fn refuse_links(options: &mut OpenOptions) {
    options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
}

/// Whether opening failed because the path is a link.
pub(in super::super) fn is_link_error(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

/// Whether the file has other names: hard links.
pub(in super::super) fn has_other_names(file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.nlink() > 1)
}

pub(in super::super) fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Calls `set` with mode 0600, unless the file has it already.
pub(in super::super) fn restrict(
    file: &fs::Metadata,
    set: impl FnOnce(fs::Permissions) -> io::Result<()>,
) -> io::Result<()> {
    // The modes of devices and pipes belong to others.
    if !file.is_file() || file.permissions().mode() & 0o7777 == 0o600 {
        return Ok(());
    }
    set(fs::Permissions::from_mode(0o600))
}

/// A warning if others have access to a folder.
pub(in super::super) fn shared(folder: &Path, existing: &fs::Metadata) -> Option<String> {
    let mode = existing.permissions().mode() & 0o7777;
    let risk = match mode & 0o066 {
        0 => return None,
        rights if rights & 0o022 != 0 => "others can remove and replace files in",
        _ => "others can see which files are in",
    };
    let folder = folder.display();
    Some(format!(
        "{risk} {folder} (mode {mode:04o}); use a folder of your own, or run: chmod 700 {folder}"
    ))
}
