//! Loads the settings: defaults, then the file, then the environment, then flags.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::error::ConfigError;
use super::layers::Layers;
use super::loaded::Loaded;
use super::origin::Origin;
use crate::amplitude::byte_order_mark;
use crate::network::Proxies;

/// A value from the command line: path of the setting, flag, value.
pub type Flag = (&'static str, &'static str, String);

/// Loads the settings, which reads files and blocks. A missing `file` is an error only if the
/// operator named it (`asked`).
pub fn load(
    file: Option<PathBuf>,
    asked: bool,
    environment: impl Iterator<Item = (String, String)>,
    flags: &[Flag],
) -> Result<Loaded, ConfigError> {
    let environment: BTreeMap<String, String> = environment.collect();
    let proxies = Proxies::from_variables(|name| environment.get(name).cloned());
    let mut layers = Layers::of_defaults();
    if let Some(path) = &file {
        match std::fs::read_to_string(path) {
            Ok(text) => layers.add_file(path, byte_order_mark::without(&text))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !asked => {}
            Err(source) => {
                return Err(ConfigError::File {
                    what: "the configuration",
                    path: path.clone(),
                    source,
                });
            }
        }
    }
    layers.add_environment(environment.into_iter())?;
    for (path, flag, text) in flags {
        layers.set_text(path, text, Origin::Flag((*flag).to_owned()));
    }
    let settings = layers.settings()?;
    Ok(Loaded {
        settings,
        path: file,
        origins: layers.origins,
        stray: layers.stray,
        proxy: proxies.err(),
    })
}
