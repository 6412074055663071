//! A start on a spool that a running forwarder has open: says so, and offers to attach to that one.

use std::io::{self, IsTerminal as _, stdin, stdout};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use color_eyre::eyre::{Report, Result, bail};
use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::{event, terminal};
use serde_json::Value;

use crate::amplitude::time::{self, UnixMs};
use crate::blocking;
use crate::config::Settings;
use crate::control::client::{Client, ClientError, Place};
use crate::control::mirror::Transfer;
use crate::control::socket;
use crate::delivery::spool::SpoolError;
use crate::text::duration;

use super::attach;
use super::output::printable;
use super::ssh_bridge::quoted;

/// Maximum time for the running forwarder to say who it is.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// The forwarder that runs already.
struct Running {
    client: Client,
    workspace: String,
    started_ms: UnixMs,
}

/// Handles an error of the start. If a running forwarder has the spool open, offers to attach to it
/// with these settings, or without a terminal says how. Any other error is returned.
pub(super) async fn offer(error: Report, settings: &Settings) -> Result<ExitCode> {
    let Some(SpoolError::InUse { pid, folder }) = error.downcast_ref() else {
        return Err(error);
    };
    let asked = tokio::time::timeout(ANSWER_TIMEOUT, Running::find(folder)).await;
    // One without a control socket, and one that hangs, can't be attached to.
    let Ok(Ok(running)) = asked else {
        return Err(error);
    };
    let found = running.describe(pid, folder);
    if !(stdin().is_terminal() && stdout().is_terminal()) {
        bail!(
            "{found}; `sluicegate attach --spool {}` opens a screen on it; to start another, end it first or set spool.folder",
            quoted(&folder.display().to_string())
        );
    }
    complain!("sluicegate: {found}");
    complain!("Enter  attach a screen to it (it keeps its settings)    Esc  quit");
    if blocking::run(is_accepted).await? {
        return attach::attach_to(running.client, settings, Transfer::default()).await;
    }
    Ok(ExitCode::from(2))
}

impl Running {
    /// Asks the forwarder on the socket of `folder`, of whatever version it is.
    async fn find(folder: &Path) -> Result<Self, ClientError> {
        let client = Client::new(Place::Socket(socket::path(folder)), None)?;
        let about: Value = client.get("/v1/about").await?;
        let forwarder = &about["forwarder"];
        let workspace = forwarder["workspace"].as_str().unwrap_or_default();
        Ok(Self {
            client,
            workspace: printable(workspace),
            started_ms: forwarder["started_ms"].as_i64().unwrap_or_default(),
        })
    }

    fn describe(&self, pid: &str, folder: &Path) -> String {
        let since = time::to_rfc3339(self.started_ms.div_euclid(1_000) * 1_000);
        let age = duration((time::now() - self.started_ms).max(0));
        format!(
            "a forwarder of {} runs already: process {}, since {since} ({age}), spool {}",
            self.workspace,
            printable(pid),
            folder.display()
        )
    }
}

/// Waits for a key on the terminal. Returns whether the offer was accepted.
fn is_accepted() -> io::Result<bool> {
    let _raw = RawMode::enter()?;
    loop {
        if let Event::Key(key) = event::read()?
            && let Some(answer) = answer(key)
        {
            return Ok(answer);
        }
    }
}

/// The answer that a key gives; none if it gives no answer.
fn answer(key: KeyEvent) -> Option<bool> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    match key.code {
        KeyCode::Enter => Some(true),
        KeyCode::Esc | KeyCode::Char('q') => Some(false),
        KeyCode::Char('c' | 'd') if key.modifiers.contains(KeyModifiers::CONTROL) => Some(false),
        _ => None,
    }
}

/// The terminal without line editing, until this is dropped.
struct RawMode;

impl RawMode {
    fn enter() -> io::Result<Self> {
        terminal::enable_raw_mode()?;
        Ok(Self)
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        // A closed terminal can't be restored.
        let _ = terminal::disable_raw_mode();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enter_attaches_esc_quits_and_other_keys_do_nothing() {
        let key = |code, modifiers| answer(KeyEvent::new(code, modifiers));
        let none = KeyModifiers::NONE;
        assert_eq!(key(KeyCode::Enter, none), Some(true));
        assert_eq!(key(KeyCode::Esc, none), Some(false));
        let control = KeyModifiers::CONTROL;
        assert_eq!(key(KeyCode::Char('c'), control), Some(false));
        for code in [KeyCode::Char('c'), KeyCode::Char(' '), KeyCode::Down] {
            assert_eq!(key(code, none), None, "{code:?}");
        }
    }
}
