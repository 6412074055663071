//! Finds the spool that a command is about.

use std::path::PathBuf;

use color_eyre::eyre::{Result, bail};

use super::config_source::ConfigSource;
use crate::cli::SpoolFolder;
use crate::config::{Flag, state_folder};

/// Returns the folder of the spool that the flag names, else that of the settings.
pub(super) fn spool_folder(named: SpoolFolder, source: ConfigSource) -> Result<PathBuf> {
    let flag = named
        .folder
        .map(|folder| ("spool.folder", "--spool", folder));
    let flags: Vec<Flag> = flag.into_iter().collect();
    let settings = source.load(&flags)?.settings;
    if settings.spool.folder.is_empty() && settings.customerio.site_id.is_empty() {
        let there = usual_spools();
        let there = match there.as_slice() {
            [] => "there is none yet in the default folder".to_owned(),
            all => format!("there: {}", all.join(", ")),
        };
        bail!(
            "cannot tell which spool is meant, as customerio.site_id is not set: name the configuration with --config, or a spool folder with --spool ({there})"
        );
    }
    Ok(settings.spool_folder()?)
}

/// Returns the spools in the default folder.
fn usual_spools() -> Vec<String> {
    let Some(entries) = state_folder().and_then(|folder| std::fs::read_dir(folder).ok()) else {
        return Vec::new();
    };
    let folders = entries.flatten().map(|entry| entry.path());
    let is_spool = |path: &PathBuf| path.join("spool.db").exists();
    let mut spools: Vec<String> = folders
        .filter(is_spool)
        .map(|path| path.display().to_string())
        .collect();
    spools.sort();
    spools
}
