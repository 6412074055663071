//! The help: all key bindings, grouped by scope, and the signs of events.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::tui::frame::focus::Pane;
use crate::tui::input::keymap::{Binding, Scope};
use crate::tui::state::State;
use crate::tui::widget::theme::{Sign, Theme};
use crate::tui::widget::{pane, text};

/// Columns for the name of a command.
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
        pane::Title::both("Keys", "↑ ↓ scroll, any other key closes"),
        true,
        theme,
    );
    let mut scopes = [
        ("Everywhere", Scope::Anywhere),
        ("Filters", Scope::In(Pane::Filters)),
        ("Filters, with a draft", Scope::Draft),
        ("Events", Scope::In(Pane::Events)),
        ("Throughput", Scope::In(Pane::Throughput)),
        ("Event inspector", Scope::Inspector),
        ("Events of a person", Scope::Person),
        ("Violations of a limit", Scope::Limit),
        ("Properties of an event type", Scope::Properties),
        ("Dead letters", Scope::DeadLetters),
    ];
    // The scopes of the current context come first.
    let context = state.input_context();
    scopes.sort_by_key(|(_, scope)| (!scope.includes(context), scope.rank()));
    let width = usize::from(inside.width).max(40);
    let mut lines = Vec::new();
    for (name, scope) in scopes {
        lines.push(Line::styled(format!(" {name}"), theme.accent));
        for binding in state.keymap.bindings().iter().filter(|b| b.scope == scope) {
            lines.extend(binding_lines(binding, width, theme));
        }
        lines.push(Line::default());
    }
    lines.extend(sign_lines(theme));
    let most = lines.len().saturating_sub(usize::from(inside.height));
    let scroll = scroll.min(most) as u16;
    frame.render_widget(Paragraph::new(lines).scroll((scroll, 0)), inside);
}

fn binding_lines(binding: &Binding, width: usize, theme: &Theme) -> Vec<Line<'static>> {
    let keys = format!("   {}", text::fit(&binding.keys.join("  "), 14));
    let name = text::fit(&format!(":{}", binding.name), NAME);
    let help = text::wrap(binding.help, width.saturating_sub(17 + NAME));
    let line = |(index, help)| {
        let (keys, name) = match index {
            0 => (keys.clone(), name.clone()),
            _ => (" ".repeat(17), " ".repeat(NAME)),
        };
        Line::from(vec![
            Span::styled(keys, theme.key),
            Span::styled(name, theme.dim),
            Span::styled(help, theme.text),
        ])
    };
    help.into_iter().enumerate().map(line).collect()
}

/// The legend of the signs in the events pane.
fn sign_lines(theme: &Theme) -> Vec<Line<'static>> {
    let mut lines = vec![Line::styled(" Signs", theme.accent)];
    let signs = [
        (Sign::Delivered, "delivered"),
        (Sign::OnItsWay, "accepted, on its way"),
        (Sign::Queued, "accepted, queued: delivery is stopped"),
        (Sign::Waiting, "an attempt failed, a retry is scheduled"),
        (Sign::Warned, "accepted, violates a limit that only warns"),
        (Sign::DryRun, "dry run: would be sent"),
        (
            Sign::Filtered,
            "filtered out: by its type, by a rule, or by the shut gate",
        ),
        (
            Sign::Rejected,
            "rejected by a limit, or refused by Customer.io",
        ),
        (Sign::Malformed, "a frame that holds no event"),
    ];
    lines.extend(signs.map(|(sign, meaning)| {
        Line::from(vec![
            Span::styled(format!("   {}  ", theme.sign(sign)), theme.key),
            Span::styled(meaning, theme.text),
        ])
    }));
    lines
}
