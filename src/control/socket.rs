//! The Unix socket of a running forwarder.

use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

/// Maximum length of a socket's path, in bytes: systems allow 104 to 108.
const MAX_PATH: usize = 100;

/// The socket of the forwarder whose spool is in `folder`: `control.sock` in it, or, where that path
/// is too long for a socket, one in a folder of the user among the temporary files.
pub fn path(folder: &Path) -> PathBuf {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let inside = folder.join("control.sock");
    if inside.as_os_str().len() <= MAX_PATH {
        return inside;
    }
    let mut hasher = rustc_hash::FxHasher::default();
    folder.hash(&mut hasher);
    temporary_folder().join(format!("{:016x}.sock", hasher.finish()))
}

#[cfg(unix)]
fn temporary_folder() -> PathBuf {
    let user = rustix::process::getuid().as_raw();
    std::env::temp_dir().join(format!("sluicegate-{user}"))
}

#[cfg(not(unix))]
fn temporary_folder() -> PathBuf {
    std::env::temp_dir().join("sluicegate")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_too_long_for_a_socket_has_another_place() {
        let short = Path::new("/nonexistent/spool");
        assert_eq!(path(short), short.join("control.sock"));
        let long = |last: &str| path(&Path::new("/nonexistent").join("x".repeat(100)).join(last));
        assert!(long("a").as_os_str().len() <= MAX_PATH);
        assert_ne!(long("a"), long("b"));
    }
}
