//! What happens becomes what the screen is: all behaviour, without drawing or waiting.

mod copy;
mod course;
mod filters;
mod letters;
mod limit;
mod mouse;
mod palette;
mod person;
mod popup;
mod presets;
mod properties;
mod seek;
mod watches;

use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use popup::type_into_popup;
use tui_input::Input;

use crate::delivery::BreakerState;
use crate::feed::FeedState;
use crate::filter::change::taken_back;
use crate::filter::{Effect as RuleEffect, Mode};
use crate::protocol::series::WINDOWS;
use crate::protocol::{Command, Snapshot};
use crate::tui::action::{Action, Effect};
use crate::tui::frame::alert::{
    Alert, {self},
};
use crate::tui::frame::focus::{Over, PANES, Pane};
use crate::tui::frame::layout::Layout;
use crate::tui::inspected::Inspected;
use crate::tui::keymap::Do;
use crate::tui::privacy::mask::Privacy;
use crate::tui::seek::Way;
use crate::tui::state::{Confirm, FilterCursor, Inspector, Letters, Palette, Popup, Sort, State};
use crate::tui::widget::json;
use crate::tui::widget::list::stepped;

/// Objects and arrays with more values than this are folded until the reader unfolds them.
const FOLDED_OVER: usize = 24;

/// No story has more lines.
const LONGEST_STORY: usize = 500;

/// Applies an action; returns what is asked for because of it.
#[expect(
    clippy::too_many_lines,
    reason = "a table: an arm for each thing that can happen"
)]
pub fn update(state: &mut State, action: Action) -> Vec<Effect> {
    match action {
        Action::Key(key) => on_key(state, key),
        Action::Mouse(event) => mouse::on_mouse(state, event),
        Action::Paste(text) => {
            for c in text.chars().filter(|c| !c.is_control()) {
                type_into_popup(state, KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
            }
            Vec::new()
        }
        Action::Resized(columns, rows) => {
            state.size = (columns, rows);
            vec![Effect::Redraw]
        }
        Action::Snapshot(snapshot) => {
            on_snapshot(state, snapshot);
            let mut effects = look_for_alerts(state);
            effects.extend(filters::disarm(state));
            effects
        }
        Action::Page(page) => {
            let events = &mut state.events;
            if !events.following
                && let Some(first) = page.rows.first()
            {
                events.top = first.sequence;
            }
            events.shift = 0;
            events.page = page;
            Vec::new()
        }
        Action::Inspected(found) => {
            on_inspected(state, found);
            Vec::new()
        }
        Action::Applied(Ok(says)) => {
            if !says.is_empty() {
                state.inform(says);
            }
            letters::look_again(state)
        }
        Action::Applied(Err(why)) => {
            // The pipeline goes on as it was: so do the filters that are shown.
            state.filters = (*state.snapshot.filters).clone();
            state.draft = None;
            state.refuse(why);
            Vec::new()
        }
        Action::Told(told) => {
            match told {
                Ok(says) => state.inform(says),
                Err(why) => state.refuse(why),
            }
            Vec::new()
        }
        Action::Reloaded(Ok((reread, now))) => {
            filters::read(state, now);
            state.presets = reread.presets;
            state.inform(reread.says);
            Vec::new()
        }
        Action::Reloaded(Err(why)) => {
            state.refuse(why);
            Vec::new()
        }
        Action::Properties(event_type, found) => {
            properties::found(state, &event_type, *found);
            Vec::new()
        }
        Action::Watched(seen) => {
            let mut effects = watches::seen(state, seen);
            effects.extend(look_for_alerts(state));
            effects
        }
        Action::Sought(sought, found) => seek::found(state, sought, found),
        Action::Who(identity) => {
            person::open(state, identity);
            Vec::new()
        }
        Action::Summarized(identity, summary) => {
            person::summarized(state, &identity, *summary);
            Vec::new()
        }
        Action::BrokenDown(code, breakdown) => {
            limit::broken_down(state, code, *breakdown);
            Vec::new()
        }
        Action::Catalog(catalog) => {
            state.catalog = catalog;
            Vec::new()
        }
        Action::Previewed(preview) => {
            // What was being made when the draft was closed is of no use.
            if state.proposed().is_some() {
                state.preview = Some(*preview);
            }
            Vec::new()
        }
        Action::Letters(found) => {
            letters::found(state, found);
            Vec::new()
        }
        Action::Hangup => vec![Effect::Reload],
        Action::TerminalGone if state.draining => Vec::new(),
        Action::Terminated | Action::TerminalGone => drain(state),
        Action::Drained => vec![Effect::Close],
    }
}

fn on_snapshot(state: &mut State, snapshot: Arc<Snapshot>) {
    let first = state.snapshot.mode.is_none();
    state.moment_ms = state.moment_ms.filter(|at| *at <= snapshot.at_ms);
    if first {
        state.filters = (*snapshot.filters).clone();
    }
    let feed_was_down = matches!(state.snapshot.feed.state, FeedState::Down { .. });
    if feed_was_down && snapshot.feed.state == FeedState::Live {
        state.inform("the feed is live again");
    }
    if let Some(notice) = snapshot.notices.last()
        && state.snapshot.notices.last() != Some(notice)
    {
        state.inform(notice.text.clone());
    }
    course::annotate(state, &snapshot);
    state.snapshot = snapshot;
    let now = state.snapshot.at_ms;
    if state.message.as_ref().is_some_and(|m| m.until_ms < now) {
        state.message = None;
    }
}

/// What needs the operator is told by a banner, and by the terminal's title.
fn look_for_alerts(state: &mut State) -> Vec<Effect> {
    let kind = alert::Kind::of(state.alert_inputs());
    if kind == state.alert.map(|alert| alert.kind) {
        return Vec::new();
    }
    let snapshot = &state.snapshot;
    state.alert = kind.map(|kind| Alert {
        kind,
        since_ms: kind.since(snapshot).unwrap_or(snapshot.at_ms),
    });
    let workspace = &state.labels.workspace;
    let title = match kind {
        Some(kind) => format!("{}: sluicegate {workspace}", kind.title()),
        None => format!("sluicegate {workspace}"),
    };
    vec![Effect::Title(title)]
}

fn on_inspected(state: &mut State, found: Option<Box<Inspected>>) {
    let Some(inspector) = &mut state.inspector else {
        return;
    };
    match found {
        // Of another event than asked for: the cursor moved on meanwhile.
        Some(found) if found.record.sequence != inspector.sequence => {}
        Some(found) => {
            if inspector.found.is_none() {
                let documents = [found.record.text(), found.mapped.as_str()];
                inspector.folded = documents.map(|raw| json::long_ones(raw, FOLDED_OVER));
            }
            inspector.found = Some(found);
        }
        None if inspector.found.is_none() => {
            state.inspector = None;
            state.refuse("that event has left the ring; screen.ring_bytes says how much is kept");
        }
        None => {}
    }
}

fn on_key(state: &mut State, key: KeyEvent) -> Vec<Effect> {
    if key.kind == crossterm::event::KeyEventKind::Release {
        return Vec::new();
    }
    let interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    if state.draining {
        let leaves = interrupt || matches!(key.code, KeyCode::Char('q'));
        return if leaves {
            vec![Effect::Hurry]
        } else {
            Vec::new()
        };
    }
    if state.popup.is_some() {
        if interrupt {
            state.popup = None;
            return Vec::new();
        }
        return type_into_popup(state, key);
    }
    match state.keymap.look_up(key, state.scene()) {
        Some(does) => perform(state, does),
        None => Vec::new(),
    }
}

/// Does what a key, or a command's name, stands for.
#[expect(
    clippy::too_many_lines,
    reason = "a table: an arm for each thing that can be done"
)]
fn perform(state: &mut State, does: Do) -> Vec<Effect> {
    match does {
        Do::Help => state.popup = Some(Popup::Help(0)),
        Do::Find => {
            let before = state
                .events
                .find
                .as_ref()
                .map_or_else(String::new, |f| f.text.clone());
            state.popup = Some(Popup::Find(Input::new(before)));
        }
        Do::Command => state.popup = Some(Popup::Palette(Palette::default())),
        Do::FocusFilters => {
            state.layout.hidden.remove(&Pane::Filters);
            state.focus = Pane::Filters;
            state.zoomed = false;
        }
        Do::NextPane => move_focus(state, 1),
        Do::PreviousPane => move_focus(state, PANES.len() - 1),
        Do::Hide => return hide(state),
        Do::Wider => return resize(state, (4, 0)),
        Do::Narrower => return resize(state, (-4, 0)),
        Do::Higher => return resize(state, (0, 1)),
        Do::Lower => return resize(state, (0, -1)),
        Do::UsualLayout => {
            state.layout = Layout::default();
            state.inform("all panes are where they usually are");
            return vec![Effect::Remember];
        }
        Do::Private => {
            state.privacy = match state.privacy {
                Some(_) => None,
                None => Some(Privacy { salt: state.salt }),
            };
            let says = match state.privacy {
                Some(_) => "people are hidden, in copies too; files that are written have all",
                None => "people are shown again",
            };
            state.inform(says);
        }
        Do::Colours => {
            state.colours = state.colours.next();
            let says = format!("colours: {}", state.colours);
            state.inform(says);
            return vec![Effect::Colours(state.colours)];
        }
        Do::Mouse => return mouse::hand_over(state),
        Do::Zoom => state.zoomed = !state.zoomed,
        Do::Freeze => freeze(state),
        Do::Follow => follow(state),
        Do::Earlier => course::move_cursor(state, -1),
        Do::Later => course::move_cursor(state, 1),
        Do::EventsThen => return course::events_then(state),
        Do::Window => state.window = (state.window + 1) % WINDOWS.len(),
        Do::Redraw => return vec![Effect::Redraw],
        Do::Suspend => return vec![Effect::Suspend],
        Do::Gate => return ask_gate(state),
        Do::DryRun => return ask_dry_run(state),
        Do::Save => return save(state),
        Do::Quit => {
            if state.snapshot.mode == Some(Mode::Open) {
                state.popup = Some(Popup::Confirm(Confirm::Quit));
            } else {
                return drain(state);
            }
        }
        Do::Up => return move_cursor(state, -1),
        Do::Down => return move_cursor(state, 1),
        Do::PageUp => return move_cursor(state, -(state.events.room.max(2) as i64 - 1)),
        Do::PageDown => return move_cursor(state, state.events.room.max(2) as i64 - 1),
        Do::Top => return move_cursor(state, i64::MIN / 2),
        Do::Bottom => return move_cursor(state, i64::MAX / 2),
        Do::Open => return open(state),
        Do::Back => back(state),
        Do::NextMatch => return neighbour(state, 1),
        Do::PreviousMatch => return neighbour(state, -1),
        Do::Apply => return filters::apply(state),
        Do::ApplyForTime => {
            if state.draft.is_some() {
                state.popup = Some(Popup::ForTime(Input::new("15min".to_owned())));
            }
        }
        Do::DiscardDraft => filters::discard_draft(state),
        Do::LookThrough => filters::look_through(state),
        Do::Undo => return filters::undo(state),
        Do::Redo => return filters::redo(state),
        Do::History => state.popup = Some(Popup::History(0)),
        Do::Watches => watches::open(state),
        Do::Properties => properties::open(state),
        Do::FindProperty => return properties::find(state),
        Do::Presets => presets::open(state),
        Do::Toggle => filters::toggle(state),
        Do::Only | Do::All | Do::None => filters::select_types(state, does),
        Do::Unseen => filters::toggle_unseen(state),
        Do::Sort => {
            state.sort = match state.sort {
                Sort::Count => Sort::Rate,
                Sort::Rate => Sort::Name,
                Sort::Name => Sort::Count,
            };
        }
        Do::EditRule => return filters::edit_rule(state),
        Do::NewRule => return filters::new_rule(state),
        Do::ExcludeThis => return filters::rule_on_this(state, RuleEffect::Exclude),
        Do::OnlyThis => return filters::rule_on_this(state, RuleEffect::Include),
        Do::DeleteRule => filters::delete_rule(state),
        Do::RuleUp => filters::move_rule(state, -1),
        Do::RuleDown => filters::move_rule(state, 1),
        Do::Rule(number) => filters::toggle_rule(state, usize::from(number.max(1)) - 1),
        Do::Fold if state.letters.is_some() => letters::fold(state),
        Do::Fold => fold(state),
        Do::Copy => copy::ask(state),
        Do::Person => return person::ask(state),
        Do::Letters => {
            state.letters = match state.letters.take() {
                Some(_) => None,
                None => Some(Letters::default()),
            };
        }
        Do::Retry => return letters::retry(state),
        Do::RetryReason => return letters::retry_reason(state),
        Do::Older(what) => return seek::next(state, what, Way::Older),
        Do::Newer(what) => return seek::next(state, what, Way::Newer),
        Do::GoTo => state.popup = Some(Popup::GoTo(Input::default())),
        Do::Bookmark => seek::bookmark(state),
        Do::NextBookmark => return seek::next_bookmark(state),
        Do::ExportEvents => state.popup = Some(Popup::Export),
        Do::Export if state.letters.is_none() => return limit::export(state),
        Do::Export => return letters::export(state),
        Do::Discard => letters::discard(state),
        Do::TryNow => return vec![Effect::Pipeline(Command::Resume)],
        Do::Reload => return vec![Effect::Reload],
        Do::StoryUp | Do::StoryDown => {
            if let Some(inspector) = &mut state.inspector {
                let by = if does == Do::StoryUp { -1 } else { 1 };
                // How long the story is, the pane knows.
                inspector.story = stepped(inspector.story, by, LONGEST_STORY);
            }
        }
        Do::Tab => {
            if let Some(inspector) = &mut state.inspector {
                inspector.shows_mapped = !inspector.shows_mapped;
                inspector.line = 0;
            }
        }
    }
    Vec::new()
}

/// To the next pane that is shown.
fn move_focus(state: &mut State, by: usize) {
    let at = PANES.iter().position(|p| *p == state.focus).unwrap_or(0);
    let others = (1..=PANES.len()).map(|n| PANES[(at + n * by) % PANES.len()]);
    let mut shown = others.filter(|pane| !state.layout.hidden.contains(pane));
    state.focus = shown.next().unwrap_or(Pane::Events);
}

fn hide(state: &mut State) -> Vec<Effect> {
    let pane = state.focus;
    if pane == Pane::Events {
        let says = "the events stay: go to the pane that is to be hidden";
        state.inform(says);
        return Vec::new();
    }
    state.layout.hidden.insert(pane);
    state.zoomed = false;
    move_focus(state, 1);
    let says = format!("hidden: {} brings it back", state.key(Do::UsualLayout));
    state.inform(says);
    vec![Effect::Remember]
}

/// Gives the pane so many more columns and rows.
fn resize(state: &mut State, by: (i16, i16)) -> Vec<Effect> {
    if state.zoomed {
        return Vec::new();
    }
    let rooms = state.rooms();
    rooms.resize(state.focus, by, &mut state.layout);
    vec![Effect::Remember]
}

fn freeze(state: &mut State) {
    if state.frozen.take().is_some() {
        follow(state);
    } else {
        state.frozen = Some(state.snapshot.clone());
        hold_still(state);
    }
}

fn follow(state: &mut State) {
    state.frozen = None;
    state.events.following = true;
    state.events.cursor = None;
}

/// Stops following: what is shown stays where it is.
fn hold_still(state: &mut State) {
    let events = &mut state.events;
    if events.following {
        events.following = false;
        events.top = events.page.rows.first().map_or(0, |row| row.sequence);
    }
}

fn ask_gate(state: &mut State) -> Vec<Effect> {
    let refused = matches!(
        state.snapshot.delivery.breaker,
        BreakerState::Refused { .. }
    );
    let confirm = if refused {
        Confirm::Resume
    } else if state.snapshot.mode == Some(Mode::Open) {
        Confirm::Gate(Mode::Shut)
    } else {
        Confirm::Gate(Mode::Open)
    };
    state.popup = Some(Popup::Confirm(confirm));
    Vec::new()
}

/// Into dry run from an open gate stops forwarding: that is asked. Out of it the gate is shut.
fn ask_dry_run(state: &mut State) -> Vec<Effect> {
    match state.snapshot.mode {
        Some(Mode::Open) => {
            state.popup = Some(Popup::Confirm(Confirm::Gate(Mode::DryRun)));
            Vec::new()
        }
        Some(Mode::DryRun) => vec![Effect::Pipeline(Command::SetGate(Mode::Shut))],
        _ => vec![Effect::Pipeline(Command::SetGate(Mode::DryRun))],
    }
}

fn save(state: &mut State) -> Vec<Effect> {
    if state.labels.save_to.is_none() {
        state.refuse("the demo has no configuration file: nothing is saved");
        return Vec::new();
    }
    if state.draft.is_some() {
        let [apply, save] = [Do::Apply, Do::Save].map(|does| state.key(does));
        let says = format!("the draft is not in force: {apply} applies it, then {save} saves");
        state.refuse(says);
        return Vec::new();
    }
    // What is in force for a time only is not what is meant to stay.
    let filters = match &state.armed {
        Some(armed) => taken_back(&state.filters, &armed.before, &armed.after),
        None => state.filters.clone(),
    };
    vec![Effect::Save(filters)]
}

fn drain(state: &mut State) -> Vec<Effect> {
    if state.draining {
        return vec![Effect::Hurry];
    }
    state.popup = None;
    state.draining = true;
    vec![Effect::Drain]
}

fn move_cursor(state: &mut State, by: i64) -> Vec<Effect> {
    if state.letters.is_some() {
        letters::move_cursor(state, by);
        return Vec::new();
    }
    if let Some(inspector) = &mut state.inspector {
        let last = document(inspector).len().saturating_sub(1);
        inspector.line = stepped(inspector.line, by, last);
        return Vec::new();
    }
    match (state.over(), &mut state.limit, &mut state.properties) {
        (Over::Limit, Some(opened), _) => {
            limit::move_cursor(opened, by);
            return Vec::new();
        }
        (Over::Properties, _, Some(open)) => {
            properties::move_cursor(open, by);
            return Vec::new();
        }
        _ => {}
    }
    match state.focus {
        Pane::Filters => {
            let types = state.types();
            let count = types.len() + state.edited().rules.len();
            let row = stepped(state.filter_row(&types), by, count.saturating_sub(1));
            state.filter_cursor = match types.get(row) {
                Some(found) => FilterCursor::Type(Some(found.name.clone())),
                None => FilterCursor::Rule(row - types.len()),
            };
        }
        Pane::Violations => {
            let last = state.shown().limits.len().saturating_sub(1);
            state.violation = stepped(state.violation, by, last);
        }
        Pane::Events => move_in_events(state, by),
        Pane::Throughput | Pane::Delivery => {}
    }
    Vec::new()
}

fn move_in_events(state: &mut State, by: i64) {
    if by < -1_000_000 && state.frozen.is_none() {
        follow(state);
        return;
    }
    hold_still(state);
    let events = &mut state.events;
    let Some(last) = events.page.rows.len().checked_sub(1) else {
        return;
    };
    let wanted = match events.cursor_row() {
        Some(row) => row as i64 + by.clamp(-1_000_000_000, 1_000_000_000),
        // The first step only puts the cursor down.
        None => 0,
    };
    if wanted < 0 || wanted > last as i64 {
        let over = if wanted < 0 {
            wanted
        } else {
            wanted - last as i64
        };
        events.shift = over;
        // The cursor goes to the edge, and with the page when that has moved.
        events.cursor = None;
        let edge = if wanted < 0 { 0 } else { last };
        state.events.cursor = state.events.page.rows.get(edge).map(|row| row.sequence);
        shift_cursor(state, over);
    } else {
        events.cursor = events
            .page
            .rows
            .get(wanted as usize)
            .map(|row| row.sequence);
    }
}

/// Without a find the numbers have no gaps: the cursor's next event is known before the page is.
fn shift_cursor(state: &mut State, by: i64) {
    let events = &mut state.events;
    if events.find.is_some() {
        return;
    }
    let Some(cursor) = events.cursor else { return };
    let newest = events.page.rows.first().map_or(cursor, |row| row.sequence) + events.page.above;
    let oldest = (newest + 1).saturating_sub(events.page.total).max(1);
    events.cursor = Some(cursor.saturating_add_signed(-by).clamp(oldest, newest));
}

fn open(state: &mut State) -> Vec<Effect> {
    if state.letters.is_some() {
        return letters::open(state);
    }
    if state.focus == Pane::Delivery {
        state.letters = Some(Letters::default());
        return Vec::new();
    }
    if state.over() == Over::Nothing && state.focus == Pane::Violations {
        limit::open(state);
        if state.limit.is_none() {
            state.inform("no limit is broken");
        }
        return Vec::new();
    }
    let sequence = match &state.limit {
        Some(opened) if state.over() == Over::Limit => limit::example(opened),
        _ => seek::at(state),
    };
    let Some(sequence) = sequence else {
        state.inform("there is no event yet");
        return Vec::new();
    };
    let is_open = |inspector: &Inspector| inspector.sequence == sequence;
    if state.inspector.as_ref().is_some_and(is_open) {
        return Vec::new();
    }
    inspect(state, sequence)
}

fn inspect(state: &mut State, sequence: u64) -> Vec<Effect> {
    let shows_mapped = state.inspector.take().is_some_and(|i| i.shows_mapped);
    state.inspector = Some(Inspector {
        sequence,
        found: None,
        story: 0,
        shows_mapped,
        line: 0,
        folded: Default::default(),
    });
    vec![Effect::Inspect(sequence)]
}

fn back(state: &mut State) {
    if state.letters.is_some() {
        letters::back(state);
        return;
    }
    if state.inspector.take().is_some() || state.properties.take().is_some() {
        return;
    }
    if state.person.is_some() {
        person::close(state);
        return;
    }
    if state.limit.take().is_some() {
        return;
    }
    if state.moment_ms.take().is_some() {
        return;
    }
    if state.zoomed {
        state.zoomed = false;
    } else if state.events.find.take().is_some() || !state.events.following {
        follow(state);
    } else {
        filters::discard_draft(state);
    }
}

/// Goes to the event one row below or above, and inspects that one if one is inspected.
fn neighbour(state: &mut State, by: i64) -> Vec<Effect> {
    let Some(inspector) = &state.inspector else {
        return move_cursor(state, by);
    };
    let at = inspector.sequence;
    state.events.cursor = Some(at);
    let inspecting = state.inspector.take();
    move_in_events(state, by);
    state.inspector = inspecting;
    match state.events.cursor.filter(|next| *next != at) {
        Some(next) => inspect(state, next),
        None => Vec::new(),
    }
}

fn document(inspector: &Inspector) -> Vec<json::JsonLine> {
    let raw = match &inspector.found {
        Some(found) if inspector.shows_mapped => found.mapped.as_str(),
        Some(found) => found.record.text(),
        None => "",
    };
    json::lines(raw, &inspector.folded[usize::from(inspector.shows_mapped)])
}

fn fold(state: &mut State) {
    let Some(inspector) = &mut state.inspector else {
        return;
    };
    let lines = document(inspector);
    let Some(path) = json::path_to_fold(&lines, inspector.line) else {
        return;
    };
    let folded = &mut inspector.folded[usize::from(inspector.shows_mapped)];
    if !folded.remove(&path) {
        folded.insert(path.clone());
    }
    let lines = document(inspector);
    inspector.line = lines.iter().position(|l| l.path == path).unwrap_or(0);
}
