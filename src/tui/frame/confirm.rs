//! Questions that the operator answers with yes or no.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::filter::Mode;
use crate::text::{counted, grouped};
use crate::tui::frame::focus::PopupKind;
use crate::tui::frame::popup::Confirm;
use crate::tui::input::keymap::{Command, PopupCommand};
use crate::tui::state::State;
use crate::tui::widget::theme::Theme;
use crate::tui::widget::{pane, text};

/// The area of the question, and its lines, wrapped.
fn layout(area: Rect, confirm: &Confirm, state: &State) -> (Rect, &'static str, Vec<String>) {
    let (title, mut lines) = question(confirm, state);
    lines.retain(|line| !line.is_empty());
    let widths = lines.iter().map(|line| text::width(line));
    let widest = widths.max().unwrap_or(0).max(36) as u16;
    let columns = (widest + 6).min(area.width.saturating_sub(4));
    let width = usize::from(columns).saturating_sub(6).max(1);
    let lines = lines.iter().flat_map(|line| text::wrap(line, width));
    let lines: Vec<String> = lines.collect();
    let rows = lines.len() as u16 + 3 + 2 * gap(area, &lines);
    (pane::centred(area, columns, rows), title, lines)
}

/// Empty rows above and below the lines of a question: a low screen has no room for them.
fn gap(area: Rect, lines: &[String]) -> u16 {
    u16::from(usize::from(area.height) >= lines.len() + 5)
}

/// The answer that is written at a position of the screen.
pub(crate) fn answer_at(state: &State, confirm: &Confirm, at: Position) -> Option<PopupCommand> {
    let area = Rect::new(0, 0, state.size.0, state.size.1);
    let (room, _, lines) = layout(area, confirm, state);
    let row = room.y + 1 + 2 * gap(area, &lines) + lines.len() as u16;
    if at.y != row || !room.contains(at) {
        return None;
    }
    let yes = Command::InPopup(PopupCommand::Yes);
    let yes = state.keymap.popup_key(yes, PopupKind::Question);
    let column = usize::from(at.x.saturating_sub(room.x + 1));
    // Two spaces, the key, and “ yes”.
    let ends = 2 + text::width(yes) + 4;
    match column {
        0..2 => None,
        column if column < ends => Some(PopupCommand::Yes),
        column if (ends + 4..ends + 10).contains(&column) => Some(PopupCommand::No),
        _ => None,
    }
}

pub(crate) fn render(
    frame: &mut Frame<'_>,
    area: Rect,
    confirm: &Confirm,
    state: &State,
    theme: &Theme,
) {
    let (room, title, wrapped) = layout(area, confirm, state);
    let inside = pane::frame(frame, room, pane::Title::left(title), true, theme);
    let key = |does| {
        let does = Command::InPopup(does);
        state.keymap.popup_key(does, PopupKind::Question)
    };
    let gap = vec![Line::default(); usize::from(gap(area, &wrapped))];
    let mut drawn = gap.clone();
    drawn.extend(
        wrapped
            .iter()
            .map(|line| Line::styled(format!("  {line}"), theme.text)),
    );
    drawn.extend(gap);
    drawn.push(Line::from(vec![
        Span::styled(format!("  {}", key(PopupCommand::Yes)), theme.key),
        Span::styled(" yes    ", theme.dim),
        Span::styled(key(PopupCommand::No), theme.key),
        Span::styled(" no", theme.dim),
    ]));
    frame.render_widget(Paragraph::new(drawn), inside);
}

/// The title of a question, and lines that say what the answer "yes" does.
fn question(confirm: &Confirm, state: &State) -> (&'static str, Vec<String>) {
    let workspace = &state.labels.workspace;
    let export = state.key(Command::Export);
    match confirm {
        Confirm::Gate(mode) => gate(*mode, state),
        Confirm::Resume => {
            let why = state.snapshot.delivery.breaker.why().unwrap_or_default();
            let queued = counted(state.snapshot.delivery.spool.items, "item");
            (
                "Retry now?",
                vec![why.to_owned(), format!("Queued for {workspace}: {queued}.")],
            )
        }
        Confirm::RetryDeadLetters(_, count) => {
            let place = match state.snapshot.group {
                Some(_) => "stream",
                None => "spool",
            };
            (
                "Retry the dead letters?",
                vec![
                    format!("Back into the {place}: {}.", counted(*count, "dead letter")),
                    format!("What is in the {place} is sent to {workspace}."),
                ],
            )
        }
        Confirm::DiscardDeadLetters(_, 1) => (
            "Discard the dead letter?",
            vec![format!(
                "It is deleted for good. To keep a copy, export it first ({export})."
            )],
        ),
        Confirm::DiscardDeadLetters(_, count) => (
            "Discard the dead letters?",
            vec![
                format!("{} dead letters are deleted for good.", grouped(*count)),
                format!("To keep a copy, export them first ({export})."),
            ],
        ),
        Confirm::Quit => (
            "Quit?",
            vec![
                format!("Forwarding to {workspace} stops."),
                "Queued items are delivered first. Items that can't be".to_owned(),
                "delivered now stay in the spool for the next start.".to_owned(),
            ],
        ),
    }
}

fn gate(mode: Mode, state: &State) -> (&'static str, Vec<String>) {
    let workspace = &state.labels.workspace;
    match mode {
        Mode::Open => {
            let queued = match state.snapshot.delivery.spool.items {
                0 => String::new(),
                items => format!("Sent first: {}.", counted(items, "queued item")),
            };
            (
                "Open the gate?",
                vec![
                    format!("Events will be sent to {workspace}"),
                    format!("({}),", state.labels.destination),
                    "and people can get messages because of them.".to_owned(),
                    queued,
                ],
            )
        }
        Mode::Shut => (
            "Shut the gate?",
            vec![
                format!("Nothing more will be sent to {workspace}."),
                "New events are dropped while the gate is shut.".to_owned(),
                "Items in the spool stay queued.".to_owned(),
            ],
        ),
        Mode::DryRun => (
            "Start a dry run?",
            vec![
                format!("Events are decided and mapped, but not sent to {workspace}."),
                "New events are dropped during the dry run.".to_owned(),
                "Items in the spool stay queued.".to_owned(),
            ],
        ),
    }
}
