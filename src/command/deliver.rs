//! `audit --deliver`: sends what did not arrive through the pipeline, as `backfill` does.

use std::fs::{File, TryLockError};
use std::io::{BufWriter, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use color_eyre::eyre::{Result, WrapErr as _, bail};

use crate::audit::{Chosen, Deliver, EventFiles, Report, Selector};
use crate::cli::Audit;
use crate::config::{Loaded, Needs};
use crate::delivery::spool;
use crate::delivery::spool::dead_letters::DeadLetters;
use crate::feed::replay::{ReplayOptions, Speed};
use crate::filter::Mode;
use crate::owner_only;
use crate::text::grouped;

use super::backfill::{Playback, own_spool};
use super::config_source::ConfigSource;
use super::problems;
use super::progress::ProgressBar;

/// The name of the file with the selected events, in the spool of playbacks.
const FILE: &str = "deliver.ndjson";

/// A delivery that was checked before the audit.
pub(super) struct Delivery {
    loaded: Loaded,
    /// The spool of playbacks.
    spool: PathBuf,
    /// The file for the selected events. Its lock refuses a second delivery at the same time.
    file: SelectedFile,
}

impl Delivery {
    /// Loads the settings, and checks that the delivery can be made.
    pub(super) fn prepare(args: &Audit, source: ConfigSource) -> Result<Self> {
        let loaded = source.load(&args.delivery_flags())?;
        let needs = Needs {
            feed: false,
            destination: true,
        };
        problems::refuse(&loaded, needs)?;
        if loaded.settings.gate == Mode::Open && !loaded.settings.ledger.enabled {
            bail!(
                "the ledger is off: set ledger.enabled = true, or the audit can't see what is delivered"
            );
        }
        let spool = own_spool(&loaded.settings)?;
        let file = SelectedFile::create(&spool)?;
        if let Some(pid) = spool::owner(&spool) {
            bail!(
                "process {pid} plays events to this workspace (backfill --play); wait for its end, and audit again"
            );
        }
        Ok(Self {
            loaded,
            spool,
            file,
        })
    }

    /// Delivers the chosen events, and tells before and after. Returns whether the ledger may have
    /// changed.
    pub(super) async fn deliver(
        mut self,
        chosen: Chosen,
        report: &Report,
        files: EventFiles,
    ) -> Result<bool> {
        let settings = &self.loaded.settings;
        let (is_open, max_event_bytes) = (settings.gate == Mode::Open, files.max_event_bytes);
        say_plan(&chosen);
        // An earlier delivery may have been ended before it was through.
        let left = match (is_open && report.total.waiting > 0, &self.spool) {
            (true, folder) => queued_in(folder)?,
            (false, _) => 0,
        };
        if left > 0 {
            complain!(
                "{} events of an earlier delivery are sent first",
                grouped(left)
            );
        }
        if chosen.is_empty() && left == 0 {
            complain!("nothing is delivered");
            return Ok(false);
        }
        if let Some(pid) = spool::owner(&settings.spool_folder()?) {
            complain!(
                "process {pid} forwards to this workspace, and can go on meanwhile. This delivery takes the filters of the configuration: save the filters there first (S) if they were changed on its screen"
            );
        }
        let wanted = chosen.len();
        let selecting = tokio::task::spawn_blocking(move || {
            let found = self.file.select(&files, chosen)?;
            Ok::<_, color_eyre::Report>((self, found))
        });
        let (delivery, found) = selecting.await??;
        if found < wanted {
            complain!(
                "{} events are no longer in the files, which were changed meanwhile",
                grouped(wanted - found)
            );
        }
        delivery.play(max_event_bytes).await?;
        if !is_open {
            complain!("nothing was sent: the gate was not open. To send: --gate open");
        }
        Ok(is_open)
    }

    async fn play(self, max_event_bytes: usize) -> Result<()> {
        let playing = ReplayOptions {
            speed: Speed::Max,
            repeat: false,
            max_event_bytes,
        };
        let files = vec![self.file.path.clone()];
        let playback = Playback::of(files, playing, self.loaded).await?;
        let (summary, played) = Box::pin(playback.run()).await?;
        complain!("{}", summary.text().trim_end());
        played
    }
}

/// Tells what is to be delivered.
fn say_plan(chosen: &Chosen) {
    let count = |(kind, count): (Deliver, u64)| format!("{} {}", grouped(count), kind.name());
    let counts: Vec<String> = chosen.counts().map(count).collect();
    complain!(
        "to deliver: {} events ({}), of which today's filters accept {}",
        grouped(chosen.len()),
        counts.join("; "),
        grouped(chosen.accepted())
    );
    if chosen.left_out() > 0 {
        complain!(
            "{} dead letters are left out: today's filters do not accept them",
            grouped(chosen.left_out())
        );
    }
}

/// Number of items in the spool in `folder`.
fn queued_in(folder: &Path) -> Result<u64> {
    let Some(letters) = DeadLetters::open(folder)? else {
        return Ok(0);
    };
    let status = letters.spool_status();
    Ok(status.wrap_err("cannot read the spool")?.items)
}

/// The file with the selected events. It is removed when this is dropped; one that a killed process
/// left is overwritten.
struct SelectedFile {
    path: PathBuf,
    file: File,
}

impl SelectedFile {
    fn create(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let failed = || format!("cannot write {}", path.display());
        owner_only::create_folder(folder).wrap_err_with(failed)?;
        let file = owner_only::open_own(&path).wrap_err_with(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!("another audit delivers to this workspace; wait for its end, and audit again")
            }
            Err(TryLockError::Error(error)) => {
                tracing::warn!("{} can't be locked: {error}", path.display());
            }
        }
        file.set_len(0).wrap_err_with(failed)?;
        Ok(Self { path, file })
    }

    /// Writes the chosen events of the files to it. Returns their number.
    fn select(&mut self, files: &EventFiles, chosen: Chosen) -> Result<u64> {
        // One thread, so that events of the same time keep their order.
        let mut worker = [(Selector::new(chosen), None)];
        let bar = ProgressBar::new();
        let draw = |done| {
            bar.draw(done, files.paths.len(), "files searched");
            ControlFlow::Continue(())
        };
        let read = files.read(
            &mut worker,
            &draw,
            |(selector, failed), event| match selector.add(event) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    *failed = Some(error);
                    ControlFlow::Break(())
                }
            },
        );
        bar.end();
        read?;
        let [(selector, failed)] = worker;
        let failure = || format!("cannot write {}", self.path.display());
        failed.map_or(Ok(()), Err).wrap_err_with(failure)?;
        let count = selector.count;
        let mut out = BufWriter::new(&self.file);
        selector.write(&mut out).wrap_err_with(failure)?;
        out.flush().wrap_err_with(failure)?;
        Ok(count)
    }
}

impl Drop for SelectedFile {
    fn drop(&mut self) {
        // A file that stays is overwritten the next time.
        let _ = std::fs::remove_file(&self.path);
    }
}
