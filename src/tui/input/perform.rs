//! The table of commands and the functions that carry them out.

use tui_input::Input;

use crate::filter::{Mode, RuleEffect};
use crate::privacy::mask::Privacy;
use crate::protocol::series::WINDOWS;
use crate::tui::action::Effect;
use crate::tui::audit::update as audit;
use crate::tui::compare::update as compare;
use crate::tui::copy::update as copy;
use crate::tui::customerio::update as customerio;
use crate::tui::dead_letters::state::DeadLetters;
use crate::tui::dead_letters::update as dead_letters;
use crate::tui::delivery::retry_now;
use crate::tui::delivery::update::{ask_dry_run, ask_gate, drain};
use crate::tui::detail::update as detail;
use crate::tui::events::columns::state::ColumnChooser;
use crate::tui::events::export_file;
use crate::tui::events::find_update;
use crate::tui::events::jump;
use crate::tui::events::reveal::reveal;
use crate::tui::events::seek::Direction;
use crate::tui::events::update::{follow, freeze, next_list, toggle_context};
use crate::tui::filters::apply;
use crate::tui::filters::presets::update as presets;
use crate::tui::filters::state::Sort;
use crate::tui::filters::undo;
use crate::tui::filters::update as filters;
use crate::tui::filters::update::save;
use crate::tui::frame::focus::{OverlayKind, PANES, Pane};
use crate::tui::frame::layout::Layout;
use crate::tui::frame::overlays::Overlay;
use crate::tui::frame::popup::{Confirm, Popup};
use crate::tui::frame::update::{hide, move_focus, resize};
use crate::tui::input::help::state::Help;
use crate::tui::input::keymap::Command;
use crate::tui::input::list_find::update as list_find;
use crate::tui::input::mouse_owner::hand_over;
use crate::tui::input::navigate::{back, move_cursor, neighbour, open};
use crate::tui::input::palette::state::Palette;
use crate::tui::inspector::update::{LONGEST_STORY, fold, next_view};
use crate::tui::limits::update as limits;
use crate::tui::person::update as person;
use crate::tui::properties::update as properties;
use crate::tui::range::update as range;
use crate::tui::row::kind::RowAction;
use crate::tui::row::selection;
use crate::tui::row::update as row;
use crate::tui::searches::update as searches;
use crate::tui::stages::update as stages;
use crate::tui::state::State;
use crate::tui::throughput::update as throughput;
use crate::tui::tour::update as tour;
use crate::tui::watches::update as watches;
use crate::tui::why::update as why;
use crate::tui::widget::list::stepped;

/// Carries out a command.
#[expect(
    clippy::too_many_lines,
    reason = "a table: an arm for each thing that can be done"
)]
pub(crate) fn perform(state: &mut State, does: Command) -> Vec<Effect> {
    if reveal(state, does) {
        return Vec::new();
    }
    match does {
        Command::Help => state.popup = Some(Popup::Help(Help::default())),
        Command::Find => {
            if !list_find::open(state) {
                return find_update::open(state);
            }
        }
        Command::Searches => searches::open(state),
        // These keys work only while a popup is open, which gets them itself.
        Command::InPopup(_) => {}
        Command::Palette => state.popup = Some(Popup::Palette(Palette::default())),
        Command::FocusFilters => {
            state.layout.hidden.remove(&Pane::Filters);
            state.focus = Pane::Filters;
            state.zoomed = false;
        }
        Command::NextPane => move_focus(state, 1),
        Command::PreviousPane => move_focus(state, PANES.len() - 1),
        Command::Hide => return hide(state),
        Command::Wider => return resize(state, (4, 0)),
        Command::Narrower => return resize(state, (-4, 0)),
        Command::Higher => return resize(state, (0, 1)),
        Command::Lower => return resize(state, (0, -1)),
        Command::ResetLayout => {
            state.layout = Layout::default();
            state.notify("layout reset");
            return vec![Effect::Remember];
        }
        Command::Private => {
            state.privacy = match state.privacy {
                Some(_) => None,
                None => Some(Privacy { salt: state.salt }),
            };
            let link = state.snapshot.link.as_ref();
            let message = match state.privacy {
                _ if link.is_some_and(|link| link.people_masked) => {
                    "the forwarder masks people for viewers (control.privacy); this screen never has them"
                }
                Some(_) => "personal data hidden, also in copies; exported files still contain it",
                None => "personal data shown",
            };
            state.notify(message);
        }
        Command::Colours => {
            state.colours = state.colours.next();
            let message = format!("colours: {}", state.colours);
            state.notify(message);
            return vec![Effect::Colours(state.colours)];
        }
        Command::Mouse => return hand_over(state),
        Command::Tour => tour::open(state),
        Command::OpenExport => return export_file::open(state),
        Command::Zoom => detail::zoom(state),
        Command::Freeze => freeze(state),
        Command::Follow => follow(state),
        Command::NextList => next_list(state),
        Command::OnlyMatches => toggle_context(state),
        Command::Stages => stages::toggle(state),
        Command::Why => why::ask(state),
        Command::AskCustomerIo => return customerio::ask(state),
        Command::Audit => return audit::open(state),
        Command::StopAudit => return audit::stop(state),
        Command::Earlier if in_audit(state) => audit::move_by(state, -1),
        Command::Later if in_audit(state) => audit::move_by(state, 1),
        Command::Earlier => throughput::move_cursor(state, -1),
        Command::Later => throughput::move_cursor(state, 1),
        Command::EventsThen => return throughput::events_then(state),
        Command::Range => range::toggle(state),
        Command::CopySummary => return range::copy_summary(state),
        Command::CompareRanges => compare::chosen_ranges(state),
        Command::CompareEvents => return compare::selected_events(state),
        Command::ZoomRange => range::zoom(state),
        Command::Window if state.span.take().is_some() => {}
        Command::Window => state.window = (state.window + 1) % WINDOWS.len(),
        Command::Redraw => return vec![Effect::Redraw],
        Command::Suspend => return vec![Effect::Suspend],
        Command::Gate => return ask_gate(state),
        Command::DryRun => return ask_dry_run(state),
        Command::Save => return save(state),
        Command::Quit => {
            if state.snapshot.link.is_some() {
                // The forwarder is another process, and goes on.
                return vec![Effect::Close];
            }
            if state.snapshot.mode == Some(Mode::Open) {
                state.popup = Some(Popup::Confirm(Confirm::Quit));
            } else {
                return drain(state);
            }
        }
        Command::Up => return move_cursor(state, -1),
        Command::Down => return move_cursor(state, 1),
        Command::HalfUp => return move_cursor(state, -half_page(state)),
        Command::HalfDown => return move_cursor(state, half_page(state)),
        Command::PageUp => return move_cursor(state, -(state.events.room.max(2) as i64 - 1)),
        Command::PageDown => return move_cursor(state, state.events.room.max(2) as i64 - 1),
        Command::Top => return move_cursor(state, i64::MIN / 2),
        Command::Bottom => return move_cursor(state, i64::MAX / 2),
        Command::Open => return open(state),
        Command::Back => back(state),
        Command::NextMatch => return neighbour(state, 1),
        Command::PreviousMatch => return neighbour(state, -1),
        Command::Apply => return apply::apply(state),
        Command::ApplyForTime => {
            if state.draft.is_some() {
                state.popup = Some(Popup::ForTime(Input::new("15min".to_owned())));
            }
        }
        Command::DiscardDraft => undo::discard_draft(state),
        Command::LookThrough => filters::toggle_draft_events(state),
        Command::Undo => return undo::undo(state),
        Command::Redo => return undo::redo(state),
        Command::History => state.popup = Some(Popup::History(0)),
        Command::Watches => return watches::open(state),
        Command::Properties => properties::open(state),
        Command::FindProperty => return properties::find(state),
        Command::Presets => presets::open(state),
        Command::Toggle => filters::toggle(state),
        Command::Only | Command::All | Command::None => filters::select_types(state, does),
        Command::Unseen => filters::toggle_unseen(state),
        Command::Sort => {
            state.sort = match state.sort {
                Sort::Count => Sort::Rate,
                Sort::Rate => Sort::Name,
                Sort::Name => Sort::Count,
            };
        }
        Command::EditRule => return filters::edit_rule(state),
        Command::NewRule => return filters::new_rule(state),
        Command::ExcludeThis if state.overlays.inspector().is_none() => {
            return row::ask(state, RowAction::Exclude);
        }
        Command::ExcludeThis => return filters::rule_on_this(state, RuleEffect::Exclude),
        Command::OnlyThis => return filters::rule_on_this(state, RuleEffect::Include),
        Command::DeleteRule => filters::delete_rule(state),
        Command::RuleUp => filters::move_rule(state, -1),
        Command::RuleDown => filters::move_rule(state, 1),
        Command::Rule(number) => filters::toggle_rule(state, usize::from(number.max(1)) - 1),
        Command::Fold if state.overlays.dead_letters().is_some() => dead_letters::fold(state),
        Command::Fold => fold(state),
        Command::Copy => return copy::ask(state),
        Command::Person => return person::ask(state),
        Command::DeadLetters => {
            if state.overlays.close(OverlayKind::DeadLetters).is_none() {
                let dead_letters = Overlay::DeadLetters(DeadLetters::default());
                state.overlays.push(dead_letters);
            }
        }
        Command::Retry => return dead_letters::retry(state),
        Command::RetryEvent => return row::ask(state, RowAction::Retry),
        Command::RetryReason => return dead_letters::retry_reason(state),
        Command::Older(what) => return jump::next(state, what, Direction::Older),
        Command::Newer(what) => return jump::next(state, what, Direction::Newer),
        Command::GoTo => state.popup = Some(Popup::GoTo(Input::default())),
        Command::Select if state.overlays.dead_letters().is_some() => dead_letters::select(state),
        Command::Select => selection::toggle(state),
        Command::Bookmark if acts_on_selection(state) => selection::bookmark(state),
        Command::Bookmark => jump::bookmark(state),
        Command::NextBookmark => return jump::next_bookmark(state),
        Command::ExportEvents => state.popup = Some(Popup::Export),
        Command::Columns => state.popup = Some(Popup::Columns(ColumnChooser::default())),
        Command::Export if state.overlays.dead_letters().is_none() => return limits::export(state),
        Command::Export => return dead_letters::export(state),
        Command::Discard => dead_letters::discard(state),
        Command::TryNow => return retry_now::ask(state),
        Command::Reload => return vec![Effect::Reload],
        Command::StoryUp | Command::StoryDown => {
            if let Some(inspector) = state.overlays.inspector_mut() {
                let by = if does == Command::StoryUp { -1 } else { 1 };
                // The view limits this to the length of the history.
                inspector.story = stepped(inspector.story, by, LONGEST_STORY);
            }
        }
        Command::Tab => next_view(state),
    }
    Vec::new()
}

/// Half the rows of the events pane, the longest list.
fn half_page(state: &State) -> i64 {
    (state.events.room as i64 / 2).max(1)
}

/// Whether a command acts on the selected events, and not on one that is open.
fn acts_on_selection(state: &State) -> bool {
    !state.events.selected.is_empty() && state.overlays.is_empty()
}

fn in_audit(state: &State) -> bool {
    state.overlays.top_kind() == Some(OverlayKind::Audit)
}
