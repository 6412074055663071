//! A peer in Node, with the packages that most would choose. They are installed into a folder of
//! the benchmark's own.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::parts::Places;

const SCRIPT: &str = include_str!("peer.mjs");
const PACKAGES: [&str; 2] = ["ws@8.23.0", "undici@7.30.2"];

/// The peer, ready to run.
pub struct Script(PathBuf);

/// Installs the peer, or tells why it can't run here.
pub fn install() -> Result<Script, String> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("node-peer");
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let script = folder.join("peer.mjs");
    std::fs::write(&script, SCRIPT).map_err(|error| error.to_string())?;
    let npm = Command::new("npm")
        .args(["install", "--silent", "--no-fund", "--no-audit", "--prefix"])
        .arg(&folder)
        .args(PACKAGES)
        .output()
        .map_err(|error| format!("npm: {error}"))?;
    if npm.status.success() {
        Ok(Script(script))
    } else {
        let why = String::from_utf8_lossy(&npm.stderr);
        Err(format!("npm: {}", why.lines().next().unwrap_or("failed")))
    }
}

impl Script {
    pub fn start(&self, places: &Places<'_>, events: u64) -> Child {
        Command::new("node")
            .arg(&self.0)
            .args([places.feed, places.sink, &events.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    }
}
