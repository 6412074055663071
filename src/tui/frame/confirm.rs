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

/// The area of the question, and its lines.
fn layout(area: Rect, confirm: &Confirm, state: &State) -> (Rect, &'static str, Vec<String>) {
    let (title, mut lines) = question(confirm, state);
    lines.retain(|line| !line.is_empty());
    let widths = lines.iter().map(|line| text::width(line));
    let widest = widths.max().unwrap_or(0).max(36) as u16;
    let columns = (widest + 6).min(area.width - 4);
    let room = pane::centred(area, columns, lines.len() as u16 + 5);
    (room, title, lines)
}

/// The answer that is written at a position of the screen.
pub(crate) fn answer_at(state: &State, confirm: &Confirm, at: Position) -> Option<PopupCommand> {
    let area = Rect::new(0, 0, state.size.0, state.size.1);
    let (room, _, lines) = layout(area, confirm, state);
    if at.y != room.y + 3 + lines.len() as u16 || !room.contains(at) {
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
    let (room, title, lines) = layout(area, confirm, state);
    let inside = pane::frame(frame, room, pane::Title::left(title), true, theme);
    let width = usize::from(inside.width).saturating_sub(4);
    let key = |does| {
        let does = Command::InPopup(does);
        state.keymap.popup_key(does, PopupKind::Question)
    };
    let mut drawn = vec![Line::default()];
    drawn.extend(
        lines
            .iter()
            .map(|line| Line::styled(format!("  {}", text::cut(line, width)), theme.text)),
    );
    drawn.push(Line::default());
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
        Confirm::RetryDeadLetters(_, count) => (
            "Retry the dead letters?",
            vec![
                format!("Back into the spool: {}.", counted(*count, "dead letter")),
                format!("What is in the spool is sent to {workspace}."),
            ],
        ),
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
