//! A forwarder as a process, and `ctl` on its socket.

use std::fs;
use std::process::{Child, Output};

use serde_json::Value;
use sluicegate::control::socket;
use sluicegate::customerio::sandbox::Faults;
use sluicegate::feed::server::Server;

use crate::common::{event, feed, sandbox, until};
use crate::forwarder::{ended, forwarder};
use crate::program::{signal, sluicegate};

/// A forwarder between a feed and a sandbox.
pub struct Bench {
    pub feed: Server,
    pub sandbox: sluicegate::customerio::sandbox::Sandbox,
    dir: tempfile::TempDir,
    pub child: Option<Child>,
}

impl Bench {
    pub async fn start(more: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (feed, sandbox) = (feed().await, sandbox(Faults::default()).await);
        let spool = dir.path().join("spool");
        let mut command = forwarder(&feed.url(), &sandbox.url(), &spool, more);
        let child = command.spawn().unwrap();
        let bench = Self {
            feed,
            sandbox,
            dir,
            child: Some(child),
        };
        until("it listens and reads the feed", || {
            socket::path(&bench.spool()).exists() && bench.feed.clients() > 0
        })
        .await;
        bench
    }

    pub fn spool(&self) -> std::path::PathBuf {
        self.dir.path().join("spool")
    }

    /// `ctl` on its socket, as the user `ann`.
    pub fn ctl(&self, args: &[&str]) -> Output {
        let mut command = sluicegate();
        command
            .args(["ctl", "--spool"])
            .arg(self.spool())
            .args(args)
            .env("USER", "ann");
        command.output().unwrap()
    }

    /// Writes filters into a file.
    pub fn filters(&self, toml: &str) -> String {
        let path = self.dir.path().join("filters.toml");
        fs::write(&path, toml).unwrap();
        path.display().to_string()
    }

    pub async fn publish(&self, person: &str, numbers: std::ops::Range<u64>) {
        for number in numbers {
            self.feed.publish(&event(person, number)).await;
        }
    }

    /// Waits until it has received so many events.
    pub async fn received(&self, count: u64) {
        until("the events are received", || {
            json_of(&self.ctl(&["status", "--format", "json"]))["totals"]["received"] == count
        })
        .await;
    }

    pub async fn end(&mut self) -> Output {
        let child = self.child.take().unwrap();
        signal("TERM", child.id());
        ended(child).await
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
        }
    }
}

pub fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

pub fn is_done(output: &Output) -> bool {
    assert!(output.status.success(), "{output:?}");
    true
}
