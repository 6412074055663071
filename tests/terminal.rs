//! The screen in a pseudo-terminal, played by keys as an operator would.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]
#![cfg(unix)]

#[path = "common/program.rs"]
mod program;
#[path = "common/rights.rs"]
mod rights;

use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use program::{get, post, replay, run_on, sandbox, signal, state_home};

/// The program in a terminal of its own.
struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    /// Until it is closed.
    window: Option<Window>,
    screen: Arc<Mutex<vt100::Parser>>,
    raw: Arc<Mutex<Vec<u8>>>,
}

struct Window {
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    /// Reads what the program writes, until it is told that the window closes.
    reader: JoinHandle<()>,
    closes: Arc<AtomicBool>,
}

const SIZE: PtySize = PtySize {
    rows: 34,
    cols: 120,
    pixel_width: 0,
    pixel_height: 0,
};

/// The program where the umask takes no rights away: what it writes is private all the same.
fn program_without_umask() -> CommandBuilder {
    let mut command = CommandBuilder::new("sh");
    command.args(["-c", "umask 000 && exec \"$@\"", "sh"]);
    command.arg(env!("CARGO_BIN_EXE_sluicegate"));
    command
}

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).unwrap()
}

impl Terminal {
    fn open(args: &[&str]) -> Self {
        let mut command = program_without_umask();
        command.args(args);
        Self::start(command)
    }

    fn start(mut command: CommandBuilder) -> Self {
        command.env("TERM", "xterm-256color");
        command.env("XDG_CONFIG_HOME", "/nonexistent");
        if command.get_env("XDG_STATE_HOME").is_none() {
            command.env("XDG_STATE_HOME", state_home());
        }
        let pair = native_pty_system().openpty(SIZE).unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let screen = Arc::new(Mutex::new(vt100::Parser::new(
            cells(SIZE.rows),
            cells(SIZE.cols),
            0,
        )));
        let raw = Arc::new(Mutex::new(Vec::new()));
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (to_screen, to_raw) = (screen.clone(), raw.clone());
        let closes = Arc::new(AtomicBool::new(false));
        let told = closes.clone();
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(n @ 1..) = reader.read(&mut buffer)
                && !told.load(Relaxed)
            {
                to_screen.lock().unwrap().process(&buffer[..n]);
                to_raw.lock().unwrap().extend_from_slice(&buffer[..n]);
            }
        });
        let keys = pair.master.take_writer().unwrap();
        let window = Window {
            master: pair.master,
            keys,
            reader,
            closes,
        };
        Self {
            child,
            window: Some(window),
            screen,
            raw,
        }
    }

    fn press(&mut self, keys: &str) {
        let window = self.window.as_mut().unwrap();
        window.keys.write_all(keys.as_bytes()).unwrap();
        window.keys.flush().unwrap();
    }

    /// Presses Esc, and no key so soon after it that both are taken for one.
    fn escape(&mut self) {
        self.press("\x1b");
        std::thread::sleep(Duration::from_millis(150));
    }

    /// Closes the window, as its button does.
    fn close(&mut self) {
        let window = self.window.take().unwrap();
        window.closes.store(true, Relaxed);
        // The screen's clock writes every second, and so the reader sees it and goes.
        window.reader.join().unwrap();
    }

    fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// Waits until the screen shows this.
    fn shows(&self, what: &str) -> String {
        let started = Instant::now();
        loop {
            let text = self.text();
            if text.contains(what) {
                return text;
            }
            assert!(
                started.elapsed() < Duration::from_secs(15),
                "{what:?} never came up in\n{text}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until the program has ended; its exit code.
    fn ends(&mut self) -> u32 {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                std::thread::sleep(Duration::from_millis(50));
                return status.exit_code();
            }
            assert!(
                started.elapsed() < Duration::from_secs(30),
                "it does not end:\n{}",
                self.text()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What the program wrote may still be on its way through the pseudo-terminal.
    fn until_given_back(&self) {
        let started = Instant::now();
        while !self.is_given_back() {
            assert!(
                started.elapsed() < Duration::from_secs(5),
                "the terminal is not given back"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn is_given_back(&self) -> bool {
        let raw = self.raw.lock().unwrap();
        let ends_with = |on: &[u8], off: &[u8]| {
            let last = |what| memchr::memmem::rfind(&raw, what);
            last(off).is_some() && last(off) > last(on)
        };
        ends_with(b"\x1b[?1049h", b"\x1b[?1049l") && ends_with(b"\x1b[?25l", b"\x1b[?25h")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The sandbox's address, as the header shows it.
fn sandbox_of(text: &str) -> String {
    let (_, rest) = text.split_once("sandbox ").unwrap();
    format!("http://{}", rest.split_whitespace().next().unwrap())
}

fn count_of(sandbox: &str, name: &str) -> u64 {
    get(&format!("{sandbox}/sandbox/counts"))["by_name"][name]
        .as_u64()
        .unwrap_or(0)
}

#[test]
fn a_type_that_is_toggled_off_stops_arriving_and_comes_back_when_toggled_on() {
    let mut terminal = Terminal::open(&["demo", "--rate", "600"]);
    let sandbox = sandbox_of(&terminal.shows("sandbox 127.0.0.1"));
    terminal.press("f");
    terminal.shows("toggle");
    let name = "Cart Viewed";
    let started = Instant::now();
    while count_of(&sandbox, name) < 20 {
        assert!(
            started.elapsed() < Duration::from_secs(15),
            "nothing arrives"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    // By name, the one without a name and $identify come first.
    terminal.press("tt");
    terminal.shows("[x] (no name)");
    terminal.shows("[x] $identify");
    terminal.press("\x1b[Hjj");
    std::thread::sleep(Duration::from_millis(200));
    terminal.press(" ");
    // A draft is measured on what came by, and changes nothing until it is applied.
    terminal.shows("1 change, not in force");
    let text = terminal.shows("on the last");
    assert!(text.contains("would be held back") && text.contains("[ ]*Cart Viewed"));
    terminal.press("\r");
    terminal.shows("in force: Cart Viewed off");
    std::thread::sleep(Duration::from_millis(1_500));
    let stopped = count_of(&sandbox, name);
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!(count_of(&sandbox, name), stopped, "{}", terminal.text());
    terminal.press("u");
    terminal.shows("taken back: Cart Viewed on");
    let started = Instant::now();
    while count_of(&sandbox, name) == stopped {
        assert!(
            started.elapsed() < Duration::from_secs(15),
            "it does not come back:\n{}",
            terminal.text()
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    terminal.press("q");
    terminal.shows("Quit?");
    terminal.press("y");
    assert_eq!(terminal.ends(), 0);
    assert!(terminal.is_given_back());
}

#[test]
fn the_gate_opens_only_after_a_confirmation_that_names_the_workspace() {
    let mut terminal = Terminal::open(&["demo"]);
    terminal.shows("OPEN");
    terminal.press("g");
    terminal.shows("Nothing more will be sent to shop-demo");
    terminal.press("y");
    terminal.shows("SHUT");
    terminal.press("g");
    terminal.shows("Events will be sent to shop-demo");
    terminal.press("n");
    terminal.shows("SHUT");
    terminal.press("d");
    terminal.shows("DRY RUN");
    terminal.press("q");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn a_rule_is_written_with_its_error_under_the_caret_and_applied_whole() {
    let mut terminal = Terminal::open(&["demo", "--rate", "600"]);
    terminal.shows("feed live");
    terminal.press("r");
    terminal.shows("New rule");
    terminal.press("evnt_type == \"Product Viewed\"");
    terminal.shows("did you mean event_type?");
    terminal.press("\r");
    terminal.shows("nothing is changed");
    terminal.press("\x01\x1b[C\x1b[Ce");
    terminal.shows("compiles");
    terminal.press("\r");
    terminal.shows("3 [x] − rule 3");
    terminal.shows("rule 3 “rule 3”");
}

#[test]
fn events_are_found_inspected_and_frozen() {
    let mut terminal = Terminal::open(&["demo", "--rate", "400"]);
    terminal.shows("→ Search Performed");
    terminal.press("/event_type == \"Search Performed\" && has_user");
    terminal.shows("condition");
    terminal.press("\r");
    let text = terminal.shows(" match event_type");
    let rows: Vec<&str> = text
        .lines()
        .filter(|line| line.contains(" u-") && line.contains(':'))
        .collect();
    assert!(
        !rows.is_empty()
            && rows
                .iter()
                .all(|row| row.contains("Search Performed") || !row.contains("Song")),
        "{text}"
    );
    terminal.press(" ");
    terminal.shows("FROZEN");
    terminal.press("jj\r");
    terminal.shows("Raw event");
    terminal.shows("Decision");
    terminal.press("\t");
    terminal.shows("Mapped request");
    terminal.press("yc");
    terminal.shows("is handed to the terminal's clipboard");
    let raw = terminal.raw.lock().unwrap().clone();
    // "curl -X POST 'http", for the clipboard, in base64.
    assert!(memchr::memmem::find(&raw, b"\x1b]52;c;Y3VybCAtWCBQT1NUICdodHRw").is_some());
    terminal.press("\x1b");
    terminal.shows("Violations");
    // What can be done is found by a few letters.
    terminal.press("\x10dltr");
    terminal.shows("dead letters: what could not be delivered");
    terminal.press("\r");
    terminal.shows("by reason and type");
}

#[test]
fn help_resizing_and_a_small_terminal() {
    let mut terminal = Terminal::open(&["demo"]);
    terminal.shows("feed live");
    terminal.press("?");
    terminal.shows("open or shut the gate");
    terminal.press("q");
    for (cols, rows, shows) in [
        (40, 10, "too small: 80×24 needed"),
        (200, 60, "Throughput"),
        (80, 24, "Violations"),
    ] {
        terminal
            .screen
            .lock()
            .unwrap()
            .screen_mut()
            .set_size(cells(rows), cells(cols));
        terminal
            .window
            .as_ref()
            .unwrap()
            .master
            .resize(PtySize { rows, cols, ..SIZE })
            .unwrap();
        terminal.shows(shows);
    }
}

#[test]
fn the_terminal_is_given_back_on_sigterm_and_after_a_suspension() {
    let mut terminal = Terminal::open(&["demo"]);
    terminal.shows("feed live");
    let pid = terminal.child.process_id().unwrap();
    terminal.press("\x1a");
    terminal.until_given_back();
    // While it goes on, its clock writes every second.
    let written = || terminal.raw.lock().unwrap().len();
    std::thread::sleep(Duration::from_millis(200));
    let before = written();
    std::thread::sleep(Duration::from_millis(2_500));
    assert_eq!(written(), before, "it does not stop");
    signal("CONT", pid);
    terminal.shows("feed live");
    assert!(!terminal.is_given_back());
    signal("TERM", pid);
    assert_eq!(terminal.ends(), 0);
    assert!(terminal.is_given_back());
}

#[test]
fn a_window_that_is_closed_drains_and_ends_without_a_panic() {
    let dir = tempfile::tempdir().unwrap();
    let events: Vec<String> = (0..1_000)
        .map(|n| format!(r#"{{"event_type":"Step","user_id":"u-{n}","insert_id":"{n}","time":1700000000000}}"#))
        .collect();
    let file = dir.path().join("events.ndjson");
    std::fs::write(&file, events.join("\n")).unwrap();
    // Slow enough that the window closes while requests are out.
    let slow = sandbox(&["--latency", "1500ms"]);
    let feed = replay(&file, &[]);
    let mut command = program_without_umask();
    command.arg("watch");
    command.env("SLUICEGATE_FEED_URL", &feed.url);
    command.env("SLUICEGATE_CUSTOMERIO_SITE_ID", "my-site");
    command.env("SLUICEGATE_CUSTOMERIO_API_KEY", "my-secret-key");
    command.env("SLUICEGATE_CUSTOMERIO_BASE_URL", &slow.url);
    command.env("SLUICEGATE_GATE", "open");
    let mut terminal = Terminal::start(command);
    terminal.shows("1,000 received, 1,000 accepted");
    terminal.close();
    assert_eq!(terminal.ends(), 0, "all was delivered, and nothing is left");
    let counts = get(&format!("{}/sandbox/counts", slow.url));
    assert_eq!(counts["events"], 1_000);
}

/// `watch` with this configuration, and no feed.
fn watch(config: &Path) -> Terminal {
    let mut command = program_without_umask();
    command.args(["watch", "--feed-url", "ws://127.0.0.1:1", "--config"]);
    command.arg(config);
    command.env("SLUICEGATE_CUSTOMERIO_SITE_ID", "my-site");
    command.env("SLUICEGATE_CUSTOMERIO_API_KEY", "my-secret-key");
    Terminal::start(command)
}

#[test]
fn filters_are_saved_to_the_configuration_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.toml");
    std::fs::write(&path, "# kept\ngate = \"shut\"\n[[rules]]\nname = \"one\"\neffect = \"exclude\"\nwhen = \"has_user\"\non = false\n").unwrap();
    rights::open_to_all(&path);
    let mut terminal = watch(&path);
    let text = terminal.shows("feed down: connection refused");
    assert!(text.contains("SHUT") && text.contains("my-site"));
    terminal.press("1\rs");
    terminal.shows("filters saved to");
    let saved = std::fs::read_to_string(&path).unwrap();
    assert!(
        saved.contains("# kept") && saved.contains("on = true"),
        "{saved}"
    );
    assert!(!String::from_utf8_lossy(&terminal.raw.lock().unwrap()).contains("my-secret"));
    assert_eq!(rights::mode(&path), 0o600, "a key may stand in it");
}

#[test]
fn dead_letters_are_found_with_their_reason_read_tried_again_and_discarded() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program_without_umask();
    command.args(["demo", "--rate", "2000"]);
    command.cwd(folder.path());
    let mut terminal = Terminal::start(command);
    terminal.shows("dead letters 1");
    terminal.press("l");
    terminal.shows("by reason and type");
    terminal.shows("the workspace takes no such value");
    terminal.press("e");
    terminal.shows("written to dead-letters-");
    assert_eq!(rights::assert_files_private(folder.path()).len(), 1);
    terminal.press("\r");
    terminal.shows("What would be sent");
    terminal.shows("code: \"SUMMER-2019\"");
    terminal.press("p");
    terminal.shows("Person ─ user_id");
    let text = terminal.shows("not delivered");
    assert!(text.contains("match user_id =="), "{text}");
    terminal.press("\x1b");
    terminal.shows("Violations");
    terminal.press("l");
    terminal.shows("by reason and type");
    terminal.press("\r");
    terminal.shows("code: \"SUMMER-2019\"");
    terminal.press("D");
    terminal.shows("It is gone for good");
    terminal.press("y");
    terminal.shows("1 dead letter discarded");
    // Out of the row, if others of it are left, and out of the list.
    while !terminal.text().contains("Violations") {
        terminal.press("\x1b");
        std::thread::sleep(Duration::from_millis(150));
    }
    // Others have come meanwhile, or come soon; the row of the one that is gone may stand a
    // moment longer.
    terminal.shows("(l lists)");
    terminal.press("l");
    terminal.shows("the workspace takes no such value");
    while !terminal.text().contains("code: \"SUMMER-2019\"") {
        terminal.press("\r");
        std::thread::sleep(Duration::from_millis(400));
    }
    terminal.press("r");
    terminal.shows("1 dead letter will be tried again");
}

#[test]
fn the_configuration_is_read_again_from_the_screen_and_by_a_signal() {
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

/// The demonstration, writing its files into `folder`.
fn demo_in(folder: &Path) -> Terminal {
    let mut command = program_without_umask();
    command.args(["demo", "--rate", "500"]);
    command.env_remove("XDG_STATE_HOME");
    command.cwd(folder);
    Terminal::start(command)
}

#[test]
fn the_tour_of_the_filters() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = demo_in(folder.path());
    terminal.shows(" %   first attempt");
    // A preset is the draft, whose effect is seen, before it is in force.
    terminal.press("S");
    terminal.shows("Presets of the filters");
    terminal.shows("From what is in force to “incident”");
    terminal.press("\r");
    terminal.shows("“incident” is the draft");
    terminal.escape();
    terminal.shows("the draft is discarded");
    terminal.press("Sstour\r");
    terminal.shows("“tour” is kept until the demo ends");
    terminal.escape();
    // A rule tells what it is for and what it costs.
    terminal.press("fG");
    terminal.shows("country in [");
    terminal.press("kk");
    terminal.press("\x1b[H");
    for _ in 0..40 {
        terminal.press("j");
    }
    terminal.press("k");
    terminal.shows("our own people");
    terminal.shows("µs");
    // The rule that is off is drafted by its number, for a time, and told by the history.
    terminal.press("2");
    terminal.shows("draft");
    terminal.press("A");
    terminal.shows("in force for");
    terminal.press("\r");
    terminal.shows("back in");
    terminal.press("H");
    terminal.shows("rule “eu only” on");
    terminal.press("s");
    terminal.shows("written to filter-changes");
    let files = std::fs::read_dir(folder.path()).unwrap();
    let file = files.map(|file| file.unwrap().path()).next().unwrap();
    let written = std::fs::read_to_string(file).unwrap();
    assert!(written.contains("eu only"), "{written}");
    rights::assert_files_private(folder.path());
}

#[test]
fn the_tour_of_finding_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = demo_in(folder.path());
    terminal.shows(" %   first attempt");
    // A regular expression, a bookmark, the way back to it, and a file of what was found.
    terminal.press("/~Product (Added|Viewed)\r");
    terminal.shows("match ~Product");
    terminal.press("jm");
    terminal.shows("a bookmark: ' comes back to it");
    terminal.press("F'");
    terminal.shows("bookmark 1 of 1");
    terminal.press("X");
    terminal.shows("the events with a bookmark");
    terminal.press("m");
    terminal.shows("1 event is written to bookmarked-");
    let files = std::fs::read_dir(folder.path()).unwrap();
    let file = files.map(|file| file.unwrap().path()).next().unwrap();
    let written = std::fs::read_to_string(file).unwrap();
    assert_eq!(written.lines().count(), 1);
    assert!(written.contains("Product "), "{written}");
    rights::assert_files_private(folder.path());
    // The story of one that a limit rejects.
    terminal.escape();
    terminal.press("]");
    terminal.press("\r");
    terminal.shows("Violations");
    terminal.shows("Decision");
    terminal.escape();
    // To a time, and to the properties of a type.
    terminal.press("@100ms\r");
    terminal.shows("the events until");
    terminal.escape();
    terminal.press("fE");
    terminal.shows("Properties ─ ");
    terminal.shows("% ");
    terminal.escape();
    // A condition that is met too often rings.
    terminal.press("Whas_user\t0\r");
    terminal.shows("a second, over 0, meet has_user");
    let rang = b"\x1b]9;shop-demo: ";
    assert!(memchr::memmem::find(&terminal.raw.lock().unwrap(), rang).is_some());
    terminal.press("D");
    terminal.escape();
    // What people are called is not for everyone to see.
    terminal.press("F");
    terminal.press("P");
    terminal.shows("people are hidden");
    let text = terminal.shows("id•");
    assert!(!text.contains(" u-0"), "{text}");
}

#[test]
fn the_mouse_is_the_screens_until_it_is_handed_over() {
    let mut terminal = Terminal::open(&["demo", "--rate", "500"]);
    terminal.shows(" %   first attempt");
    let wrote = |terminal: &Terminal, what: &[u8]| {
        memchr::memmem::find(&terminal.raw.lock().unwrap(), what).is_some()
    };
    assert!(wrote(&terminal, b"\x1b[?1000h"));
    // A press on a row of the events, and one more.
    terminal.press("\x1b[<0;60;12M\x1b[<0;60;12m");
    terminal.shows("newer above");
    terminal.press("\x1b[<0;60;12M\x1b[<0;60;12m");
    terminal.shows("Raw event");
    terminal.escape();
    terminal.shows("Violations");
    // The border between filters and events goes where it is pulled.
    terminal.press("\x1b[<0;34;14M\x1b[<32;60;14M\x1b[<0;60;14m");
    terminal.shows("by count");
    terminal.press("M");
    terminal.shows("the mouse is the terminal's");
    assert!(wrote(&terminal, b"\x1b[?1000l"));
}

#[test]
fn the_terminal_is_asked_whether_it_is_light() {
    let mut command = program_without_umask();
    command.args(["demo", "--rate", "500"]);
    command.env_remove("XDG_STATE_HOME");
    let mut terminal = Terminal::start(command);
    let started = Instant::now();
    while memchr::memmem::find(&terminal.raw.lock().unwrap(), b"\x1b]11;?").is_none() {
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "it does not ask"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    terminal.press("\x1b]10;rgb:0000/0000/0000\x07\x1b]11;rgb:ffff/ffff/ffff\x07\x1b[?1;2c");
    terminal.shows(" %   first attempt");
    let dark_on_light = |terminal: &Terminal| {
        let parser = terminal.screen.lock().unwrap();
        let cells = (0..120).filter_map(|column| parser.screen().cell(1, column));
        let text: Vec<vt100::Color> = cells
            .filter(|cell| cell.contents() == "T")
            .map(vt100::Cell::fgcolor)
            .collect();
        text == [vt100::Color::Idx(235)]
    };
    assert!(dark_on_light(&terminal));
    terminal.press("C");
    terminal.shows("colours: high contrast");
    assert!(!dark_on_light(&terminal));
}

#[test]
fn how_the_screen_was_left_is_remembered_and_keys_are_those_of_the_settings() {
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
    terminal.shows("hidden: = brings it back");
    terminal.press("\x1b[20~");
    terminal.shows("Open the gate?");
    terminal.press("n");
    // A preset goes into the file.
    terminal.press("Ssday\r");
    terminal.shows("“day” is kept in");
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
    again.shows("in force");
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
    odd.shows("is not what it was");
    odd.press("q");
    assert_eq!(odd.ends(), 0);
    // Two things with one key are told before anything starts.
    std::fs::write(&path, "[keys]\ngate = [\"?\"]\n").unwrap();
    let mut wrong = watch();
    wrong.shows("? is the key of help already");
    assert_eq!(wrong.ends(), 2);
}

/// A relay in a terminal of its own, and where it is.
fn relay() -> (Terminal, String) {
    let terminal = Terminal::open(&["relay", "--listen", "127.0.0.1:0"]);
    let text = terminal.shows("serving");
    let words = text.split_whitespace();
    let url = words.into_iter().find(|word| word.starts_with("http://"));
    let url = url.unwrap().to_owned();
    (terminal, url)
}

#[test]
fn a_relay_shows_who_sends_and_who_reads_and_gives_the_terminal_back() {
    let (mut terminal, url) = relay();
    terminal.shows("nobody has sent anything yet");
    let event = r#"{"event_type":"A","user_id":"u"}"#;
    post(&format!("{url}/webhook"), &format!("[{event},{event}]"));
    post(&format!("{url}/batch"), "{}");
    let text = terminal.shows("Request missing required field: api_key");
    assert!(
        text.contains("/webhook") && text.contains("received 2"),
        "{text}"
    );
    let feed = format!("{}/feed", url.replace("http", "ws"));
    let mut reading = run_on(&feed, "http://127.0.0.1:9")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    terminal.shows("1 client");
    terminal.press("?");
    terminal.shows("any key closes");
    // Leaving while someone reads is asked about.
    terminal.press("xq");
    terminal.shows("leave them without it? y/n");
    terminal.press("nq");
    terminal.press("y");
    assert_eq!(terminal.ends(), 0);
    assert!(terminal.is_given_back());
    let text = terminal.text();
    assert!(
        text.contains("2 events received, 1 requests refused"),
        "{text}"
    );
    reading.kill().unwrap();
    reading.wait().unwrap();
}

#[test]
fn a_forwarder_that_reads_no_keys_ends_with_its_terminal_too() {
    let sandbox = sandbox(&[]);
    let run = run_on("ws://127.0.0.1:1", &sandbox.url);
    let mut command = CommandBuilder::new("sh");
    command.args(["-c", "exec \"$@\" </dev/null", "sh"]);
    command.arg(run.get_program());
    command.args(run.get_args());
    for (name, value) in run.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        }
    }
    let mut terminal = Terminal::start(command);
    terminal.shows("feed is down");
    // It reads its settings again while somebody sits before it, and goes on.
    signal("HUP", terminal.child.process_id().unwrap());
    terminal.shows("settings reloaded");
    terminal.close();
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn a_relay_ends_with_its_terminal_and_by_a_signal() {
    let (mut terminal, _) = relay();
    signal("TERM", terminal.child.process_id().unwrap());
    assert_eq!(terminal.ends(), 0);
    assert!(terminal.is_given_back());
    let (mut terminal, url) = relay();
    terminal.close();
    assert_eq!(terminal.ends(), 0);
    let place = url.trim_start_matches("http://");
    assert!(std::net::TcpStream::connect(place).is_err(), "it is gone");
}
