//! Systems without modes: a file has the rights of its folder.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

pub(in super::super) fn options() -> OpenOptions {
    let mut options = File::options();
    options.write(true);
    options
}

pub(in super::super) fn refuse_links(_: &mut OpenOptions) {}

pub(in super::super) fn is_link_error(_: &io::Error) -> bool {
    false
}

pub(in super::super) fn has_other_names(_: &File) -> io::Result<bool> {
    Ok(false)
}

pub(in super::super) fn make_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

pub(in super::super) fn restrict(
    _: &fs::Metadata,
    _: impl FnOnce(fs::Permissions) -> io::Result<()>,
) -> io::Result<()> {
    Ok(())
}

pub(in super::super) fn shared(_: &Path, _: &fs::Metadata) -> Option<String> {
    None
}
