//! The terminal: size, colours and characters, clipboard and mouse.

use std::io::IsTerminal as _;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::report::{Check, Report};
use crate::config::Settings;
use crate::tui::terminal::clipboard::System;

const NAME: &str = "terminal";
const CLIPBOARD: &str = "terminal.clipboard";
const MOUSE: &str = "terminal.mouse";

pub(super) async fn check(settings: Option<&Settings>, limit: Duration, report: &mut Report) {
    if !std::io::stdout().is_terminal() {
        let why = "standard output is none, so that no screen can open there";
        report.add(Check::ok(NAME, why));
        for name in [CLIPBOARD, MOUSE] {
            report.add(Check::not_checked(name, "standard output is no terminal"));
        }
        return;
    }
    report.add(size_and_characters());
    report.add(clipboard(limit).await);
    report.add(mouse(settings.is_none_or(|settings| settings.screen.mouse)));
}

fn size_and_characters() -> Check {
    let (width, height) = crossterm::terminal::size().unwrap_or_default();
    let colours = match (variable("COLORTERM").as_str(), variable("TERM")) {
        _ if !variable("NO_COLOR").is_empty() => "no colours (NO_COLOR)",
        ("truecolor" | "24bit", _) => "24-bit colours",
        (_, term) if term.contains("256color") => "256 colours",
        _ => "16 colours",
    };
    let detail = format!("{width}×{height}, {colours}");
    let names = ["LC_ALL", "LC_CTYPE", "LANG"];
    let locale = names
        .into_iter()
        .map(variable)
        .find(|value| !value.is_empty());
    let locale = locale.unwrap_or_default().to_ascii_lowercase();
    if width < 80 || height < 24 {
        return Check::warning(NAME, detail, "enlarge the terminal to 80×24 or more");
    }
    if !locale.contains("utf-8") && !locale.contains("utf8") {
        return Check::warning(
            NAME,
            format!("{detail}, not UTF-8"),
            "use --ascii, or set LANG to a UTF-8 locale",
        );
    }
    Check::ok(NAME, detail)
}

/// Where copied text goes: to the desktop, or to the terminal by OSC 52, which it does not confirm.
async fn clipboard(limit: Duration) -> Check {
    if System::is_here() {
        let opening = tokio::task::spawn_blocking(System::can_be_used);
        return match timeout(limit, opening).await {
            Ok(Ok(Ok(()))) => Check::ok(CLIPBOARD, "that of this desktop"),
            Ok(Ok(Err(why))) => Check::warning(
                CLIPBOARD,
                format!("that of this desktop can't be used: {why}"),
                "check DISPLAY or WAYLAND_DISPLAY: exports (X) write files meanwhile",
            ),
            _ => Check::warning(
                CLIPBOARD,
                format!("that of this desktop does not answer within {limit:?}"),
                "check DISPLAY or WAYLAND_DISPLAY: exports (X) write files meanwhile",
            ),
        };
    }
    if !variable("TMUX").is_empty() {
        return tmux_clipboard(limit).await;
    }
    let is_over_ssh = !variable("SSH_CONNECTION").is_empty() || !variable("SSH_TTY").is_empty();
    let place = if is_over_ssh { ", through SSH" } else { "" };
    let (why, advice) = match (variable("TERM").as_str(), variable("TERM_PROGRAM").as_str()) {
        ("linux" | "dumb" | "vt100" | "vt220", _) => (
            "this terminal has no clipboard",
            "use a terminal emulator, or export to files (X)",
        ),
        _ if !variable("STY").is_empty() => (
            "GNU screen keeps copied text from the terminal",
            "use tmux, or give the mouse to the terminal (M) and select with it",
        ),
        (_, "Apple_Terminal") => (
            "Apple's Terminal takes no text from programs (OSC 52)",
            "use a terminal that does, as iTerm2 or kitty, or give it the mouse (M) and select",
        ),
        _ => {
            return Check::ok(
                CLIPBOARD,
                format!(
                    "that of the terminal{place} (OSC 52), if its settings let programs write it"
                ),
            );
        }
    };
    Check::warning(CLIPBOARD, why, advice)
}

/// tmux passes copied text on only if its option says so.
async fn tmux_clipboard(limit: Duration) -> Check {
    let asked = Command::new("tmux")
        .args(["show-options", "-s", "-v", "set-clipboard"])
        .kill_on_drop(true)
        .output();
    match timeout(limit, asked).await {
        Ok(Ok(output)) if output.status.success() => {
            let value = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            if value == "on" {
                return Check::ok(CLIPBOARD, "that of the terminal, through tmux (OSC 52)");
            }
            Check::warning(
                CLIPBOARD,
                format!("tmux keeps copied text from the terminal: set-clipboard is {value}"),
                "run tmux set -s set-clipboard on, and write set -s set-clipboard on into ~/.tmux.conf",
            )
        }
        _ => Check::warning(
            CLIPBOARD,
            "tmux does not say whether it passes copied text on",
            "write set -s set-clipboard on into ~/.tmux.conf",
        ),
    }
}

fn mouse(is_wanted: bool) -> Check {
    if !is_wanted {
        return Check::ok(MOUSE, "left to the terminal (screen.mouse); M takes it");
    }
    match variable("TERM").as_str() {
        term @ ("linux" | "dumb" | "vt100" | "vt220") => Check::warning(
            MOUSE,
            format!("a terminal of the kind {term} has none"),
            "use the keys; terminal emulators have a mouse",
        ),
        _ => Check::ok(MOUSE, "used by the screen; M gives it to the terminal"),
    }
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}
