//! Permissions of the files that the program creates.
#![allow(dead_code, reason = "each test uses some of these fixtures")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns the command with a umask of 000. It is set in a shell, as a umask of this process would
/// apply to all of its tests.
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

/// Returns the permissions of a file.
pub fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Gives everybody all permissions.
pub fn open_to_all(path: &Path) {
    let rights = if path.is_dir() { 0o777 } else { 0o666 };
    fs::set_permissions(path, Permissions::from_mode(rights)).unwrap();
}

/// Asserts that a folder and everything in it is readable by its owner only. Returns the file names.
pub fn assert_private(folder: &Path) -> Vec<String> {
    assert_eq!(mode(folder), 0o700, "{}", folder.display());
    assert_files_private(folder)
}

/// Asserts that everything in a folder is readable by its owner only. Returns the file names.
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
        // A file may be replaced or removed meanwhile.
        if let Ok(file) = fs::symlink_metadata(&path) {
            let mode = file.permissions().mode() & 0o7777;
            assert_eq!(mode, 0o600, "{}", path.display());
            names.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    names
}
