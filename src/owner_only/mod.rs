//! Files and folders that only their owner can read, whatever the umask: events name people, and
//! settings contain keys.
//!
//! Every file of this program with events, people, keys or settings is created here. A file that
//! exists and is written again is restricted to mode 0600. Missing folders are created with mode
//! 0700. A folder that exists is the operator's: it is left unchanged, and the log warns where
//! others have access to it.

mod file;
mod folder;
mod rights;
#[cfg(all(test, unix))]
mod tests;

pub use file::{
    beside, create, create_new, new_in_place, open_own, prepare_database, publish, replace,
    replace_durably, sync_folder_of, tighten_path,
};
pub use folder::{create_folder, shared};
