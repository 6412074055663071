//! Names the commit and the kind of this build, for `sluicegate --version`.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=BUILD_COMMIT");
    let profile = std::env::var("PROFILE").unwrap_or_default();
    // A debug build doesn't name its commit: each commit would compile everything again.
    let commit = if profile == "release" { commit() } else { None };
    let build = match commit {
        Some(commit) => format!("{commit}, {profile} build"),
        None => format!("{profile} build"),
    };
    let version = std::env::var("CARGO_PKG_VERSION").unwrap_or_default();
    println!("cargo::rustc-env=BUILD_VERSION={version} ({build})");
}

/// Returns the commit: the one that the packager names, else that of a packed crate, else git's.
fn commit() -> Option<String> {
    let named = std::env::var("BUILD_COMMIT").ok();
    let found = named.or_else(of_package).or_else(of_git)?;
    let is_hex = found.len() >= 7 && found.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| found.chars().take(12).collect())
}

/// Returns the commit that `cargo package` has written into the crate.
fn of_package() -> Option<String> {
    let text = std::fs::read_to_string(".cargo_vcs_info.json").ok()?;
    let (_, after) = text.split_once("\"sha1\"")?;
    after.split('"').nth(1).map(str::to_owned)
}

/// Returns the commit of the checkout that this folder is the root of.
fn of_git() -> Option<String> {
    if !Path::new(".git").exists() {
        return None;
    }
    println!("cargo::rerun-if-changed=.git/logs/HEAD");
    let output = Command::new("git")
        .args(["rev-parse", "HEAD"])
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
