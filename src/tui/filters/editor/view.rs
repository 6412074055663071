//! The rule editor: its fields, how its condition may go on, and what the rule would change.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::filter::RuleEffect;
use crate::tui::filters::editor::state::{Menu, RuleEditor, RuleField};
use crate::tui::filters::preview::view as preview;
use crate::tui::state::State;
use crate::tui::widget::condition::Written;
use crate::tui::widget::theme::{Sign, Theme};
use crate::tui::widget::{pane, text};

/// Rows of the rule editor alone, without its frame.
const EDITOR_ROWS: u16 = 10;

pub(crate) fn render(
    frame: &mut Frame<'_>,
    area: Rect,
    editor: &RuleEditor,
    state: &State,
    theme: &Theme,
) {
    // Under what is written stands what it would change.
    let rows = (area.height - 2).min(EDITOR_ROWS + 17);
    let room = pane::centred(area, 108.min(area.width.saturating_sub(2)), rows);
    let title = editor.index.map_or_else(
        || "New rule".to_owned(),
        |index| format!("Rule {}", index + 1),
    );
    let inside = pane::frame(
        frame,
        room,
        &title,
        "Enter applies, Esc discards",
        true,
        theme,
    );
    let width = usize::from(inside.width).saturating_sub(13);
    let effect = match editor.effect {
        RuleEffect::Exclude => "exclude: holds back what matches   (Space changes)",
        RuleEffect::Include => "include: holds back what doesn't   (Space changes)",
    };
    let fields = [
        (RuleField::Name, "name", editor.name.value().to_owned()),
        (RuleField::Effect, "effect", effect.to_owned()),
        (RuleField::When, "when", String::new()),
        (
            RuleField::Sample,
            "sample %",
            format!(
                "{}   of persons, always the same ones",
                editor.sample.value()
            ),
        ),
        (RuleField::Note, "note", editor.note.value().to_owned()),
    ];
    let scroll = editor.when.visual_scroll(width);
    let condition: String = editor.when.value().chars().skip(scroll).collect();
    let mut lines = vec![Line::default()];
    for (field, name, value) in fields {
        let focused = field == editor.field;
        let cursor = if focused {
            theme.sign(Sign::Cursor)
        } else {
            " "
        };
        let value = if field == RuleField::When {
            condition.clone()
        } else {
            value
        };
        let style = if focused { theme.accent } else { theme.text };
        lines.push(Line::from(vec![
            Span::styled(format!(" {cursor} "), theme.key),
            Span::styled(format!("{name:<9}"), theme.dim),
            Span::styled(text::cut(&value, width), style),
        ]));
        if field == RuleField::When {
            lines.extend(written(editor).verdict(12, width, theme));
        }
    }
    lines.push(match &editor.menu {
        Some(menu) => candidates(menu, state.privacy.is_some(), width, theme),
        None => {
            let hint =
                "event_type, user_id, event_properties.x, user_properties.x, has_user, age_ms";
            Line::styled(format!("            {}", text::cut(hint, width)), theme.dim)
        }
    });
    let width = usize::from(inside.width);
    let dash = theme.sign(Sign::Dash);
    let proposes = state.proposed().is_some();
    let shown = state.preview.as_ref().filter(|_| proposes);
    let name = match shown {
        Some(shown) => format!("{dash} What it would change {} ", preview::measured(shown)),
        None => format!("{dash} What it would change "),
    };
    let fill = dash.repeat(width.saturating_sub(text::width(&name)));
    lines.push(Line::styled(format!("{name}{fill}"), theme.dim));
    let height = usize::from(inside.height).saturating_sub(lines.len());
    if proposes {
        lines.extend(preview::lines(shown, width, height, theme));
    } else {
        let says = match (&editor.error, editor.when.value().is_empty()) {
            (_, true) => " nothing yet: no condition is written",
            (Some(_), false) => " nothing yet: the condition does not compile",
            (None, false) => " nothing: it is as it is in force",
        };
        lines.push(Line::styled(says, theme.dim));
    }
    frame.render_widget(Paragraph::new(lines), inside);
    let (row, column) = match editor.field {
        RuleField::Name => (1, editor.name.visual_cursor()),
        RuleField::Effect => (2, 0),
        RuleField::When => (3, editor.when.visual_cursor().saturating_sub(scroll)),
        RuleField::Sample => (6, editor.sample.visual_cursor()),
        RuleField::Note => (7, editor.note.visual_cursor()),
    };
    let column = (12 + column).min(usize::from(inside.width).saturating_sub(1)) as u16;
    frame.set_cursor_position((inside.x + column, inside.y + row));
}

/// How a condition may go on, with the shares of what was seen: as many as there is room for.
fn candidates(menu: &Menu, is_private: bool, width: usize, theme: &Theme) -> Line<'static> {
    let all = &menu.completion.candidates;
    let told = |index: usize| {
        let share = all[index]
            .share
            .map_or_else(String::new, |share| format!(" {share:.0} %"));
        // A value may be anybody's.
        let label = match all[index].label() {
            value if is_private && value.starts_with('"') => "•••",
            label => label,
        };
        (text::cut(label, 40), share)
    };
    let room = |index: usize| {
        let (text, share) = told(index);
        text::width(&text) + share.len() + 3
    };
    // The one that was chosen is always among those that are shown.
    let chosen = menu.chosen.unwrap_or(0);
    let mut first = chosen;
    let mut used = room(chosen);
    while first > 0 && used + room(first - 1) <= width {
        first -= 1;
        used += room(first);
    }
    let mut spans = vec![Span::styled("        Tab ", theme.key)];
    let mut left = width;
    for index in first..all.len() {
        if room(index) > left {
            break;
        }
        left -= room(index);
        let (text, share) = told(index);
        let style = if menu.chosen == Some(index) {
            theme.selected.patch(theme.accent)
        } else {
            theme.text
        };
        spans.push(Span::styled(text, style));
        spans.push(Span::styled(format!("{share}   "), theme.dim));
    }
    Line::from(spans)
}

fn written(editor: &RuleEditor) -> Written<'_> {
    Written {
        when: &editor.when,
        error: editor.error.as_ref(),
        hint: "a condition, such as user_properties.plan == \"pro\"",
    }
}
