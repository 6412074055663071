//! The reasons why a command can't act at the moment, and the ways to where it can.

use crate::tui::events::current::at;
use crate::tui::filters::state::ClosedDraft;
use crate::tui::filters::update::selected_rule;
use crate::tui::frame::focus::Pane;
use crate::tui::input::keymap::{Command, DefaultBinding, Scope};
use crate::tui::state::State;

/// The reason why a command can't act at the moment. None if it can.
pub(crate) fn obstacle(state: &State, command: &DefaultBinding) -> Option<String> {
    let say = |is_so: bool, reason: &str| is_so.then(|| reason.to_owned());
    let away = |is_so: bool, scope| is_so.then(|| way_to(state, scope));
    let overlays = &state.overlays;
    let has_inspector = overlays.inspector().is_some();
    let has_letters = overlays.dead_letters().is_some();
    match command.command {
        Command::Apply | Command::ApplyForTime | Command::DiscardDraft | Command::LookThrough => {
            say(state.draft.is_none(), "no draft: change a filter first")
        }
        Command::DeleteRule | Command::RuleUp | Command::RuleDown => say(
            selected_rule(state).is_none(),
            "move the cursor to a rule first",
        ),
        Command::Undo => say(!can_undo(state), "nothing to undo"),
        Command::Redo => say(!can_redo(state), "nothing to redo"),
        Command::NextBookmark if state.events.bookmarks.is_empty() => {
            let key = state.key(Command::Bookmark);
            Some(format!("no bookmark yet: {key} sets one"))
        }
        Command::Bookmark => say(at(state).is_none(), "no event yet"),
        Command::CompareEvents => say(
            state.events.selected.len() != 2,
            "select two events first, in the events pane",
        ),
        Command::CopySummary
        | Command::ZoomRange
        | Command::CompareRanges
        | Command::EventsThen
        | Command::Range => needed_time(state, command.command),
        Command::Tab
        | Command::StoryUp
        | Command::StoryDown
        | Command::ExcludeThis
        | Command::OnlyThis => away(!has_inspector, Scope::Inspector),
        Command::Fold | Command::Copy => away(!has_inspector && !has_letters, Scope::Inspector),
        Command::Retry | Command::RetryReason | Command::Discard => {
            away(!has_letters, Scope::DeadLetters)
        }
        Command::Export => away(
            !has_letters && overlays.limit().is_none(),
            Scope::DeadLetters,
        ),
        Command::FindProperty => away(overlays.properties().is_none(), Scope::Properties),
        Command::Save => say(
            state.labels.save_to.is_none(),
            "no configuration file; --config names one",
        ),
        Command::Wider | Command::Narrower | Command::Higher | Command::Lower if state.zoomed => {
            let zoom = state.key(Command::Zoom);
            Some(format!("the pane is zoomed: {zoom} leaves the zoom"))
        }
        Command::Hide => say(
            state.focus == Pane::Events,
            "the events can't be hidden: move to another pane first",
        ),
        _ => None,
    }
}

/// The time or range that a command of the throughput needs, if it is not chosen.
fn needed_time(state: &State, command: Command) -> Option<String> {
    let (has_range, has_moment) = (state.range.is_some(), state.moment_ms.is_some());
    let (is_chosen, needed) = match command {
        Command::CopySummary => (has_range, "choose a range of the throughput first"),
        Command::ZoomRange => (
            has_range || state.span.is_some(),
            "choose a range of the throughput first",
        ),
        Command::CompareRanges => (
            has_range || has_moment,
            "choose a time or a range of the throughput first",
        ),
        _ => (has_moment, "choose a time first, with ← and →"),
    };
    (!is_chosen).then(|| needed.to_owned())
}

fn can_undo(state: &State) -> bool {
    let is_discarded = matches!(state.closed_draft, Some(ClosedDraft::Discarded(_)));
    state.draft.is_some() || is_discarded || state.history.can_undo()
}

fn can_redo(state: &State) -> bool {
    match (&state.draft, &state.closed_draft) {
        (Some(draft), _) => !draft.undone.is_empty(),
        (None, Some(ClosedDraft::Undone(_))) => true,
        (None, _) => state.history.can_redo(),
    }
}

fn name(pane: Pane) -> &'static str {
    match pane {
        Pane::Throughput => "throughput",
        Pane::Delivery => "delivery",
        Pane::Filters => "filters",
        Pane::Events => "events",
        Pane::Violations => "violations",
    }
}

/// The part of the screen where a command works, and the key that leads there.
pub(crate) fn way_to(state: &State, scope: Scope) -> String {
    let key = |does| state.key(does);
    let back = if state.overlays.is_empty() {
        String::new()
    } else {
        format!("{}, then ", key(Command::Back))
    };
    match scope {
        Scope::Anywhere => "everywhere".to_owned(),
        Scope::Popup(_) => "in a popup".to_owned(),
        Scope::In(Pane::Filters) | Scope::Draft => {
            format!(
                "in the filters: {back}{} goes there",
                key(Command::FocusFilters)
            )
        }
        Scope::In(pane) => {
            let next = key(Command::NextPane);
            format!("in the {} pane: {back}{next} goes there", name(pane))
        }
        Scope::Inspector => format!("on an open event: {back}{} opens one", key(Command::Open)),
        Scope::DeadLetters => format!(
            "in the dead letters: {} lists them",
            key(Command::DeadLetters)
        ),
        Scope::Why => format!(
            "in the answer to a question: {} asks one",
            key(Command::Why)
        ),
        Scope::CustomerIo => format!(
            "in the answer of Customer.io: {} asks it",
            key(Command::AskCustomerIo)
        ),
        Scope::Audit => format!("in the audit: {} opens it", key(Command::Audit)),
        Scope::Stages => format!("in the pipeline view: {} opens it", key(Command::Stages)),
        Scope::Person => format!("on a person's events: {} shows them", key(Command::Person)),
        Scope::Limit => format!(
            "in the violations of a limit: {back}{} on a violation goes there",
            key(Command::Open)
        ),
        Scope::Properties => {
            format!(
                "in the properties of an event type: {back}{} shows them",
                key(Command::Properties)
            )
        }
    }
}
