//! The size of the terminal, the mouse, and the colours.

use std::time::{Duration, Instant};

use crate::pty::{Terminal, program_without_umask};

#[test]
fn help_resizing_and_a_small_terminal() {
    let mut terminal = Terminal::open(&["demo"]);
    terminal.shows("feed live");
    terminal.press("?");
    terminal.shows("open or shut the gate");
    terminal.press("q");
    for (cols, rows, shows) in [
        (40, 10, "panes: 80×24"),
        (200, 60, "Throughput"),
        (80, 24, "Violations"),
    ] {
        terminal.resize(cols, rows);
        terminal.shows(shows);
    }
}

#[test]
fn a_resize_is_seen_when_keys_come_at_the_same_moment() {
    let mut terminal = Terminal::open(&["demo"]);
    terminal.shows("feed live");
    for _ in 0..25 {
        for (cols, rows, shows) in [(40, 10, "panes: 80×24"), (80, 24, "Violations")] {
            terminal.press("j");
            terminal.resize(cols, rows);
            terminal.press("k");
            terminal.shows(shows);
        }
    }
}

#[test]
fn the_screen_uses_the_mouse_until_it_is_given_to_the_terminal() {
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
    terminal.shows("the terminal uses the mouse");
    assert!(wrote(&terminal, b"\x1b[?1000l"));
}

#[test]
fn a_terminal_with_a_light_background_gets_the_light_theme() {
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
        let cells = (0..120).filter_map(|column| parser.screen().cell(2, column));
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
