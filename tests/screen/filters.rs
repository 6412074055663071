//! Filters: drafts, presets, rules, conditions.

use crate::fixture::{Fixture, NOW, filters, snapshot};
use sluicegate::filter::Switch;
use sluicegate::filter::{Filters, Mode};
use sluicegate::protocol::{Command, VersionedFilters};
use sluicegate::tui::action::{Action, CommandFailure, Effect, ReloadOutcome};
use std::sync::Arc;

pub(crate) fn filters_sent(effects: &[Effect]) -> Filters {
    match effects.last() {
        Some(Effect::Pipeline(Command::SetFilters { filters, .. })) => filters.clone(),
        other => panic!("no filters are sent: {other:?}"),
    }
}

/// A reload after which these filters are in force.
pub(crate) fn reloaded(reread: ReloadOutcome, filters: Filters) -> Action {
    let now = VersionedFilters {
        version: 99,
        filters: Arc::new(filters),
    };
    Action::Reloaded(Ok((reread, now)))
}

#[test]
fn presets_are_saved_compared_and_become_the_draft() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("Ss");
    let kept = fixture.press("usual\n");
    let in_force = fixture.state.filters.clone();
    let name = "usual".to_owned();
    assert_eq!(kept, [Effect::SavePreset(name, Some(in_force.clone()))]);
    fixture.press("\u{1b}");
    // Another one is kept from a draft, which stays one.
    fixture.press("f2oSs");
    let effects = fixture.press("launch day\n");
    let launch = fixture.state.draft.as_ref().unwrap().filters.clone();
    assert!(launch.rules[1].on);
    let saves = Effect::SavePreset("launch day".to_owned(), Some(launch.clone()));
    assert_eq!(effects, [saves]);
    fixture.press("\u{1b}\u{1b}");
    assert_eq!(fixture.state.draft, None);
    fixture.press("S");
    insta::assert_snapshot!("presets", fixture.plain());
    fixture.press("↓ ↑");
    let screen = fixture.plain();
    assert!(screen.contains("From “usual” to “launch day”"), "{screen}");
    let effects = fixture.press("\n");
    assert_eq!(effects, []);
    assert_eq!(fixture.state.edited(), &launch);
    assert_eq!(fixture.state.filters, in_force, "a preset is only drafted");
    let effects = fixture.press("\n");
    assert_eq!(filters_sent(&effects), launch);
    // Deleting asks, and any key but y is a no.
    fixture.press("SDn");
    assert_eq!(fixture.state.presets.len(), 2);
    let gone = fixture.press("Dy");
    assert_eq!(gone, [Effect::SavePreset("launch day".to_owned(), None)]);
    assert_eq!(fixture.state.presets.len(), 1);
    // Where the file is read again, its presets are those.
    fixture.act(reloaded(ReloadOutcome::default(), Filters::default()));
    assert!(fixture.state.presets.is_empty());
    assert!(
        fixture
            .plain()
            .contains("no presets yet: s saves the filters")
    );
}

#[test]
fn a_preset_counts_what_changes_for_the_types_that_were_seen() {
    let mut fixture = Fixture::new((120, 34));
    // New types are off in the preset; it lists none of the three that pass now.
    let mut preset = filters();
    preset.unseen_types = Switch::Off;
    preset.rules[1].on = true;
    fixture.state.presets.insert("strict".to_owned(), preset);
    fixture.press("S");
    let screen = fixture.plain();
    assert!(screen.contains("2 rules"), "{screen}");
    assert!(
        screen.contains("differs: 3 types, new types, 1 rule"),
        "{screen}"
    );
    for change in ["new types off", "Password Reset off", "Product Viewed off"] {
        assert!(screen.contains(change), "{change} is not in\n{screen}");
    }
    // The draft counts the same, and so does what is applied.
    fixture.press("\n");
    assert!(fixture.plain().contains("Draft ─ 5 changes, not applied"));
    fixture.press("\n");
    let applied = "Applied: new types off, Password Reset off, Product Viewed off, and 2 more";
    assert!(fixture.plain().contains(applied), "{}", fixture.plain());
    fixture.press("H");
    assert!(fixture.plain().contains("Password Reset off"));
}

#[test]
fn what_is_edited_is_a_draft_until_it_is_applied_whole() {
    let mut fixture = Fixture::new((120, 34));
    let on = |filters: &Filters| -> Vec<String> {
        let types = filters.types.iter().filter(|(_, s)| **s == Switch::On);
        types.map(|(name, _)| name.clone()).collect()
    };
    assert_eq!(fixture.press("f ↓↓ "), [], "nothing is sent of a draft");
    assert_eq!(fixture.state.filters, filters());
    let screen = fixture.plain();
    assert!(
        screen.contains("Draft ─ 2 changes, not applied"),
        "{screen}"
    );
    assert!(screen.contains("[x]*Song Played") && screen.contains("[ ]*Product Viewed"));
    insta::assert_snapshot!("draft", screen);
    let mut narrow = Fixture::new((80, 24));
    narrow.press("f ↓↓ ");
    insta::assert_snapshot!("draft_80x24", narrow.plain());
    fixture.press("v");
    insta::assert_snapshot!("draft_events", fixture.plain());
    let sent = filters_sent(&fixture.press("\n"));
    assert_eq!(sent.types["Song Played"], Switch::On);
    assert_eq!(sent.types["Product Viewed"], Switch::Off);
    assert!(fixture.state.draft.is_none());
    assert!(
        fixture
            .plain()
            .contains("Applied: Product Viewed off, Song Played on")
    );

    let sent = filters_sent(&fixture.press("o\n"));
    assert_eq!(on(&sent), ["Product Viewed"]);
    let sent = filters_sent(&fixture.press("a\n"));
    assert!(sent.types.values().all(|s| *s == Switch::On));
    let sent = filters_sent(&fixture.press("_\n"));
    assert!(on(&sent).is_empty());
    let sent = filters_sent(&fixture.press("a*\n"));
    assert_eq!(sent.unseen_types, Switch::Off);
    assert!(sent.selects("Song Played"), "what came by is not new");
}

#[test]
fn a_draft_is_discarded_and_one_that_changes_nothing_closes_itself() {
    let mut fixture = Fixture::new((120, 34));
    fixture.press("f ");
    assert!(fixture.state.draft.is_some());
    fixture.press(" ");
    assert!(fixture.state.draft.is_none(), "it is as it was");
    fixture.press(" \u{1b}");
    assert!(fixture.state.draft.is_none());
    assert!(fixture.plain().contains("draft discarded"));
    // Only applied filters are saved.
    fixture.press(" ");
    assert_eq!(fixture.press("s"), []);
    assert!(fixture.plain().contains("the draft is not applied yet"));
    // Undo takes back what was done last: the draft.
    assert_eq!(fixture.press("u"), []);
    assert!(fixture.state.draft.is_none());
}

#[test]
fn changes_are_undone_redone_and_told() {
    let mut fixture = Fixture::new((120, 34));
    let one = filters_sent(&fixture.press("f \n"));
    let two = filters_sent(&fixture.press("1\n"));
    assert!(one.rules[0].on && !two.rules[0].on);
    assert_eq!(filters_sent(&fixture.press("u")), one);
    assert_eq!(filters_sent(&fixture.press("u")), filters());
    assert_eq!(fixture.press("u"), []);
    assert_eq!(filters_sent(&fixture.press("U")), one);
    assert_eq!(fixture.press("H"), []);
    insta::assert_snapshot!("history", fixture.plain());
    match fixture.press("X").as_slice() {
        [Effect::ExportHistory(ndjson)] => assert_eq!(ndjson.lines().count(), 5),
        other => panic!("the log is not written: {other:?}"),
    }
    // A reload can be undone too.
    fixture.press("\u{1b}");
    let reread = ReloadOutcome {
        notice: "read".to_owned(),
        ..ReloadOutcome::default()
    };
    fixture.act(reloaded(reread, two));
    assert_eq!(filters_sent(&fixture.press("u")), one);
}

#[test]
fn a_temporary_change_is_undone_at_its_end() {
    let mut fixture = Fixture::new((120, 34));
    let later = |ms| {
        let mut later = snapshot(Mode::Open);
        later.at_ms = NOW + ms;
        Action::Snapshot(Arc::new(later))
    };
    fixture.press("f A");
    assert!(
        fixture.plain().contains("apply for 15min"),
        "{}",
        fixture.plain()
    );
    fixture.press("⌫⌫⌫⌫⌫no");
    assert_eq!(fixture.press("\n"), [], "that is no time");
    assert!(fixture.plain().contains("such as 15min"));
    let sent = filters_sent(&fixture.press("⌫⌫15min\n"));
    assert!(sent.selects("Song Played"));
    assert!(fixture.plain().contains("ends in 15 min"));
    // Later changes stay, and a temporary change is not saved.
    filters_sent(&fixture.press("2\n"));
    match fixture.press("s").as_slice() {
        [Effect::Save(saved)] => assert!(!saved.selects("Song Played") && saved.rules[1].on),
        other => panic!("nothing is saved: {other:?}"),
    }
    assert_eq!(fixture.act(later(899_000)), []);
    let back = filters_sent(&fixture.act(later(900_000)));
    assert!(!back.selects("Song Played") && back.rules[1].on);
    assert!(fixture.plain().contains("time is over: Song Played off"));
    assert_eq!(fixture.act(later(1_900_000)), []);
    // After an undo nothing is left to end.
    fixture.press(" A\n");
    filters_sent(&fixture.press("u"));
    assert_eq!(fixture.act(later(3_000_000)), []);
}

#[test]
fn saving_reports_its_result_and_needs_a_file() {
    let mut fixture = Fixture::new((120, 34));
    assert!(matches!(fixture.press("s").as_slice(), [Effect::Save(_)]));
    fixture.act(Action::Notice(Err(
        "cannot save the filters to s.toml: disk full".to_owned(),
    )));
    assert!(fixture.plain().contains("disk full"));
    fixture.state.labels.save_to = None;
    assert_eq!(fixture.press("s"), []);
}

#[test]
fn a_command_that_the_pipeline_refuses_takes_the_filters_back() {
    let mut fixture = Fixture::new((120, 34));
    fixture.refuses = Some(CommandFailure::Other("rule “x”: no".to_owned()));
    fixture.press("1\n");
    assert_eq!(fixture.state.filters, filters());
    assert!(fixture.plain().contains("rule “x”: no"));
    assert!(fixture.state.draft.is_some(), "the draft can be mended");
    assert_eq!(fixture.state.history.log().len(), 0);
}
