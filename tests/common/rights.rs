//! Who can read the files that the program makes.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The same command where the umask takes no rights away: a child's, as one of our own would hold
/// for every test of this process.
pub fn without_umask(command: &Command) -> Command {
    let mut inside = Command::new("sh");
    inside.args(["-c", "umask 000 && exec \"$@\"", "sh"]);
    inside.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => inside.env(name, value),
            None => inside.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        inside.current_dir(folder);
    }
    inside
}

/// Its rights.
pub fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Gives everybody every right.
pub fn open_to_all(path: &Path) {
    let rights = if path.is_dir() { 0o777 } else { 0o666 };
    fs::set_permissions(path, Permissions::from_mode(rights)).unwrap();
}

/// Everything in a folder, and itself, is for its owner only; the names of the files.
pub fn assert_private(folder: &Path) -> Vec<String> {
    assert_eq!(mode(folder), 0o700, "{}", folder.display());
    assert_files_private(folder)
}

/// Everything in a folder is for its owner only; the names of the files.
pub fn assert_files_private(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut names = Vec::new();
    for path in paths {
        if path.is_dir() {
            names.extend(assert_private(&path));
            continue;
        }
        // One that was replaced or removed meanwhile has no rights.
        if let Ok(file) = fs::symlink_metadata(&path) {
            let mode = file.permissions().mode() & 0o7777;
            assert_eq!(mode, 0o600, "{}", path.display());
            names.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    names
}
