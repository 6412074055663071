//! Questions that the operator answers with yes or no.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::filter::Mode;
use crate::text::{counted, grouped};
use crate::tui::frame::popup::Confirm;
use crate::tui::state::State;
use crate::tui::widget::theme::Theme;
use crate::tui::widget::{pane, text};

pub(crate) fn render(
    frame: &mut Frame<'_>,
    area: Rect,
    confirm: &Confirm,
    state: &State,
    theme: &Theme,
) {
    let (title, mut lines) = question(confirm, state);
    lines.retain(|line| !line.is_empty());
    let widest = lines
        .iter()
        .map(|line| text::width(line))
        .max()
        .unwrap_or(0)
        .max(36) as u16;
    let room = pane::centred(
        area,
        (widest + 6).min(area.width - 4),
        lines.len() as u16 + 5,
    );
    let inside = pane::frame(frame, room, pane::Title::left(title), true, theme);
    let width = usize::from(inside.width).saturating_sub(4);
    let mut drawn = vec![Line::default()];
    drawn.extend(
        lines
            .iter()
            .map(|line| Line::styled(format!("  {}", text::cut(line, width)), theme.text)),
    );
    drawn.push(Line::default());
    drawn.push(Line::from(vec![
        Span::styled("  y", theme.key),
        Span::styled(" yes    ", theme.dim),
        Span::styled("n", theme.key),
        Span::styled(" no", theme.dim),
    ]));
    frame.render_widget(Paragraph::new(drawn), inside);
}

/// The title of a question, and lines that say what the answer "yes" does.
fn question(confirm: &Confirm, state: &State) -> (&'static str, Vec<String>) {
    let workspace = &state.labels.workspace;
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
            vec!["It is deleted for good. To keep a copy, export it first (e).".to_owned()],
        ),
        Confirm::DiscardDeadLetters(_, count) => (
            "Discard the dead letters?",
            vec![
                format!("{} dead letters are deleted for good.", grouped(*count)),
                "To keep a copy, export them first (e).".to_owned(),
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
