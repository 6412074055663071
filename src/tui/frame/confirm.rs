//! A question with yes and no.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::filter::Mode;
use crate::text::grouped;
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
    let (title, mut lines) = asked(confirm, state);
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
    let inside = pane::frame(frame, room, title, "", true, theme);
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

/// The question, and what the answer yes does.
fn asked(confirm: &Confirm, state: &State) -> (&'static str, Vec<String>) {
    let workspace = &state.labels.workspace;
    let destination = &state.labels.destination;
    match confirm {
        Confirm::Gate(Mode::Open) => (
            "Open the gate?",
            vec![
                format!("Events will be sent to {workspace}"),
                format!("({destination}),"),
                "and people can get messages because of them.".to_owned(),
                match state.snapshot.delivery.spool.items {
                    0 => String::new(),
                    items => format!("{} items in the spool go out first.", grouped(items)),
                },
            ],
        ),
        Confirm::Gate(Mode::Shut) => (
            "Shut the gate?",
            vec![
                format!("Nothing more will be sent to {workspace}."),
                "What is in the spool waits. Events that come by meanwhile".to_owned(),
                "are held back, not kept.".to_owned(),
            ],
        ),
        Confirm::Gate(Mode::DryRun) => (
            "Into dry run?",
            vec![
                format!("Events are decided and mapped; none is sent to {workspace}."),
                "What comes by meanwhile is not kept.".to_owned(),
            ],
        ),
        Confirm::Resume => (
            "Try again?",
            vec![
                state
                    .snapshot
                    .delivery
                    .breaker
                    .why()
                    .unwrap_or_default()
                    .to_owned(),
                format!(
                    "{} items wait in the spool for {workspace}.",
                    grouped(state.snapshot.delivery.spool.items)
                ),
            ],
        ),
        Confirm::RetryDeadLetters(_, count) => (
            "Try them again?",
            vec![
                format!("{} dead letters go back into the spool,", grouped(*count)),
                format!("and to {workspace}."),
            ],
        ),
        Confirm::DiscardDeadLetters(_, 1) => (
            "Discard the dead letter?",
            vec!["It is gone for good; e exports it first.".to_owned()],
        ),
        Confirm::DiscardDeadLetters(_, count) => (
            "Discard the dead letters?",
            vec![
                format!("{} of them are gone for good.", grouped(*count)),
                "Their row can be exported first, with e.".to_owned(),
            ],
        ),
        Confirm::Quit => (
            "Quit?",
            vec![
                format!("Forwarding to {workspace} stops."),
                "What is under way is delivered first; what can't be now".to_owned(),
                "stays in the spool for the next start.".to_owned(),
            ],
        ),
    }
}
