//! Every pane, popup and state at four sizes, in every theme: what it says, that it says the
//! same in all of them, and that it can be read.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use sluicegate::filter::Mode;
use sluicegate::telemetry::watches::{HISTORY_SECONDS, WatchEvaluator};
use sluicegate::tui::action::Action;
use sluicegate::tui::input::keymap::KEYS;
use sluicegate::tui::view;
use sluicegate::tui::widget::theme::Theme;

use crate::fixture::{Fixture, NOW, dead_letter};

/// What is pressed to come to a scene.
pub const SCENES: [(&str, &str); 60] = [
    ("screen", ""),
    ("zoom_filters", "fz"),
    ("zoom_events", "z"),
    ("zoom_violations", "\tz"),
    ("zoom_throughput", "\t\tz"),
    ("zoom_delivery", "\t\t\tz"),
    ("help", "?"),
    ("help_scrolled", "?jjjjjjjjjjjjjjjjjjjjjjjjjjjjjj"),
    ("gate_shut", "g"),
    ("dry_run", "d"),
    ("quit", "q"),
    ("draining", "qy"),
    ("rule_told", "f↓↓↓↓↓"),
    ("rule_editor", "f↓↓↓↓↓e"),
    ("rule_error", "revnt_type == 1"),
    ("completion", "revent_pr"),
    ("draft", "f↓↓ o"),
    ("draft_events", "f↓↓ ov"),
    ("for_a_time", "f↓↓ A"),
    ("armed", "f↓↓ A\n"),
    ("history", "f↓↓ \n1\nuH"),
    ("presets_none", "S"),
    ("presets", "Ssusual\nf↓↓ S\u{1b}Ssother\n"),
    ("presets_delete", "Ssusual\nD"),
    ("watch_editor", "Whas_usr"),
    ("watches", "Whas_user\t0.5\n"),
    ("find_text", "/purchase"),
    ("find_condition", "/user_id == \"u-0005\"\n"),
    ("find_no_expression", "/~u-(0"),
    ("find_nothing", "/nothing is so\n"),
    ("go_to", "@08:00"),
    ("bookmarks", "}m}m'"),
    ("export", "X"),
    ("command", ":ga"),
    ("frozen", " "),
    ("inspect_delivered", "/purchase\n↓\n"),
    ("inspect_rejected", "/signup\n↓\n"),
    ("inspect_mapped", "/reset\n↓\n\t"),
    ("inspect_filtered", "/staff\n↓\n↓↓"),
    ("copy", "/purchase\n↓\ny"),
    ("person", "/u-0001\n↓\np"),
    ("limit", "\t\n"),
    ("properties", "/purchase\n↓E"),
    ("help_search", "?/gate"),
    ("help_part", "?→"),
    ("find_completion", "/event_pr"),
    ("find_mistyped", "/usr_id == \"u\""),
    ("type_ahead", "f/s"),
    ("list", "LL"),
    ("matches_marked", "/product\n&n"),
    ("pipeline", "0↓↓"),
    ("why_prompt", "Yu-000"),
    ("why", "Yu-0005\n"),
    ("why_nothing", "Yu-9999\n"),
    ("columns", "|"),
    ("columns_field", "|fcountry"),
    ("detail", "↓\n"),
    ("detail_event", "↓\n\t"),
    ("letters", "l"),
    ("letter", "l\n"),
];

pub const SIZES: [(u16, u16); 4] = [(80, 24), (120, 34), (160, 45), (200, 60)];

/// The scene, with all that the screen asks for at hand.
pub fn scene(keys: &str, size: (u16, u16)) -> Fixture {
    let mut fixture = Fixture::new(size);
    fixture.press(keys);
    if keys == "l\n" {
        fixture.act(Action::DeadLetters(Ok(vec![
            dead_letter(1),
            dead_letter(2),
        ])));
        fixture.press("\n");
    }
    fixture.break_down();
    fixture.explore();
    if !fixture.state.watches.is_empty() {
        let mut evaluator = WatchEvaluator::keeping(HISTORY_SECONDS);
        let conditions = fixture
            .state
            .watches
            .iter()
            .map(|watch| watch.when.as_str());
        evaluator.run(conditions, &fixture.ring, NOW + 1_000);
        fixture.act(Action::Watched(evaluator.counts()));
    }
    fixture
}

pub fn drawn(fixture: &Fixture, theme: &Theme) -> Buffer {
    let (width, height) = fixture.state.size;
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal
        .draw(|frame| view::draw(frame, &fixture.state, theme))
        .unwrap();
    terminal.backend().buffer().clone()
}

#[test]
fn every_scene_at_all_sizes() {
    for (name, keys) in SCENES {
        let at = |size| {
            let fixture = scene(keys, size);
            format!("{}x{}\n{}", size.0, size.1, fixture.plain())
        };
        insta::assert_snapshot!(name, SIZES.map(at).join("\n"));
    }
}

#[test]
fn a_gate_that_opens_names_the_workspace() {
    let mut shut = Fixture::with((120, 34), Mode::Shut);
    shut.press("g");
    insta::assert_snapshot!("gate_open", shut.plain());
}

#[test]
fn all_that_can_be_done_is_in_the_help() {
    let mut fixture = Fixture::new((120, 270));
    fixture.press("?");
    let help = fixture.plain();
    for binding in KEYS {
        let name = format!(":{} ", binding.name);
        assert!(help.contains(&name), "{name} is not in the help");
    }
}

#[test]
fn every_scene_in_ascii_has_nothing_else() {
    for (name, keys) in SCENES {
        for size in SIZES {
            let fixture = scene(keys, size);
            assert_ascii(name, size, |theme| drawn(&fixture, theme));
        }
    }
}

/// In ASCII nothing else is drawn.
pub fn assert_ascii(name: &str, size: (u16, u16), draw: impl Fn(&Theme) -> Buffer) {
    let buffer = draw(&Theme::plain(true));
    // Names come as they are.
    let is_ours = |cell: &&Cell| !cell.symbol().is_ascii() && !"Éé".contains(cell.symbol());
    let other: Vec<&str> = buffer
        .content
        .iter()
        .filter(is_ours)
        .map(Cell::symbol)
        .collect();
    assert!(other.is_empty(), "{name} at {size:?}: {other:?}");
}

#[test]
fn every_scene_says_the_same_in_every_theme_and_can_be_read() {
    for (name, keys) in SCENES {
        for size in SIZES {
            let fixture = scene(keys, size);
            assert_readable(name, size, |theme| drawn(&fixture, theme));
        }
    }
}

/// It says the same in every theme, and every cell has the contrast to be read.
pub fn assert_readable(name: &str, size: (u16, u16), draw: impl Fn(&Theme) -> Buffer) {
    // Dark terminals are seldom quite black, nor light ones quite white.
    let dark = ([30.0; 3], [230.0; 3]);
    let light = ([250.0; 3], [20.0; 3]);
    let plain = draw(&Theme::plain(false));
    for (colours, theme, (background, text), least) in [
        ("dark", Theme::dark(false), dark, 3.0),
        ("light", Theme::light(false), light, 3.0),
        ("high contrast", Theme::high_contrast(false), dark, 5.5),
        (
            "high contrast, light",
            Theme::high_contrast_light(false),
            light,
            5.5,
        ),
    ] {
        let buffer = draw(&theme);
        for (cell, other) in buffer.content.iter().zip(&plain.content) {
            assert_eq!(cell.symbol(), other.symbol(), "{name} in {colours}");
            // Frames tell nothing; they may be faint.
            let is_frame = ('─'..='╿').contains(&cell.symbol().chars().next().unwrap());
            if cell.symbol() == " " || is_frame {
                continue;
            }
            let mut pair = [rgb(cell.fg, text), rgb(cell.bg, background)];
            if cell.modifier.contains(Modifier::REVERSED) {
                pair.reverse();
            }
            let found = contrast(pair[0], pair[1]);
            assert!(
                found >= least,
                "{name} at {size:?} in {colours}: {cell:?} has {found:.1}"
            );
        }
    }
}

/// The colour as a terminal of 256 draws it; its own is this.
fn rgb(color: Color, own: [f64; 3]) -> [f64; 3] {
    let steps = [0.0, 95.0, 135.0, 175.0, 215.0, 255.0];
    match color {
        Color::Reset => own,
        Color::Indexed(index @ 16..=231) => {
            let n = usize::from(index - 16);
            [steps[n / 36], steps[n / 6 % 6], steps[n % 6]]
        }
        Color::Indexed(index @ 232..) => [8.0 + 10.0 * f64::from(index - 232); 3],
        other => panic!("{other:?} is of no palette of ours"),
    }
}

/// The contrast of two colours as WCAG 2 defines it, from 1 to 21.
fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
    let luminance = |[r, g, b]: [f64; 3]| {
        let linear = |c: f64| match c / 255.0 {
            c if c <= 0.03928 => c / 12.92,
            c => ((c + 0.055) / 1.055).powf(2.4),
        };
        0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
    };
    let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
    a.max(b) / a.min(b)
}
