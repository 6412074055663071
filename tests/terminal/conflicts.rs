//! Two people who change the filters of one forwarder at the same time.

use std::fs;
use std::path::PathBuf;

use crate::program::sluicegate;
use crate::pty::{Terminal, program_without_umask};

/// A forwarder with a screen of its own, at which `olga` sits.
struct Bench {
    folder: tempfile::TempDir,
    olga: Terminal,
}

impl Bench {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("s.toml");
        fs::write(&config, configuration("on")).unwrap();
        let mut command = program_without_umask();
        command.args(["watch", "--feed-url", "ws://127.0.0.1:1", "--config"]);
        command.arg(&config);
        command.env("SLUICEGATE_SPOOL_FOLDER", folder.path().join("spool"));
        command.env("SLUICEGATE_CUSTOMERIO_SITE_ID", "my-site");
        command.env("SLUICEGATE_CUSTOMERIO_API_KEY", "my-secret-key");
        command.env("USER", "olga");
        let olga = Terminal::start(command);
        olga.shows("Signup");
        let bench = Self { folder, olga };
        let socket = bench.spool().join("control.sock");
        bench.olga.waits_for("it listens", |_| socket.exists());
        bench
    }

    fn spool(&self) -> PathBuf {
        self.folder.path().join("spool")
    }

    fn attach(&self, user: &str) -> Terminal {
        let mut command = program_without_umask();
        command.args(["attach", "--spool"]);
        command.arg(self.spool());
        command.env("USER", user);
        let attached = Terminal::start(command);
        attached.shows("Signup");
        attached
    }

    /// Runs `ctl` as `carl`. Returns its output.
    fn ctl(&self, args: &[&str]) -> String {
        let mut command = sluicegate();
        command.args(["ctl", "--spool"]).arg(self.spool());
        let output = command.args(args).env("USER", "carl").output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        text(&output.stdout) + &text(&output.stderr)
    }

    fn shows_filters(&self, version: &str, lines: [&str; 2]) {
        let shown = self.ctl(&["filters", "show"]);
        for expected in [version].iter().chain(&lines) {
            assert!(shown.contains(expected), "{expected} is not in\n{shown}");
        }
    }
}

fn configuration(purchase: &str) -> String {
    format!("[types]\n\"Purchase\" = \"{purchase}\"\n\"Signup\" = \"on\"\n")
}

/// Drafts a change of the first type, Purchase, or of the second, Signup.
fn draft(at: &mut Terminal, is_second: bool) {
    at.press(if is_second { "fj " } else { "f " });
    at.shows("not applied");
}

#[test]
fn the_screen_of_the_forwarder_and_an_attached_one_overwrite_nothing_of_each_other() {
    let mut bench = Bench::start();
    let mut ann = bench.attach("ann");
    draft(&mut bench.olga, false);
    draft(&mut ann, true);
    ann.press("\r");
    ann.shows("Applied: Signup off");
    bench.olga.shows("the filters were changed since");
    bench.olga.press("\r");
    let screen = bench
        .olga
        .shows("The filters were changed since your draft was opened");
    for expected in [
        "ann (the control socket)",
        "now version 2",
        "Signup off",
        "Purchase off",
    ] {
        assert!(screen.contains(expected), "{expected} is not in\n{screen}");
    }
    bench.shows_filters("# version 2", ["Purchase = \"on\"", "Signup = \"off\""]);
    bench.olga.press("a");
    bench.olga.shows("Applied: Purchase off");
    ann.shows("olga (the screen): filters: Purchase off");
    bench.shows_filters("# version 3", ["Purchase = \"off\"", "Signup = \"off\""]);

    // The other way round; the draft is discarded.
    draft(&mut ann, true);
    bench.olga.press("u");
    bench.olga.shows("Undone: Purchase on");
    ann.shows("the filters were changed since");
    ann.press("\r");
    let screen = ann.shows("The filters were changed since your draft was opened");
    assert!(screen.contains("olga (the screen)"), "{screen}");
    ann.press("D");
    ann.shows("draft discarded");
    bench.shows_filters("# version 4", ["Purchase = \"on\"", "Signup = \"off\""]);
    ann.press("q");
    assert_eq!(ann.ends(), 0);
}

#[test]
fn two_attached_screens_overwrite_nothing_of_each_other() {
    let bench = Bench::start();
    let mut ann = bench.attach("ann");
    let mut bob = bench.attach("bob");
    draft(&mut ann, false);
    draft(&mut bob, false);
    bob.press("j \r");
    bob.shows("Applied: Purchase off, Signup off");
    ann.shows("the filters were changed since");
    ann.press("\r");
    let screen = ann.shows("Changed by others, now version 2");
    assert!(screen.contains("they did the same"), "{screen}");
    // Both changed it in the same way: nothing is left to apply.
    ann.press("a");
    ann.shows("the draft is closed");
    bench.shows_filters("# version 2", ["Purchase = \"off\"", "Signup = \"off\""]);
    // Whoever undoes takes back only what they changed.
    draft(&mut ann, true);
    ann.press("\r");
    ann.shows("Applied: Signup on");
    bob.shows("ann (the control socket): filters: Signup on");
    bob.press("u");
    bob.shows("Undone: Purchase on");
    bench.shows_filters("# version 4", ["Purchase = \"on\"", "Signup = \"on\""]);
}

#[test]
fn a_reload_is_a_change_that_a_draft_does_not_overwrite() {
    let bench = Bench::start();
    let mut ann = bench.attach("ann");
    draft(&mut ann, true);
    fs::write(bench.folder.path().join("s.toml"), configuration("off")).unwrap();
    bench.ctl(&["reload"]);
    ann.shows("the filters were changed since");
    ann.press("\r");
    let screen = ann.shows("Changed by others, now version 2");
    assert!(screen.contains("(the configuration)"), "{screen}");
    assert!(screen.contains("Purchase off"), "{screen}");
    ann.press("e");
    ann.waits_for("it is of the newest", |text| {
        !text.contains("changed since")
    });
    ann.press("\r");
    ann.shows("Applied: Signup off");
    bench.shows_filters("# version 3", ["Purchase = \"off\"", "Signup = \"off\""]);
    // A script with an older version changes nothing.
    let file = bench.folder.path().join("filters.toml");
    fs::write(&file, "unseen_types = \"off\"\n").unwrap();
    let file = file.display().to_string();
    let refused = bench.ctl(&["filters", "apply", &file, "--base", "2"]);
    assert!(refused.contains("changed meanwhile by ann"), "{refused}");
    bench.shows_filters("# version 3", ["Purchase = \"off\"", "Signup = \"off\""]);
}
