//! What `doctor` says of the terminal: its clipboard and its mouse.

use portable_pty::CommandBuilder;

use crate::program::sluicegate;
use crate::pty::Terminal;

/// `doctor` in a terminal of its own, after a shell has run `first`.
fn doctor(first: &str) -> Terminal {
    let mut command = CommandBuilder::new("sh");
    let program = env!("CARGO_BIN_EXE_sluicegate");
    command.args(["-c", &format!("{first} exec {program} doctor --timeout 2s")]);
    for name in [
        "DISPLAY",
        "TMUX",
        "STY",
        "SSH_TTY",
        "SSH_CONNECTION",
        "TERM_PROGRAM",
    ] {
        command.env_remove(name);
    }
    command.env("LANG", "C.UTF-8");
    Terminal::start(command)
}

#[test]
fn doctor_says_where_copied_text_goes_and_who_has_the_mouse() {
    let no_clipboard = "warning      terminal.clipboard";
    for (first, clipboard, mouse) in [
        (
            "",
            "ok           terminal.clipboard      that of the terminal (OSC 52)",
            "ok           terminal.mouse          used by the screen",
        ),
        (
            "SSH_TTY=/dev/pts/1",
            "that of the terminal, through SSH (OSC 52)",
            "ok           terminal.mouse",
        ),
        (
            "SLUICEGATE_SCREEN_MOUSE=false TERM=linux",
            "this terminal has no clipboard",
            "ok           terminal.mouse          left to the terminal (screen.mouse)",
        ),
        (
            "TERM=linux",
            no_clipboard,
            "warning      terminal.mouse          a terminal of the kind linux has none",
        ),
        (
            "STY=1.pts",
            "GNU screen keeps copied text",
            "ok           terminal.mouse",
        ),
        (
            "TERM_PROGRAM=Apple_Terminal",
            "Apple's Terminal takes no text",
            "terminal.mouse",
        ),
        // A desktop that isn't there.
        (
            "DISPLAY=:97",
            "that of this desktop can't be used",
            "terminal.mouse",
        ),
    ] {
        let mut terminal = doctor(first);
        let text = terminal.shows("21 checks: ");
        assert!(text.contains(clipboard), "{first}: {clipboard}\n{text}");
        assert!(text.contains(mouse), "{first}: {mouse}\n{text}");
        // Without settings the configuration has failed.
        assert_eq!(terminal.ends(), 1);
    }
}

#[test]
fn without_a_terminal_there_is_no_clipboard_to_check() {
    let output = sluicegate().arg("doctor").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let says = "not checked  terminal.clipboard      standard output is no terminal";
    assert!(text.contains(says), "{text}");
}

#[test]
#[ignore = "needs tmux: .ci/interop"]
fn doctor_reads_whether_tmux_passes_copied_text_on() {
    let dir = tempfile::tempdir().unwrap();
    for (option, says) in [
        ("on", "that of the terminal, through tmux"),
        (
            "off",
            "tmux keeps copied text from the terminal: set-clipboard is off",
        ),
        ("external", "set-clipboard is external"),
    ] {
        let config = dir.path().join(option);
        std::fs::write(&config, format!("set -s set-clipboard {option}\n")).unwrap();
        let program = env!("CARGO_BIN_EXE_sluicegate");
        let mut command = CommandBuilder::new("tmux");
        command.env_remove("DISPLAY");
        command.env_remove("TMUX");
        command.env("TMUX_TMPDIR", dir.path());
        command.env("LANG", "C.UTF-8");
        let inside = format!("{program} doctor --timeout 5s; sleep 20");
        let config = config.display().to_string();
        command.args(["-L", option, "-f", &config, "new-session", &inside]);
        let terminal = Terminal::start(command);
        terminal.shows(says);
        drop(terminal);
        let mut kill = std::process::Command::new("tmux");
        kill.env("TMUX_TMPDIR", dir.path());
        assert!(
            kill.args(["-L", option, "kill-server"])
                .status()
                .unwrap()
                .success()
        );
    }
}
