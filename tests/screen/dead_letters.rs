//! Dead letters.

use crate::fixture::{Fixture, dead_letter, dead_letter_row, snapshot};
use sluicegate::delivery::spool::dead_letters::DeadLetterSelection;
use sluicegate::filter::Mode;
use sluicegate::protocol::{Applied, Command};
use sluicegate::tui::action::{Action, CommandKind, Effect};
use std::sync::Arc;

/// The screen with the second dead letter of the first group open.
fn opened() -> Fixture {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("l\n");
    let found = vec![dead_letter(18), dead_letter(17)];
    fixture.act(Action::DeadLetters(Ok(found)));
    fixture.press("↓\n↓↓");
    fixture
}

fn retry(which: DeadLetterSelection) -> Effect {
    Effect::Pipeline(Command::RetryDeadLetters(which))
}

#[test]
fn dead_letters_are_listed_opened_and_read() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("l");
    insta::assert_snapshot!("letters", fixture.plain());
    let group = dead_letter_row("Cart Viewed", 2).group;
    let asked = fixture.press("\n");
    assert_eq!(
        asked,
        [Effect::DeadLetters(DeadLetterSelection::Group(
            group.clone()
        ))]
    );
    let found = vec![dead_letter(18), dead_letter(17)];
    fixture.act(Action::DeadLetters(Ok(found)));
    fixture.press("↓");
    insta::assert_snapshot!("letters_of_a_row", fixture.plain());
    fixture.press("\n↓↓");
    insta::assert_snapshot!("letter", fixture.plain());
}

#[test]
fn a_dead_letter_is_exported_retried_and_discarded() {
    let mut fixture = opened();
    let group = dead_letter_row("Cart Viewed", 2).group;
    assert_eq!(
        fixture.press("X"),
        [Effect::ExportDeadLetters(DeadLetterSelection::One(17))]
    );
    assert_eq!(
        fixture.press("r"),
        [retry(DeadLetterSelection::One(17))],
        "one is tried at once"
    );
    let applied = Applied {
        message: "1 dead letter will be tried again".to_owned(),
        ..Applied::default()
    };
    let again = fixture.act(Action::Applied(CommandKind::Other, Ok(applied)));
    assert_eq!(
        again,
        [Effect::DeadLetters(DeadLetterSelection::Group(
            group.clone()
        ))]
    );
    assert!(fixture.plain().contains("will be tried again"));
    fixture.press("D");
    assert!(fixture.plain().contains("deleted for good"));
    let discard = Effect::Pipeline(Command::DiscardDeadLetters(DeadLetterSelection::One(17)));
    assert_eq!(fixture.press("y"), [discard]);
}

#[test]
fn a_group_of_dead_letters_or_all_of_a_reason_are_retried_after_a_confirmation() {
    let mut fixture = opened();
    let group = dead_letter_row("Cart Viewed", 2).group;
    fixture.press("\u{1b}\u{1b}");
    assert!(
        fixture.plain().contains("by reason and type"),
        "{}",
        fixture.plain()
    );
    assert!(fixture.press("r").is_empty());
    assert!(
        fixture
            .plain()
            .contains("Back into the spool: 2 dead letters.")
    );
    assert_eq!(
        fixture.press("y"),
        [retry(DeadLetterSelection::Group(group.clone()))]
    );
    fixture.press("R");
    assert!(fixture.plain().contains("3 dead letters"), "of both types");
    assert_eq!(
        fixture.press("y"),
        [retry(DeadLetterSelection::Reason(group.reason))]
    );
    fixture.press("\u{1b}");
    assert!(fixture.plain().contains("Rules: "));
    fixture.act(Action::DeadLetters(Err(
        "the dead letters can't be used: no".to_owned(),
    )));
    assert!(fixture.plain().contains("can't be used"));
}

#[test]
fn an_empty_list_explains_what_dead_letters_are() {
    let mut fixture = Fixture::new((80, 24));
    let mut none = snapshot(Mode::Open);
    none.dead_letters = Arc::default();
    fixture.act(Action::Snapshot(Arc::new(none)));
    fixture.press("l");
    assert!(fixture.plain().contains("No dead letters"));
    for keys in ["r", "R", "X", "D", "\n", "↓", " "] {
        assert!(fixture.press(keys).is_empty(), "{keys}");
    }
    fixture.press("q");
    assert!(fixture.plain().contains("Violations"));
}
