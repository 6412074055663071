//! Acting on rows without opening them: select, exclude, copy.

use sluicegate::delivery::spool::dead_letters::DeadLetterSelection;
use sluicegate::protocol::Command;
use sluicegate::tui::action::{Action, Effect};
use sluicegate::tui::events::export::Events;
use sluicegate::tui::events::list::EventList;
use sluicegate::tui::frame::focus::Pane;
use sluicegate::tui::frame::popup::Popup;

use crate::fixture::{Fixture, dead_letter};

#[test]
fn several_events_are_selected_bookmarked_and_exported() {
    let mut fixture = Fixture::new((120, 34));
    assert_eq!(fixture.press("Xs"), []);
    assert!(
        fixture
            .plain()
            .contains("no event is selected: v in the events selects one")
    );
    // The key moves on, so that rows in a row are selected by pressing it again.
    fixture.press("vv↓v");
    assert_eq!(fixture.state.events.selected, [9, 8, 6].into());
    let screen = fixture.plain();
    assert!(screen.contains("─ 3 selected"), "{screen}");
    assert_eq!(screen.matches('▶').count(), 3);
    fixture.press("↑v");
    assert_eq!(fixture.state.events.selected, [9, 8].into());
    let selected = Events::Selected([9, 8].into());
    assert_eq!(fixture.press("Xs"), [Effect::ExportEvents(selected)]);
    fixture.press("m");
    assert_eq!(fixture.state.events.bookmarks, [9, 8].into());
    assert!(fixture.state.events.selected.is_empty());
    fixture.press("F");
    fixture.press("vvm");
    assert!(fixture.state.events.bookmarks.is_empty(), "all had one");
    // Esc only clears the selection.
    fixture.press("Lv\u{1b}");
    assert!(fixture.state.events.selected.is_empty());
    assert_eq!(fixture.state.events.list, EventList::Sent);
    let listed = Events::Listed(EventList::Sent);
    assert_eq!(fixture.press("Xl"), [Effect::ExportEvents(listed)]);
}

#[test]
fn a_type_a_person_and_a_value_are_excluded_from_the_row() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("/purchase\n↓x");
    assert!(fixture.plain().contains("events of this person, by a rule"));
    fixture.press("t");
    assert!(!fixture.state.edited().selects("Purchase Completed"));
    assert_eq!(fixture.state.focus, Pane::Filters);
    assert!(fixture.plain().contains("drafted: this type is excluded"));
    // By its person: a rule to be looked over.
    let mut fixture = Fixture::new((120, 34));
    fixture.press("/purchase\n↓xu");
    assert!(matches!(fixture.state.popup, Some(Popup::Rule(_))));
    assert!(fixture.plain().contains("user_id == \"u-0001\""));
    fixture.press("\n");
    assert_eq!(fixture.state.edited().rules.len(), 3);
    // By a value: the event is opened, where a field can be chosen.
    let mut fixture = Fixture::new((120, 34));
    fixture.press("/purchase\n↓xv");
    assert_eq!(fixture.state.overlays.inspector().unwrap().sequence, 1);
    assert!(fixture.plain().contains("move to a field, then x excludes"));
    fixture.press("↓x");
    assert!(matches!(fixture.state.popup, Some(Popup::Rule(_))));
    // Esc changes nothing.
    let mut fixture = Fixture::new((120, 34));
    fixture.press("x\u{1b}");
    assert!(fixture.state.popup.is_none() && fixture.state.draft.is_none());
}

#[test]
fn an_event_is_copied_from_its_row() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("/purchase\n↓y");
    match fixture.press("e").as_slice() {
        [Effect::Copy(_, text)] => assert!(text.contains("\"user_id\":\"u-0001\""), "{text}"),
        other => panic!("nothing is copied: {other:?}"),
    }
    assert!(fixture.state.overlays.is_empty(), "the list stays");
    fixture.press("y");
    match fixture.press("p").as_slice() {
        [Effect::Copy(_, text)] => assert_eq!(text, "u-0001"),
        other => panic!("nothing is copied: {other:?}"),
    }
}

#[test]
fn several_dead_letters_are_selected_and_retried() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("lv");
    assert!(fixture.plain().contains("open a group first"));
    fixture.press("\n");
    let letters =
        || Action::DeadLetters(Ok(vec![dead_letter(18), dead_letter(17), dead_letter(16)]));
    fixture.act(letters());
    fixture.press("v↓v");
    let screen = fixture.plain();
    assert!(screen.contains("2 selected, "), "{screen}");
    assert_eq!(screen.matches('▶').count(), 2);
    let selected = DeadLetterSelection::Several(vec![16, 18]);
    assert_eq!(
        fixture.press("X"),
        [Effect::ExportDeadLetters(selected.clone())]
    );
    assert_eq!(fixture.press("r"), [], "several are asked about");
    assert_eq!(
        fixture.press("y"),
        [Effect::Pipeline(Command::RetryDeadLetters(selected))]
    );
    // Those that are gone are no longer selected; Esc clears the others.
    fixture.act(Action::DeadLetters(Ok(vec![
        dead_letter(18),
        dead_letter(17),
    ])));
    assert!(fixture.plain().contains("1 selected, "));
    fixture.press("\u{1b}");
    assert!(!fixture.plain().contains("selected, "));
    assert!(fixture.state.overlays.dead_letters().is_some());
}

#[test]
fn the_dead_letter_of_an_event_is_retried_from_its_row() {
    let mut fixture = Fixture::new((120, 34));
    // Which one is on the row is found by the event's ID and its time of receipt.
    fixture.press("L");
    fixture.press("L");
    let rows = &fixture.state.events.page.rows;
    let row = rows.iter().find(|row| row.is_dead_letter);
    let (sequence, received_ms) = row.map(|row| (row.sequence, row.received_ms)).unwrap();
    fixture.press("↓↓");
    assert!(!fixture.plain().contains("R retry now"));
    fixture.state.events.cursor = Some(sequence);
    assert!(
        fixture.plain().contains("R retry now"),
        "{}",
        fixture.plain()
    );
    let effects = fixture.press("R");
    let event = match &effects[..] {
        [Effect::Load(..), Effect::FindDeadLetters(event)] => event,
        other => panic!("nothing is looked for: {other:?}"),
    };
    assert_eq!(event.received_ms, received_ms);
    // One is retried at once, as in the list; two are asked about.
    let effects = fixture.act(Action::DeadLettersOfEvent(Ok(vec![dead_letter(18)])));
    let one = DeadLetterSelection::One(18);
    assert_eq!(effects, [Effect::Pipeline(Command::RetryDeadLetters(one))]);
    let two = vec![dead_letter(18), dead_letter(17)];
    assert_eq!(fixture.act(Action::DeadLettersOfEvent(Ok(two))), []);
    assert!(
        fixture
            .plain()
            .contains("Back into the spool: 2 dead letters.")
    );
    let several = DeadLetterSelection::Several(vec![18, 17]);
    assert_eq!(
        fixture.press("y"),
        [Effect::Pipeline(Command::RetryDeadLetters(several))]
    );
    // None is left, and one that is marked.
    fixture.act(Action::DeadLettersOfEvent(Ok(Vec::new())));
    assert!(fixture.plain().contains("its dead letter is gone"));
    let mut marked = dead_letter(18);
    marked.again = true;
    assert_eq!(
        fixture.act(Action::DeadLettersOfEvent(Ok(vec![marked]))),
        []
    );
    assert!(fixture.plain().contains("it is marked already"));
    // An event that is no dead letter.
    let mut fixture = Fixture::new((120, 34));
    fixture.press("/purchase\n↓");
    assert!(!fixture.plain().contains("R retry now"));
    let effects = fixture.press("R");
    assert!(
        !effects
            .iter()
            .any(|e| matches!(e, Effect::FindDeadLetters(_))),
        "{effects:?}"
    );
    assert!(
        fixture
            .plain()
            .contains("no dead letter to retry: delivered")
    );
}
