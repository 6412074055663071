//! What makes the screen easy to learn and to use: the tour, the help, type-ahead, searches, exports,
//! and keys that can be set.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use sluicegate::filter::Mode;
use sluicegate::protocol::{Command as PipelineCommand, TypeRow};
use sluicegate::tui::action::{Action, Effect};
use sluicegate::tui::events::export::Exported;
use sluicegate::tui::frame::focus::Pane;
use sluicegate::tui::frame::popup::Popup;
use sluicegate::tui::input::keymap::{Command, Keymap};
use sluicegate::tui::tour::state::Tour;

use crate::fixture::{Fixture, dead_letter};

pub(crate) fn with_tour(size: (u16, u16)) -> Fixture {
    let mut fixture = Fixture::new(size);
    fixture.state.labels.tour = Some("/home/ann/tour-seen".into());
    fixture.state.popup = Some(Popup::Tour(Tour::default()));
    fixture
}

fn control(fixture: &mut Fixture, c: char) -> Vec<Effect> {
    let key = KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL);
    fixture.act(Action::Key(key))
}

#[test]
fn the_tour_has_three_steps_and_any_other_key_acts_at_once() {
    let seen = Effect::TourSeen("/home/ann/tour-seen".into());
    let mut fixture = with_tour((120, 34));
    insta::assert_snapshot!("tour_1", fixture.plain());
    assert_eq!(fixture.press("\n"), []);
    insta::assert_snapshot!("tour_2", fixture.plain());
    assert_eq!(fixture.press("←→→"), []);
    insta::assert_snapshot!("tour_3", fixture.plain());
    assert_eq!(fixture.press("\n"), std::slice::from_ref(&seen));
    assert!(fixture.state.popup.is_none());
    // It is asked for again by name, and recorded once.
    fixture.press(":tour\n");
    assert!(fixture.plain().contains("What you see"));
    assert_eq!(fixture.press("\u{1b}"), []);
    // A key that the tour names acts.
    let mut fixture = with_tour((80, 24));
    insta::assert_snapshot!("tour_80", fixture.plain());
    let effects = fixture.press("f");
    assert_eq!(effects, std::slice::from_ref(&seen));
    assert_eq!(fixture.state.focus, Pane::Filters);
    let mut fixture = with_tour((80, 24));
    assert_eq!(fixture.press("?"), [seen]);
    assert!(matches!(fixture.state.popup, Some(Popup::Help(_))));
}

#[test]
fn the_help_is_shown_by_part_and_searched_at_the_width_of_the_screen() {
    for size in [(80, 24), (120, 34), (160, 45), (200, 60)] {
        let mut fixture = Fixture::new(size);
        fixture.press("?");
        insta::assert_snapshot!(format!("help_{}", size.0), fixture.plain());
    }
    let mut fixture = Fixture::new((120, 34));
    fixture.press("?");
    // The parts of where the operator is come first.
    fixture.press("→");
    let part = fixture.plain();
    assert!(
        part.contains("[Events]") && part.contains("follow the newest event"),
        "{part}"
    );
    assert!(!part.contains("delete the rule"), "{part}");
    fixture.press("←");
    assert!(fixture.plain().contains("[All]"));
    fixture.press("←");
    let charts = fixture.plain();
    assert!(
        charts.contains("[Charts]") && charts.contains("gate opened, gate shut, dry run"),
        "{charts}"
    );
    // A synonym finds a command; a key finds itself.
    fixture.press("/pause");
    let found = fixture.plain();
    assert!(found.contains("freeze the display"), "{found}");
    assert!(!found.contains("newest event"), "{found}");
    fixture.press("\u{1b}/Ctrl-r\n");
    let found = fixture.plain();
    assert!(found.contains("reload the configuration file"), "{found}");
    fixture.press("/xyzzy");
    assert!(fixture.plain().contains("no key and no command like that"));
    fixture.press("\u{1b}q");
    assert!(fixture.state.popup.is_none());
}

#[test]
fn the_palette_knows_other_words() {
    let map = Keymap::default();
    let context = Fixture::new((120, 34)).state.input_context();
    for (letters, name) in [
        ("search", "find"),
        ("pause", "freeze"),
        ("stop", "gate"),
        ("theme", "colours"),
        ("exit", "quit"),
        ("exp", "export-events"),
        ("save", "save"),
        ("alerts", "watches"),
        ("pii", "privacy"),
    ] {
        let found = map.palette(letters, context);
        let names: Vec<&str> = found.iter().take(4).map(|b| b.name).collect();
        assert!(names.contains(&name), "{letters}: {names:?}");
    }
}

#[test]
fn the_cursor_of_a_list_goes_to_what_is_typed() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("f/pass");
    insta::assert_snapshot!("type_ahead", fixture.plain());
    fixture.press("\n");
    let types = fixture.state.types();
    let row = |fixture: &Fixture| fixture.state.filter_row(&types);
    assert_eq!(&*types[row(&fixture)].name, "Password Reset");
    // Down goes to the next one, also among the rules; Esc goes back.
    fixture.press("/re↓");
    assert_eq!(row(&fixture), 4);
    fixture.press("\u{1b}");
    assert_eq!(row(&fixture), 4);
    fixture.press("/internal");
    assert_eq!(row(&fixture), types.len());
    fixture.press("\u{1b}/xyzzy");
    assert!(
        fixture
            .plain()
            .contains("no match among 7 event types and rules")
    );
    // What comes after it was typed is found, too.
    let snapshot = Arc::make_mut(&mut fixture.state.snapshot);
    Arc::make_mut(&mut snapshot.types).push(TypeRow {
        name: "Xyzzy Seen".into(),
        count: 1,
        accepted: 1,
        rate: 0.0,
    });
    let text = fixture.plain();
    assert!(
        text.contains("1 of 8 event types and rules match"),
        "{text}"
    );
    fixture.press("\n");
    let types = fixture.state.types();
    let row = fixture.state.filter_row(&types);
    assert_eq!(&*types[row].name, "Xyzzy Seen");
    // Limits, the people of dead letters, and the fields of an event.
    fixture.state.focus = Pane::Violations;
    fixture.press("/missing\n");
    assert_eq!(fixture.state.violation, 1);
    fixture.press("l/added\n");
    assert_eq!(fixture.state.overlays.dead_letters().unwrap().row, 1);
    fixture.press("\n");
    fixture.act(Action::DeadLetters(Ok(vec![
        dead_letter(18),
        dead_letter(17),
    ])));
    fixture.press("\u{1b}\u{1b}");
    fixture.state.focus = Pane::Events;
    fixture.press("/purchase\n↓\n/plan\n");
    let inspector = fixture.state.overlays.inspector().unwrap();
    assert!(inspector.line > 0);
}

#[test]
fn a_search_completes_recalls_and_says_what_is_wrong_with_it() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("/event_ty\t == \"Pa");
    insta::assert_snapshot!("find_completion", fixture.plain());
    fixture.press("\t\n");
    let text = |fixture: &Fixture| fixture.state.events.find.as_ref().map(|f| f.text.clone());
    assert_eq!(
        text(&fixture).as_deref(),
        Some("event_type == \"Password Reset\"")
    );
    assert_eq!(fixture.state.events.page.matched, 1);
    // A mistyped condition neither searches for its text nor closes the prompt.
    fixture.press("\u{1b}/usr_id == \"u-0001\"");
    insta::assert_snapshot!("find_mistyped", fixture.plain());
    assert_eq!(fixture.state.events.page.matched, 9);
    fixture.press("\n");
    assert!(matches!(fixture.state.popup, Some(Popup::Find(_))));
    let says = fixture.state.notice.as_ref().unwrap().text.clone();
    assert!(
        says.contains("did you mean user_id?") && says.contains("' in front"),
        "{says}"
    );
    // Earlier searches come back.
    fixture.press("\u{1b}/staff\n\u{1b}/↑");
    assert_eq!(text(&fixture).as_deref(), Some("staff"));
    fixture.press("↑");
    assert_eq!(
        text(&fixture).as_deref(),
        Some("event_type == \"Password Reset\"")
    );
    fixture.press("↓↓");
    assert_eq!(text(&fixture), None);
    // A property that no event has is named.
    fixture.press("\u{1b}/event_properties.totl > 3.0");
    assert!(
        fixture
            .plain()
            .contains("did you mean event_properties.total?")
    );
}

#[test]
fn searches_are_saved_under_a_name_and_used_again() {
    let mut fixture = Fixture::new((120, 34));
    control(&mut fixture, 's');
    assert!(
        fixture
            .plain()
            .contains("no saved search yet: r writes one")
    );
    fixture.press("\u{1b}/user_id == \"u-0005\"");
    control(&mut fixture, 's');
    assert_eq!(fixture.press("resets of ann\n"), [Effect::Remember]);
    insta::assert_snapshot!("searches", fixture.plain());
    fixture.press("r~(\n");
    assert!(fixture.plain().contains("invalid regular expression"));
    assert_eq!(fixture.press("⌫⌫~Viewed$\n"), [Effect::Remember]);
    fixture.press("g\n");
    assert_eq!(fixture.state.events.page.matched, 1);
    control(&mut fixture, 's');
    assert_eq!(fixture.press("GD"), [Effect::Remember]);
    assert_eq!(fixture.state.searches.len(), 1);
    assert_eq!(fixture.state.searches[0].label(), "resets of ann");
    fixture.press("e2\n");
    assert_eq!(fixture.state.searches[0].label(), "resets of ann2");
}

#[test]
fn a_watch_has_a_name() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("Whas_user\t0.5\tsigned in\n");
    assert_eq!(fixture.state.watches[0].label(), "signed in");
    let screen = fixture.plain();
    assert!(
        screen.contains("signed in") && !screen.contains("has_user"),
        "{screen}"
    );
}

#[test]
fn an_export_names_its_folder_and_its_file_is_opened() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("X");
    insta::assert_snapshot!("export_choice", fixture.plain());
    fixture.press("\u{1b}O");
    assert!(fixture.plain().contains("no export yet: X exports events"));
    let path = PathBuf::from("/home/ann/incident/events-20270115080000.ndjson");
    fixture.act(Action::Exported(Ok(Exported {
        count: "9 events".to_owned(),
        path: path.clone(),
    })));
    let says =
        "9 events written to events-20270115080000.ndjson; O opens it, in /home/ann/incident";
    assert!(fixture.plain().contains(says), "{}", fixture.plain());
    let copied = Effect::Copy("path", path.display().to_string());
    assert_eq!(fixture.press("O"), [copied, Effect::OpenFile(path)]);
    fixture.act(Action::Exported(Err("no room".to_owned())));
    assert!(fixture.plain().contains("no room"));
}

#[test]
fn half_pages_and_the_ends_of_a_list_are_a_key_away() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("f");
    control(&mut fixture, 'd');
    let types = fixture.state.types();
    let last = types.len() + 1;
    assert_eq!(fixture.state.filter_row(&types), last);
    control(&mut fixture, 'u');
    assert_eq!(fixture.state.filter_row(&types), 0);
    fixture.press("G");
    assert_eq!(fixture.state.filter_row(&types), last);
    // The first g asks about the gate; the second is not an answer.
    fixture.press("g");
    assert!(matches!(fixture.state.popup, Some(Popup::Confirm(_))));
    assert_eq!(fixture.press("g"), []);
    assert!(fixture.state.popup.is_none());
    assert_eq!(fixture.state.filter_row(&types), 0);
}

#[test]
fn keys_in_popups_are_settings_too() {
    let own = |name: &str, key: &str| (name.to_owned(), vec![key.to_owned()]);
    let own: BTreeMap<_, _> = [
        own("yes", "j"),
        own("no", "Esc"),
        own("remove-entry", "x"),
        own("accept", "Ctrl-o"),
    ]
    .into();
    let mut fixture = Fixture::new((120, 34));
    fixture.state.keymap = Arc::new(Keymap::with(&own).unwrap());
    assert_eq!(fixture.state.keymap.key(Command::Find), "/");
    fixture.press("gy");
    assert!(fixture.plain().contains("j yes"), "{}", fixture.plain());
    let shut = PipelineCommand::SetGate(Mode::Shut);
    assert_eq!(fixture.press("j"), [Effect::Pipeline(shut)]);
    fixture.press("Whas_user\n");
    assert!(
        fixture.state.watches.is_empty(),
        "Enter has another meaning"
    );
    control(&mut fixture, 'o');
    assert_eq!(fixture.state.watches.len(), 1);
    assert!(fixture.plain().contains("x removes"), "{}", fixture.plain());
    fixture.press("D");
    assert_eq!(fixture.state.watches.len(), 1);
    assert_eq!(fixture.press("x"), [Effect::Remember]);
    // A key twice in one popup is refused.
    let twice = [("yes".to_owned(), vec!["n".to_owned()])].into();
    assert!(Keymap::with(&twice).is_err());
    // Pasted text answers no question.
    fixture.press("\u{1b}g");
    fixture.act(Action::Paste("jjj".to_owned()));
    assert!(matches!(fixture.state.popup, Some(Popup::Confirm(_))));
}

#[test]
fn empty_panes_say_what_to_do_next() {
    let mut fixture = Fixture::empty((120, 34));
    insta::assert_snapshot!("empty_panes", fixture.plain());
    fixture.press("H");
    assert!(fixture.plain().contains("f changes filters"));
    fixture.press("\u{1b}S");
    assert!(fixture.plain().contains("s saves the filters as one"));
    fixture.press("\u{1b}l");
    assert!(fixture.plain().contains("Esc goes back."));
}
