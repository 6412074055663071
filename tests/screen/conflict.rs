//! Drafts whose filters somebody else changes meanwhile.

use std::sync::Arc;

use sluicegate::filter::{Filters, Mode, Switch};
use sluicegate::protocol::{Author, ChangeRecord, Command, FiltersConflict};
use sluicegate::tui::action::{Action, CommandFailure, Effect};

use crate::filters::filters_sent;
use crate::fixture::{Fixture, NOW, filters, snapshot};

/// What bob has made of the filters: version 7.
fn theirs() -> Filters {
    let mut theirs = filters();
    theirs.types.insert("session_start".to_owned(), Switch::On);
    theirs.types.insert("Song Played".to_owned(), Switch::On);
    theirs.rules.remove(0);
    theirs.rules[0].when = "country == \"France\"".to_owned();
    theirs
}

fn change_of_bob() -> ChangeRecord {
    ChangeRecord {
        at_ms: NOW,
        author: Author::new("bob", "the control socket"),
        filters_version: 7,
        what: "filters: Song Played on; session_start on; rule “internal” deleted".to_owned(),
    }
}

fn conflict() -> CommandFailure {
    CommandFailure::Conflict(Box::new(FiltersConflict {
        version: 7,
        filters: Arc::new(theirs()),
        changes: vec![change_of_bob()],
    }))
}

/// A snapshot with bob's filters.
fn later() -> Action {
    let mut later = snapshot(Mode::Open);
    later.filters = Arc::new(theirs());
    later.filters_version = 7;
    later.last_change = Some(change_of_bob());
    Action::Snapshot(Arc::new(later))
}

fn base_of(effects: &[Effect]) -> u64 {
    match effects.last() {
        Some(Effect::Pipeline(Command::SetFilters { base, .. })) => base.unwrap(),
        other => panic!("no filters are sent: {other:?}"),
    }
}

/// A screen with a draft that was refused.
fn refused(size: (u16, u16)) -> Fixture {
    let mut fixture = Fixture::new(size);
    fixture.press("f ↓↓ 2");
    fixture.refuses = Some(conflict());
    assert_eq!(base_of(&fixture.press("\n")), 1);
    fixture
}

#[test]
fn a_draft_of_older_filters_is_shown_against_those_of_others() {
    let fixture = refused((120, 34));
    let screen = fixture.plain();
    for expected in [
        "bob (the control socket)",
        "Changed by others, now version 7",
        "rule “internal” deleted",
        "Product Viewed off",
        "Song Played on  they did the same",
        "both changed it: yours replaces theirs",
    ] {
        assert!(screen.contains(expected), "{expected} is not in\n{screen}");
    }
    insta::assert_snapshot!("conflict", screen);
    insta::assert_snapshot!("conflict_80x24", refused((80, 24)).plain());
    assert_eq!(fixture.state.filters, theirs(), "nothing was applied");
}

#[test]
fn the_draft_is_applied_on_top_of_what_others_changed() {
    let mut fixture = refused((120, 34));
    let effects = fixture.press("a");
    assert_eq!(base_of(&effects), 7);
    let sent = filters_sent(&effects);
    assert!(!sent.selects("Product Viewed"), "the draft's change");
    assert!(sent.selects("session_start"), "the other's change");
    assert_eq!(sent.rules.len(), theirs().rules.len());
    assert_eq!(
        (fixture.state.filters_version, &fixture.state.draft),
        (8, &None)
    );
    // An undo takes back the draft's change only.
    let undone = filters_sent(&fixture.press("u"));
    assert!(undone.selects("Product Viewed") && undone.selects("session_start"));
    fixture.press("H");
    let screen = fixture.plain();
    assert!(screen.contains(" bob "), "{screen}");
}

#[test]
fn the_draft_stays_until_it_is_discarded() {
    let mut fixture = refused((120, 34));
    fixture.press("\u{1b}");
    let screen = fixture.plain();
    assert!(
        screen.contains("the filters were changed since"),
        "{screen}"
    );
    // Applying it again asks again.
    fixture.refuses = Some(conflict());
    assert_eq!(base_of(&fixture.press("\n")), 1);
    assert_eq!(fixture.press("D"), []);
    assert_eq!(fixture.state.draft, None);
    assert_eq!(fixture.state.filters, theirs());
    // Undo brings a discarded draft back, which is as old as before.
    fixture.press("u");
    assert!(fixture.state.has_outdated_draft());
}

#[test]
fn the_other_changes_are_taken_into_the_draft_which_is_edited_on() {
    let mut fixture = refused((120, 34));
    assert_eq!(fixture.press("e"), []);
    assert!(!fixture.state.has_outdated_draft());
    let screen = fixture.plain();
    assert!(
        screen.contains("Draft ─ 2 changes, not applied"),
        "{screen}"
    );
    assert_eq!(base_of(&fixture.press("1\n")), 7);
    assert_eq!(fixture.state.draft, None);
}

#[test]
fn a_temporary_change_is_one_on_top_of_the_other_too() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("f↓↓ A");
    fixture.refuses = Some(conflict());
    fixture.press("\n");
    assert_eq!(fixture.state.temporary_change, None);
    assert_eq!(base_of(&fixture.press("a")), 7);
    let temporary = fixture.state.temporary_change.clone().unwrap();
    assert_eq!(
        (temporary.before, temporary.until_ms),
        (theirs(), NOW + 900_000)
    );
}

#[test]
fn a_draft_that_is_open_keeps_its_version_when_others_change_the_filters() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("f↓↓ ");
    let draft = fixture.state.draft.clone();
    fixture.act(later());
    assert_eq!(fixture.state.draft, draft);
    assert_eq!(fixture.state.filters, theirs());
    let screen = fixture.plain();
    assert!(
        screen.contains("Draft ─ 1 change; the filters were changed since"),
        "{screen}"
    );
    // The preview is of what would be in force: with both changes.
    let proposed = fixture.state.proposed().unwrap();
    assert!(!proposed.selects("Product Viewed") && proposed.selects("session_start"));
    fixture.refuses = Some(conflict());
    assert_eq!(base_of(&fixture.press("\n")), 1);
}

#[test]
fn a_rule_that_is_being_written_keeps_its_version_too() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("fG");
    fixture.press("e");
    fixture.act(later());
    let name = filters().rules.last().unwrap().name.clone();
    fixture.refuses = Some(conflict());
    let effects = fixture.press(" && true\n");
    assert_eq!(base_of(&effects), 1);
    let sent = filters_sent(&effects);
    let changed = sent.rules.iter().find(|rule| rule.name == name).unwrap();
    assert!(changed.when.ends_with("&& true"), "{changed:?}");
    assert!(fixture.plain().contains("The filters were changed since"));
}

#[test]
fn a_second_change_waits_until_the_first_is_confirmed() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("f ");
    // The answer is still to come.
    let draft = fixture.state.draft.clone();
    fixture.refuses = None;
    let effects = sluicegate::tui::update::update(
        &mut fixture.state,
        Action::Key(crossterm::event::KeyCode::Enter.into()),
    );
    assert_eq!(base_of(&effects), 1);
    assert_eq!(fixture.press("u"), [], "the change may still be refused");
    fixture.press("↓ ");
    assert_eq!(fixture.press("\n"), []);
    assert!(fixture.plain().contains("not confirmed yet"));
    // If it is, its draft is there again, with what was drafted since.
    let kind = sluicegate::tui::action::CommandKind::Filters;
    fixture.act(Action::Applied(kind, Err(conflict())));
    let reopened = fixture.state.draft.clone().unwrap();
    assert_eq!(reopened.base, draft.unwrap().base);
    assert_eq!(reopened.steps.len(), 2);
}

#[test]
fn after_a_restart_of_the_forwarder_a_draft_is_of_an_earlier_run() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("f↓↓ ");
    let mut restarted = snapshot(Mode::Open);
    restarted.started_ms += 1;
    restarted.filters = Arc::new(theirs());
    fixture.act(Action::Snapshot(Arc::new(restarted)));
    assert_eq!(fixture.state.filters, theirs());
    assert!(fixture.state.has_outdated_draft());
}
