//! Starts the pipeline from the configured feed to the configured workspace.

use std::path::Path;
use std::sync::Arc;

use color_eyre::eyre::Result;

use crate::config::Loaded;
use crate::customerio::Client;
use crate::delivery::spool::Spool;
use crate::feed::WebSocketFeed;
use crate::pipeline::Pipeline;

use super::key_watch::watch_key_file;

/// Starts a pipeline on the spool in `folder`. Reads the key file.
pub(super) fn start(loaded: &Loaded, folder: &Path) -> Result<Pipeline> {
    let settings = &loaded.settings;
    let feed = WebSocketFeed::new(settings.feed.clone())?;
    let client = Client::new(settings.destination()?)?;
    let spool = Spool::open(folder)?;
    let mut pipeline = Pipeline::start(settings, Box::new(feed), &Arc::new(client), spool)?;
    let watch = watch_key_file(pipeline.handle().clone());
    pipeline.run_beside("the watch on the key's file", watch);
    Ok(pipeline)
}
