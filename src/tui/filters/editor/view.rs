//! The rule editor: its fields, the completion of its condition, and a preview of its effect.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::filter::RuleEffect;
use crate::tui::filters::editor::state::{RuleEditor, RuleField};
use crate::tui::filters::preview::view as preview;
use crate::tui::state::State;
use crate::tui::widget::completion::candidates;
use crate::tui::widget::condition::Written;
use crate::tui::widget::theme::{Sign, Theme};
use crate::tui::widget::{pane, text};

/// Rows of the fields, without the border.
const EDITOR_ROWS: u16 = 10;
/// Rows of the preview.
const PREVIEW_ROWS: u16 = 17;
/// Columns before the value of a field.
const LABEL: usize = 12;

pub(crate) fn render(
    frame: &mut Frame<'_>,
    area: Rect,
    editor: &RuleEditor,
    state: &State,
    theme: &Theme,
) {
    let rows = (area.height.saturating_sub(2)).min(EDITOR_ROWS + PREVIEW_ROWS);
    let area = pane::centred(area, 108.min(area.width.saturating_sub(2)), rows);
    let title = editor.index.map_or_else(
        || "New rule".to_owned(),
        |index| format!("Rule {}", index + 1),
    );
    let inside = pane::frame(
        frame,
        area,
        pane::Title::both(&title, "Enter applies, Esc discards"),
        true,
        theme,
    );
    let room = usize::from(inside.width).saturating_sub(LABEL + 1);
    let mut lines = vec![Line::default()];
    lines.extend(field_lines(editor, room, theme));
    lines.push(match &editor.when.menu {
        Some(menu) => candidates(menu, LABEL, state.privacy.is_some(), room, theme),
        None => {
            let hint = "event_type, user_id, event_properties.x, has_user, age_ms";
            let lead = " ".repeat(LABEL);
            Line::styled(format!("{lead}{}", text::cut(hint, room)), theme.dim)
        }
    });
    let rows = usize::from(inside.height).saturating_sub(lines.len());
    let width = usize::from(inside.width);
    lines.extend(effect_lines(editor, state, (width, rows), theme));
    frame.render_widget(Paragraph::new(lines), inside);
    let scroll = editor.when.visual_scroll(room);
    let (row, column) = match editor.field {
        RuleField::Name => (1, editor.name.visual_cursor()),
        RuleField::Effect => (2, 0),
        RuleField::When => (3, editor.when.visual_cursor().saturating_sub(scroll)),
        RuleField::Sample => (6, editor.sample.visual_cursor()),
        RuleField::Note => (7, editor.note.visual_cursor()),
    };
    let column = (LABEL + column).min(width.saturating_sub(1)) as u16;
    frame.set_cursor_position((inside.x + column, inside.y + row));
}

/// The fields of the rule, with the verdict on its condition below the condition.
fn field_lines(editor: &RuleEditor, room: usize, theme: &Theme) -> Vec<Line<'static>> {
    let effect = match editor.effect {
        RuleEffect::Exclude => "exclude: drops events that match   (Space changes)",
        RuleEffect::Include => "include: drops events that don't match   (Space changes)",
    };
    let scroll = editor.when.visual_scroll(room);
    let condition = editor.when.value().chars().skip(scroll).collect();
    let sample = format!(
        "{}   of persons, always the same ones",
        editor.sample.value()
    );
    let fields: [(_, _, String); 5] = [
        (RuleField::Name, "name", editor.name.value().to_owned()),
        (RuleField::Effect, "effect", effect.to_owned()),
        (RuleField::When, "when", condition),
        (RuleField::Sample, "sample %", sample),
        (RuleField::Note, "note", editor.note.value().to_owned()),
    ];
    let mut lines = Vec::new();
    for (field, name, value) in fields {
        let is_focused = field == editor.field;
        let (cursor, style) = if is_focused {
            (theme.sign(Sign::Cursor), theme.accent)
        } else {
            (" ", theme.text)
        };
        lines.push(Line::from(vec![
            Span::styled(format!(" {cursor} "), theme.key),
            Span::styled(format!("{name:<9}"), theme.dim),
            Span::styled(text::cut(&value, room), style),
        ]));
        if field == RuleField::When {
            lines.extend(written(editor).verdict(LABEL, room, theme));
        }
    }
    lines
}

/// The preview of the rule, in an area of this width and height.
fn effect_lines(
    editor: &RuleEditor,
    state: &State,
    (width, height): (usize, usize),
    theme: &Theme,
) -> Vec<Line<'static>> {
    let dash = theme.sign(Sign::Dash);
    let changes_filters = state.proposed().is_some();
    let preview = state.preview.as_ref().filter(|_| changes_filters);
    let name = match preview {
        Some(preview) => format!("{dash} Effect {} ", preview::measured(preview)),
        None => format!("{dash} Effect "),
    };
    let fill = dash.repeat(width.saturating_sub(text::width(&name)));
    let mut lines = vec![Line::styled(format!("{name}{fill}"), theme.dim)];
    if changes_filters {
        let height = height.saturating_sub(1);
        lines.extend(preview::lines(preview, width, height, theme));
    } else {
        let is_refused = editor.advice.as_ref().is_some_and(|advice| advice.refuses);
        let message = match (&editor.error, editor.when.value().is_empty()) {
            (_, true) => " nothing yet: write a condition",
            (Some(_), false) => " nothing yet: the condition does not compile",
            (None, false) if is_refused => " nothing yet: the condition is not true or false",
            (None, false) => " nothing: it equals the active rule",
        };
        lines.push(Line::styled(message, theme.dim));
    }
    lines
}

fn written(editor: &RuleEditor) -> Written<'_> {
    Written {
        when: &editor.when,
        error: editor.error.as_ref(),
        advice: editor.advice.as_ref(),
        hint: "a condition, such as user_properties.plan == \"pro\"",
    }
}
