//! Every command, and the function that carries it out.

use tui_input::Input;

use crate::filter::{Effect as RuleEffect, Mode};
use crate::protocol::Command;
use crate::protocol::series::WINDOWS;
use crate::tui::action::Effect;
use crate::tui::copy::update as copy;
use crate::tui::dead_letters::state::Letters;
use crate::tui::dead_letters::update as dead_letters;
use crate::tui::delivery::update::{ask_dry_run, ask_gate, drain};
use crate::tui::events::jump;
use crate::tui::events::seek::Way;
use crate::tui::events::update::{follow, freeze};
use crate::tui::filters::presets::update as presets;
use crate::tui::filters::state::Sort;
use crate::tui::filters::update as filters;
use crate::tui::filters::update::save;
use crate::tui::frame::focus::{PANES, Pane};
use crate::tui::frame::layout::Layout;
use crate::tui::frame::popup::{Confirm, Popup};
use crate::tui::frame::update::{hide, move_focus, resize};
use crate::tui::input::keymap::Do;
use crate::tui::input::mouse_owner::hand_over;
use crate::tui::input::navigate::{back, move_cursor, neighbour, open};
use crate::tui::input::palette::state::Palette;
use crate::tui::inspector::update::{LONGEST_STORY, fold};
use crate::tui::limits::update as limits;
use crate::tui::person::update as person;
use crate::tui::privacy::mask::Privacy;
use crate::tui::properties::update as properties;
use crate::tui::state::State;
use crate::tui::throughput::update as throughput;
use crate::tui::watches::update as watches;
use crate::tui::widget::list::stepped;

/// Does what a key, or a command's name, stands for.
#[expect(
    clippy::too_many_lines,
    reason = "a table: an arm for each thing that can be done"
)]
pub(crate) fn perform(state: &mut State, does: Do) -> Vec<Effect> {
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
        Do::Mouse => return hand_over(state),
        Do::Zoom => state.zoomed = !state.zoomed,
        Do::Freeze => freeze(state),
        Do::Follow => follow(state),
        Do::Earlier => throughput::move_cursor(state, -1),
        Do::Later => throughput::move_cursor(state, 1),
        Do::EventsThen => return throughput::events_then(state),
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
        Do::Fold if state.letters.is_some() => dead_letters::fold(state),
        Do::Fold => fold(state),
        Do::Copy => copy::ask(state),
        Do::Person => return person::ask(state),
        Do::Letters => {
            state.letters = match state.letters.take() {
                Some(_) => None,
                None => Some(Letters::default()),
            };
        }
        Do::Retry => return dead_letters::retry(state),
        Do::RetryReason => return dead_letters::retry_reason(state),
        Do::Older(what) => return jump::next(state, what, Way::Older),
        Do::Newer(what) => return jump::next(state, what, Way::Newer),
        Do::GoTo => state.popup = Some(Popup::GoTo(Input::default())),
        Do::Bookmark => jump::bookmark(state),
        Do::NextBookmark => return jump::next_bookmark(state),
        Do::ExportEvents => state.popup = Some(Popup::Export),
        Do::Export if state.letters.is_none() => return limits::export(state),
        Do::Export => return dead_letters::export(state),
        Do::Discard => dead_letters::discard(state),
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
