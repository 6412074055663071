//! The configuration file, the key bindings, and the saved layout.

use crate::program::signal;
use crate::pty::{Terminal, program_without_umask, watch};
use crate::rights;

#[test]
fn the_configuration_is_reloaded_by_a_key_and_by_a_signal() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.toml");
    std::fs::write(&path, "gate = \"shut\"\n").unwrap();
    let mut terminal = watch(&path);
    terminal.shows("SHUT");
    let rule = "[[rules]]\nname = \"fresh\"\neffect = \"exclude\"\nwhen = \"has_user\"\n";
    std::fs::write(&path, format!("gate = \"shut\"\n{rule}")).unwrap();
    terminal.press("\x12");
    terminal.shows("settings reloaded: rules applied");
    terminal.shows("− fresh");
    std::fs::write(&path, "gate = \"dry-run\"\n[delivery]\nattempts = 0\n").unwrap();
    signal("HUP", terminal.child.process_id().unwrap());
    terminal.shows("nothing is changed:");
    std::fs::write(&path, "gate = \"dry-run\"\n").unwrap();
    signal("HUP", terminal.child.process_id().unwrap());
    terminal.shows("DRY RUN");
    terminal.press("q");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn the_layout_is_kept_between_runs_and_keys_can_be_configured() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.toml");
    let keys = "[keys]\ngate = [\"F9\"]\n";
    std::fs::write(&path, format!("gate = \"shut\"\n{keys}")).unwrap();
    let watch = || {
        let mut command = program_without_umask();
        command.args(["watch", "--feed-url", "ws://127.0.0.1:1", "--config"]);
        command.arg(&path);
        command.env("SLUICEGATE_CUSTOMERIO_SITE_ID", "my-site");
        command.env("SLUICEGATE_CUSTOMERIO_API_KEY", "my-secret-key");
        command.env("XDG_STATE_HOME", dir.path());
        Terminal::start(command)
    };
    let mut terminal = watch();
    terminal.shows("SHUT");
    terminal.press("Whas_user\r");
    terminal.escape();
    terminal.shows("has_user");
    terminal.press("\t\\");
    terminal.shows("pane hidden: = resets the layout");
    terminal.press("\x1b[20~");
    terminal.shows("Open the gate?");
    terminal.press("n");
    // A preset goes into the file.
    terminal.press("Ssday\r");
    terminal.shows("“day” saved to");
    let saved = std::fs::read_to_string(&path).unwrap();
    assert!(saved.contains("[presets.day]"), "{saved}");
    terminal.escape();
    terminal.press("q");
    assert_eq!(terminal.ends(), 0);
    drop(terminal);
    // Conditions name people.
    let names = rights::assert_private(&dir.path().join("sluicegate"));
    assert!(
        names.iter().any(|name| name == "screen-my-site.toml"),
        "{names:?}"
    );
    let mut again = watch();
    let text = again.shows("has_user");
    assert!(!text.contains("Violations"), "{text}");
    again.press("S");
    again.shows("active");
    again.escape();
    again.press("q");
    again.ends();
    drop(again);
    // What can't be read is said, and is no reason not to start.
    std::fs::write(
        dir.path().join("sluicegate/screen-my-site.toml"),
        "layout = 3",
    )
    .unwrap();
    let mut odd = watch();
    odd.shows("can't be parsed");
    odd.press("q");
    assert_eq!(odd.ends(), 0);
    // Two things with one key are told before anything starts.
    std::fs::write(&path, "[keys]\ngate = [\"?\"]\n").unwrap();
    let mut wrong = watch();
    wrong.shows("? is already bound to help");
    assert_eq!(wrong.ends(), 2);
}
