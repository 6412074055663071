//! What lies over everything: the help, questions, the palette, the drain.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::tui::frame::focus::Pane;
use crate::tui::input::keymap::Place;
use crate::tui::state::State;
use crate::tui::widget::theme::{Sign, Theme};
use crate::tui::widget::{pane, text};

/// The columns that the help has for a name.
const NAME: usize = 19;

pub(crate) fn render(
    frame: &mut Frame<'_>,
    area: Rect,
    scroll: usize,
    state: &State,
    theme: &Theme,
) {
    let room = pane::centred(area, 96, area.height.saturating_sub(2));
    let inside = pane::frame(
        frame,
        room,
        "Keys",
        "↑ ↓ scroll, any other key closes",
        true,
        theme,
    );
    let mut places = [
        ("Everywhere", Place::Anywhere),
        ("Send events", Place::In(Pane::Filters)),
        ("A draft of the filters", Place::Draft),
        ("Events", Place::In(Pane::Events)),
        ("Throughput", Place::In(Pane::Throughput)),
        ("While an event is inspected", Place::Inspector),
        ("The events of a person", Place::Person),
        ("Where a limit is broken", Place::Limit),
        ("The properties of a type", Place::Properties),
        ("Dead letters", Place::DeadLetters),
    ];
    // Where one is comes first.
    let context = state.input_context();
    places.sort_by_key(|(_, place)| (!place.is_at(context), place.width()));
    let width = usize::from(inside.width).max(40);
    let mut lines = Vec::new();
    for (name, place) in places {
        lines.push(Line::styled(format!(" {name}"), theme.accent));
        for binding in state.keymap.bindings().iter().filter(|b| b.place == place) {
            let keys = format!("   {}", text::fit(&binding.keys.join("  "), 14));
            let name = text::fit(&format!(":{}", binding.name), NAME);
            let room = width.saturating_sub(17 + NAME);
            for (index, says) in text::wrap(binding.help, room).into_iter().enumerate() {
                let (keys, name) = match index {
                    0 => (keys.clone(), name.clone()),
                    _ => (" ".repeat(17), " ".repeat(NAME)),
                };
                lines.push(Line::from(vec![
                    Span::styled(keys, theme.key),
                    Span::styled(name, theme.dim),
                    Span::styled(says, theme.text),
                ]));
            }
        }
        lines.push(Line::default());
    }
    lines.push(Line::styled(" Signs", theme.accent));
    for (sign, says) in [
        (Sign::Delivered, "delivered"),
        (Sign::OnItsWay, "accepted, on its way"),
        (Sign::Waiting, "an attempt failed, it will be tried again"),
        (Sign::Warned, "accepted, and breaks a limit that only warns"),
        (Sign::DryRun, "dry run: it would be sent"),
        (
            Sign::Filtered,
            "held back: its type is off, a rule, or the gate is shut",
        ),
        (
            Sign::Rejected,
            "a limit rejects it, or Customer.io refused it",
        ),
        (Sign::Malformed, "a frame that holds no event"),
    ] {
        lines.push(Line::from(vec![
            Span::styled(format!("   {}  ", theme.sign(sign)), theme.key),
            Span::styled(says, theme.text),
        ]));
    }
    let most = lines.len().saturating_sub(usize::from(inside.height));
    let scroll = scroll.min(most) as u16;
    frame.render_widget(Paragraph::new(lines).scroll((scroll, 0)), inside);
}
