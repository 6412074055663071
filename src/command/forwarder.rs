//! Starts the pipeline from the configured feed to the configured workspace.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use color_eyre::eyre::{Result, eyre};

use crate::amplitude::time;
use crate::config::{Loaded, Settings};
use crate::customerio::Client;
use crate::delivery::spool::{FolderLock, Spool, SpoolError};
use crate::feed::{Feed, WebSocketFeed};
use crate::jetstream::{self, GroupHandle, Joined, Location, SharedFilters};
use crate::pipeline::{Pipeline, Storage, StreamStorage};
use crate::protocol::Author;

use super::key_watch::watch_key_file;

/// Maximum members of a group on one machine with the same configuration.
const MAX_MEMBERS_HERE: u32 = 100;

/// Starts a pipeline on the spool in `folder`. Reads the key file.
pub(super) fn start(loaded: &Loaded, folder: &Path) -> Result<Pipeline> {
    let settings = &loaded.settings;
    let feed = WebSocketFeed::new(settings.feed.clone())?;
    start_on(settings, Box::new(feed), Spool::open(folder)?)
}

/// Starts a pipeline from the configured feed: on the configured spool, or as a member of a group. Returns
/// the folder of its files, too. In a group, the group's filters and mode replace those of the settings.
pub(super) async fn start_configured(loaded: &mut Loaded) -> Result<(Pipeline, PathBuf)> {
    let folder = loaded.settings.spool_folder()?;
    let Ok(location) = Location::parse(&loaded.settings.feed.url) else {
        return Ok((start(loaded, &folder)?, folder));
    };
    let (folder, lock) = free_folder(&folder)?;
    let Joined { feed, ends, handle } = jetstream::join(&loaded.settings.nats, &location).await?;
    share_filters(&mut loaded.settings, &handle).await?;
    tracing::info!(
        member = handle.name(),
        group = location.shown(),
        "joined a group"
    );
    let storage = StreamStorage {
        ends,
        group: handle,
        folder: folder.clone(),
        lock,
    };
    let pipeline = start_on(&loaded.settings, Box::new(feed), Storage::Stream(storage))?;
    Ok((pipeline, folder))
}

fn start_on(
    settings: &Settings,
    feed: Box<dyn Feed>,
    storage: impl Into<Storage>,
) -> Result<Pipeline> {
    let client = Client::new(settings.destination()?)?;
    let mut pipeline = Pipeline::start(settings, feed, &Arc::new(client), storage)?;
    let watch = watch_key_file(pipeline.handle().clone());
    pipeline.run_beside("the watch on the key's file", watch);
    Ok(pipeline)
}

/// Locks the folder of a member's files: the first one that no other member on this machine has.
fn free_folder(first: &Path) -> Result<(PathBuf, FolderLock)> {
    let mut number = 1;
    loop {
        let mut folder = first.as_os_str().to_owned();
        if number > 1 {
            folder.push(format!("-{number}"));
        }
        let folder = PathBuf::from(folder);
        match FolderLock::take(&folder) {
            Err(SpoolError::InUse { .. }) if number < MAX_MEMBERS_HERE => number += 1,
            taken => return Ok((folder, taken?)),
        }
    }
}

/// Takes the filters and the mode from the group. Where it has none, those of the settings become the
/// group's.
async fn share_filters(settings: &mut Settings, group: &GroupHandle) -> Result<()> {
    let mut known = group.connection().filters().await?;
    if known.is_none() {
        let author = Author::here("the configuration");
        let own = SharedFilters {
            mode: settings.gate,
            filters: settings.filters(),
            version: 1,
            author: author.name,
            from: author.from,
            at_ms: time::now(),
        };
        // Another member may have been faster.
        let _ = group.set_filters(&own).await;
        known = group.connection().filters().await?;
    }
    let known = known.ok_or_else(|| eyre!("the group's filters were removed; start again"))?;
    settings.gate = known.shared.mode;
    settings.unseen_types = known.shared.filters.unseen_types;
    settings.types = known.shared.filters.types;
    settings.rules = known.shared.filters.rules;
    group.applies(known.revision, known.shared.version);
    Ok(())
}
