//! The behaviour of the screen, as a pure function: it changes the state and returns effects.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::feed::FeedState;
use crate::protocol::Applied;
use crate::tui::action::{Action, CommandFailure, CommandKind, Effect};
use crate::tui::audit::update as audit;
use crate::tui::compare::update as compare;
use crate::tui::customerio::update as customerio;
use crate::tui::dead_letters::update as dead_letters;
use crate::tui::delivery::update::drain;
use crate::tui::detail::update as detail;
use crate::tui::events::export_file;
use crate::tui::events::jump;
use crate::tui::events::state::Edge;
use crate::tui::filters::apply as apply_filters;
use crate::tui::frame::focus::PopupKind;
use crate::tui::frame::notice::Situation;
use crate::tui::frame::popup::Popup;
use crate::tui::frame::update::{look_for_alerts, on_snapshot};
use crate::tui::input::keys::on_key;
use crate::tui::input::mouse;
use crate::tui::input::popup::type_into_popup;
use crate::tui::inspector::update::on_inspected;
use crate::tui::limits::update as limits;
use crate::tui::person::update as person;
use crate::tui::properties::update as properties;
use crate::tui::range::update as range;
use crate::tui::row::{retry, update as row};
use crate::tui::state::State;
use crate::tui::watches::update as watches;
use crate::tui::why::update as why;

/// Applies an action. Returns the effects for the shell.
pub fn update(state: &mut State, action: Action) -> Vec<Effect> {
    let (notice, before) = (state.notice.clone(), situation(state));
    let effects = apply(state, action);
    // A notice ends with its subject.
    if let Some(notice) = notice
        && state.notice.as_ref() == Some(&notice)
        && before.differs(&situation(state), notice.subject)
    {
        state.notice = None;
    }
    effects
}

fn situation(state: &State) -> Situation {
    let popup = state.popup.as_ref().map(std::mem::discriminant);
    let snapshot = &state.snapshot;
    Situation {
        place: (state.input_context(), popup, state.events.find.is_some()),
        is_feed_down: matches!(snapshot.feed.state, FeedState::Down { .. }),
        breaker: std::mem::discriminant(&snapshot.delivery.breaker),
    }
}

#[expect(
    clippy::too_many_lines,
    reason = "a table: an arm for each thing that can happen"
)]
fn apply(state: &mut State, action: Action) -> Vec<Effect> {
    match action {
        Action::Key(key) => on_key(state, key),
        Action::Mouse(event) => mouse::on_mouse(state, event),
        Action::Paste(text) => {
            // Pasted text answers no question and chooses nothing.
            let takes_text = |popup: &Popup| popup.kind() == PopupKind::Text;
            if !state.popup.as_ref().is_some_and(takes_text) {
                return Vec::new();
            }
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
            effects.extend(apply_filters::end_temporary_change(state));
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
            // The cursor was moved beyond the rows that were visible then.
            let row = match events.edge.take() {
                Some(Edge::Top) => page.rows.first(),
                Some(Edge::Bottom) => page.rows.last(),
                None => None,
            };
            events.cursor = row.map_or(events.cursor, |row| Some(row.sequence));
            events.page = page;
            Vec::new()
        }
        Action::Inspected(found) => {
            on_inspected(state, found);
            Vec::new()
        }
        Action::Followed(followed) => {
            detail::follow(state, followed);
            Vec::new()
        }
        Action::Applied(kind, result) => applied(state, kind, result),
        Action::Notice(notice) => {
            state.report(notice);
            Vec::new()
        }
        Action::Exported(exported) => {
            export_file::exported(state, exported);
            Vec::new()
        }
        Action::Reloaded(Ok((report, now))) => {
            apply_filters::read(state, &now);
            state.presets = report.presets;
            state.report(Ok(report.notice));
            Vec::new()
        }
        Action::Reloaded(Err(why)) => {
            state.report(Err(why));
            Vec::new()
        }
        Action::Properties(event_type, found) => {
            properties::found(state, &event_type, *found);
            Vec::new()
        }
        Action::Watched(seen) => {
            let mut effects = watches::take_counts(state, seen);
            effects.extend(look_for_alerts(state));
            effects
        }
        Action::RangeCounted(of, figures) => {
            range::counted(state, of, *figures);
            Vec::new()
        }
        Action::RangesCompared(ranges, figures) => {
            compare::ranges_counted(state, ranges, &figures);
            Vec::new()
        }
        Action::PairLoaded(pair, found) => {
            compare::pair_loaded(state, pair, found);
            Vec::new()
        }
        Action::JumpFound(sought, found) => jump::found(state, sought, found),
        Action::Who(identity) => {
            person::open(state, identity);
            Vec::new()
        }
        Action::Loaded(what, found) => row::loaded(state, what, found),
        Action::DeadLettersOfEvent(found) => retry::found(state, found),
        Action::Answered(asked, answer) => {
            why::answered(state, &asked, *answer);
            Vec::new()
        }
        Action::CustomerIoAnswered(about, answer) => {
            customerio::answered(state, &about, answer);
            Vec::new()
        }
        Action::AuditReads(run, done, of) => {
            audit::reads(state, run, done, of);
            Vec::new()
        }
        Action::Audited(run, found) => {
            audit::audited(state, run, found);
            Vec::new()
        }
        Action::AuditedEvent(id, sequence) => audit::found(state, id, sequence),
        Action::Summarized(identity, summary) => {
            person::summarized(state, &identity, *summary);
            Vec::new()
        }
        Action::BrokenDown(code, breakdown) => {
            limits::broken_down(state, code, *breakdown);
            Vec::new()
        }
        Action::Catalog(catalog) => {
            state.catalog = catalog;
            match &mut state.popup {
                Some(Popup::Rule(editor)) => editor.check(&state.catalog),
                Some(Popup::Find(prompt)) => prompt.check(&state.catalog),
                Some(Popup::Watches(list)) => {
                    if let Some(editor) = &mut list.editor {
                        editor.check(&state.catalog);
                    }
                }
                _ => {}
            }
            Vec::new()
        }
        Action::Previewed(preview) => {
            // What was being made when the draft was closed is of no use.
            if state.proposed().is_some() {
                state.preview = Some(*preview);
            }
            Vec::new()
        }
        Action::DeadLetters(found) => {
            dead_letters::found(state, found);
            Vec::new()
        }
        Action::NewestDeadLetter(group, found) => {
            let found = found.map(|newest| newest.map(|boxed| *boxed));
            dead_letters::newest_found(state, group, found);
            Vec::new()
        }
        // The frame that it causes shows the rest of the event.
        Action::Fetched(Ok(())) => Vec::new(),
        Action::Fetched(Err(why)) => update(state, Action::Notice(Err(why))),
        Action::Hangup => vec![Effect::Reload],
        Action::TerminalGone if state.draining => Vec::new(),
        Action::Terminated | Action::TerminalGone => drain(state),
        Action::Drained => vec![Effect::Close],
    }
}

/// The forwarder has answered a command.
fn applied(
    state: &mut State,
    kind: CommandKind,
    result: Result<Applied, CommandFailure>,
) -> Vec<Effect> {
    state.applying = state.applying.saturating_sub(1);
    match (kind, result) {
        (CommandKind::Filters, Ok(applied)) => {
            apply_filters::confirmed(state, applied.filters_version);
            Vec::new()
        }
        (CommandKind::Filters, Err(failure)) => {
            apply_filters::refused(state, failure);
            Vec::new()
        }
        (CommandKind::Other, Ok(applied)) => {
            if !applied.message.is_empty() {
                state.report(Ok(applied.message));
            }
            dead_letters::look_again(state)
        }
        (CommandKind::Other, Err(failure)) => {
            state.report(Err(failure.to_string()));
            Vec::new()
        }
    }
}
