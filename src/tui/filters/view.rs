//! The filters pane: event types with their rates, and rules with the share that they filter out.

use ratatui::Frame;
use ratatui::layout::{Margin, Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::filter::RuleTally;
use crate::filter::{Rule, RuleEffect};
use crate::protocol::{TYPE_RATE_SECONDS, TypeRow};
use crate::text::{counted, duration, grouped};
use crate::tui::filters::state::{FilterCursor, Sort};
use crate::tui::frame::focus::Pane;
use crate::tui::input::keymap::Command;
use crate::tui::state::State;
use crate::tui::widget::list::scroll;
use crate::tui::widget::theme::{Sign, Theme};
use crate::tui::widget::{pane, text};

pub(crate) fn render(frame: &mut Frame<'_>, area: Rect, state: &State, theme: &Theme) {
    let focused = state.has_focus(Pane::Filters);
    let filters = state.edited();
    let types = state.types();
    let (title, right) = title(state, &types, area.width);
    let inside = pane::frame(
        frame,
        area,
        pane::Title::both(&title, &right),
        focused,
        theme,
    );
    let width = usize::from(inside.width);
    let height = usize::from(inside.height);

    let layout = RowLayout::of(state, &types, inside, theme);
    let rules = &filters.rules;
    let mut lines = Vec::with_capacity(height);
    let shown = types.iter().enumerate().skip(layout.first_type);
    for (index, row) in shown.take(layout.type_rows) {
        let selected = focused && layout.cursor == index;
        let on = filters.selects(&row.name);
        let edited = on != state.edited_from().selects(&row.name);
        lines.push(type_line(row, mark(on, edited), selected, width, theme));
    }
    if types.is_empty() {
        let find = state.key(Command::NewRule);
        let message = format!("none yet: types appear as events arrive; {find} writes a rule");
        let wrapped = text::wrap(&message, width.saturating_sub(1)).into_iter();
        lines.extend(wrapped.map(|line| Line::styled(format!(" {line}"), theme.dim)));
        lines.truncate(layout.type_rows);
    }
    lines.resize(layout.type_rows, Line::default());
    lines.extend(layout.detail);
    lines.push(rules_heading(rules, tally_span(state), width, theme));
    let tallies = tallies(state);
    let shown = rules.iter().enumerate().skip(layout.first_rule);
    for (index, rule) in shown.take(layout.rule_rows) {
        let selected = focused && layout.cursor == types.len() + index;
        let edited = !state.edited_from().rules.contains(rule);
        let row = RuleRow {
            index,
            rule,
            tally: tallies.get(index),
            edited,
        };
        lines.push(rule_line(&row, selected, width, theme));
    }
    if rules.is_empty() {
        let message = format!(" none yet: {} writes one", state.key(Command::NewRule));
        lines.push(Line::styled(message, theme.dim));
    }
    frame.render_widget(Paragraph::new(lines), inside);
}

/// The left and the right title: the selected types, and the draft, the temporary change or the
/// order.
fn title(state: &State, types: &[TypeRow], columns: u16) -> (String, String) {
    let on = types.iter().filter(|row| state.edited().selects(&row.name));
    let share = format!("{} of {}", on.count(), types.len());
    let order = match state.sort {
        Sort::Count => "by count since start".to_owned(),
        Sort::Rate => format!("by rate over {TYPE_RATE_SECONDS} s"),
        Sort::Name => "by name".to_owned(),
    };
    let order = match state.range_figures() {
        Some(_) => "in the range".to_owned(),
        None => order,
    };
    let right = match (&state.draft, &state.temporary_change) {
        (Some(_), _) => "draft".to_owned(),
        (None, Some(change)) => {
            let left = duration((change.until_ms - state.snapshot.at_ms).max(0));
            format!("ends in {left}")
        }
        (None, None) if columns > 46 || state.range_figures().is_some() => order,
        (None, None) => String::new(),
    };
    // The right title is never cut; the left one gets the rest.
    let titles = [
        format!("Event types: {share} on"),
        format!("Types: {share} on"),
        format!("{share} types"),
        share,
    ];
    let gap = if right.is_empty() { 5 } else { 7 };
    let room = usize::from(columns).saturating_sub(text::width(&right) + gap);
    let fits = |title: &&String| text::width(title) <= room;
    let title = titles.iter().find(fits).unwrap_or(&titles[3]).clone();
    (title, right)
}

/// The effect of each rule. For a draft, only its preview knows that.
fn tallies(state: &State) -> &[RuleTally] {
    match (&state.draft, &state.preview) {
        (Some(_), Some(preview)) => &preview.rules,
        (Some(_), None) => &[],
        (None, _) => &state.shown().rules,
    }
}

/// The time over which the effect of each rule is counted.
fn tally_span(state: &State) -> &'static str {
    match state.draft {
        Some(_) => "in preview",
        None => "since start",
    }
}

/// The division of the pane's rows.
struct RowLayout {
    /// The row of the cursor: types, then rules.
    cursor: usize,
    first_type: usize,
    type_rows: usize,
    first_rule: usize,
    rule_rows: usize,
    /// Details of the rule under the cursor.
    detail: Vec<Line<'static>>,
}

impl RowLayout {
    fn of(state: &State, types: &[TypeRow], inside: Rect, theme: &Theme) -> Self {
        let height = usize::from(inside.height);
        let rules = &state.edited().rules;
        let cursor = state.filter_row(types);
        let on_type = matches!(state.filter_cursor, FilterCursor::Type(_));
        let rule_cursor = if on_type { 0 } else { cursor - types.len() };
        let focused = state.has_focus(Pane::Filters);
        // The rule under the cursor is shown in full if there is room.
        let detail = match rules.get(rule_cursor) {
            Some(rule) if focused && !on_type && height >= 12 => {
                let tally = tallies(state).get(rule_cursor);
                let counts = (tally, tally_span(state));
                rule_detail(rule, counts, usize::from(inside.width), theme)
            }
            _ => Vec::new(),
        };
        // Rules are few and matter most: they keep their rows at the bottom, whether or not the
        // details of one are shown.
        let rule_rows = (rules.len().max(1) + 1).min(height / 2).max(2) - 1;
        let type_rows = height.saturating_sub(rule_rows + 1 + detail.len());
        Self {
            cursor,
            first_type: scroll(if on_type { cursor } else { 0 }, type_rows, types.len()),
            type_rows,
            first_rule: scroll(rule_cursor, rule_rows, rules.len()),
            rule_rows,
            detail,
        }
    }
}

/// The row at a position in the pane: types, then rules.
pub fn row_at(state: &State, room: Rect, at: Position) -> Option<usize> {
    let inside = room.inner(Margin::new(1, 1));
    if !inside.contains(at) {
        return None;
    }
    let types = state.types();
    // Colours don't change the layout.
    let layout = RowLayout::of(state, &types, inside, &Theme::plain(false));
    let row = usize::from(at.y - inside.y);
    let in_types = (row < layout.type_rows).then_some(layout.first_type + row);
    match in_types {
        Some(index) => (index < types.len()).then_some(index),
        None => {
            let below = row.checked_sub(layout.type_rows + layout.detail.len() + 1)?;
            let index = layout.first_rule + below;
            let is_rule = below < layout.rule_rows && index < state.edited().rules.len();
            is_rule.then_some(types.len() + index)
        }
    }
}

/// The condition of a rule, its counts, and its note.
fn rule_detail(
    rule: &Rule,
    (tally, span): (Option<&RuleTally>, &str),
    width: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let room = width.saturating_sub(2);
    let dash = theme.sign(Sign::Dash);
    let mut lines = vec![Line::styled(dash.repeat(width), theme.dim)];
    let mut add = |text: &str, max_lines: usize, style| {
        let wrapped = text::wrap(text, room.max(10)).into_iter().take(max_lines);
        lines.extend(wrapped.map(|line| Line::styled(format!(" {line}"), style)));
    };
    add(&rule.when, 3, theme.text);
    if let Some(tally) = tally.filter(|tally| tally.reached > 0) {
        let micros = tally
            .micros()
            .map_or_else(String::new, |micros| format!(", {micros:.1} µs an event"));
        let (matched, reached) = (grouped(tally.matched), grouped(tally.reached));
        add(
            &format!("matched {matched} of {reached} {span}{micros}"),
            2,
            theme.dim,
        );
        if let Some(error) = &tally.last_error {
            let errors = counted(tally.errors, "error");
            add(&format!("{errors}: {error}"), 2, theme.bad);
        }
    }
    if !rule.note.is_empty() {
        add(&rule.note, 2, theme.accent);
    }
    lines
}

fn rules_heading(rules: &[Rule], span: &str, width: usize, theme: &Theme) -> Line<'static> {
    let dash = theme.sign(Sign::Dash);
    let on = rules.iter().filter(|rule| rule.on).count();
    let name = format!("{dash} Rules: {on} of {} on ", rules.len());
    // The time over which their shares are counted.
    let span = format!(" {span} ");
    let room = width.saturating_sub(text::width(&name));
    let span = if rules.is_empty() || room < span.len() + 2 {
        String::new()
    } else {
        span
    };
    let fill = dash.repeat(room - span.len());
    Line::styled(format!("{name}{fill}{span}"), theme.dim)
}

/// Whether a type or a rule is on, and whether the draft changes that.
#[derive(Clone, Copy)]
struct Mark {
    on: bool,
    edited: bool,
}

fn mark(on: bool, edited: bool) -> Mark {
    Mark { on, edited }
}

impl Mark {
    fn span(self, theme: &Theme) -> Span<'static> {
        let (text, style) = match (self.on, self.edited) {
            (true, false) => ("[x] ", theme.good),
            (false, false) => ("[ ] ", theme.dim),
            (true, true) => ("[x]*", theme.accent),
            (false, true) => ("[ ]*", theme.accent),
        };
        Span::styled(text, style)
    }
}

fn type_line(
    row: &TypeRow,
    mark: Mark,
    selected: bool,
    width: usize,
    theme: &Theme,
) -> Line<'static> {
    let rate = text::fit_right(&text::rate(row.rate), 8);
    let count = if width >= 42 {
        text::fit_right(&grouped(row.count), 10)
    } else {
        String::new()
    };
    let name_room = width.saturating_sub(4 + 1 + rate.len() + text::width(&count) + 1);
    let style = if mark.on { theme.text } else { theme.dim };
    let line = Line::from(vec![
        mark.span(theme),
        Span::styled(text::fit_name(&row.name, name_room), style),
        Span::styled(format!("{rate}{count} "), theme.dim),
    ]);
    if selected { theme.select(line) } else { line }
}

/// A rule as a row.
struct RuleRow<'a> {
    /// The index of the rule.
    index: usize,
    rule: &'a Rule,
    tally: Option<&'a RuleTally>,
    /// Whether the draft changes it.
    edited: bool,
}

fn rule_line(row: &RuleRow<'_>, selected: bool, width: usize, theme: &Theme) -> Line<'static> {
    let rule = row.rule;
    let sign = match rule.effect {
        RuleEffect::Exclude => theme.sign(Sign::Excludes),
        RuleEffect::Include => theme.sign(Sign::Includes),
    };
    let seen = row.tally.filter(|t| t.reached > 0);
    let share = match seen {
        Some(t) if rule.on => {
            let sign = match t.filtered_out {
                0 => "",
                _ => theme.sign(Sign::Excludes),
            };
            format!("{sign}{}", text::percent(t.filtered_out, t.reached))
        }
        _ => String::new(),
    };
    let errors = seen
        .filter(|t| t.errors > 0)
        .map(|t| format!(" {} err", grouped(t.errors)))
        .unwrap_or_default();
    let sample = if rule.sample < 100.0 {
        format!(" {} %", rule.sample)
    } else {
        String::new()
    };
    let tail = format!("{errors} {share}");
    let head = format!("{} ", row.index + 1);
    let name_room = width.saturating_sub(head.len() + 3 + 3 + text::width(&tail) + 1);
    let name = text::fit(&format!("{}{sample}", rule.name), name_room);
    let style = if rule.on { theme.text } else { theme.dim };
    let line = Line::from(vec![
        Span::styled(head, theme.key),
        mark(rule.on, row.edited).span(theme),
        Span::styled(format!("{sign} {name}"), style),
        Span::styled(errors, theme.bad),
        Span::styled(format!(" {share} "), theme.dim),
    ]);
    if selected { theme.select(line) } else { line }
}
