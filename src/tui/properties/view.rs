//! The properties of an event type: frequency, types, values and changes.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::amplitude::time;
use crate::privacy::mask::Privacy;
use crate::text::grouped;
use crate::tui::properties::query::{Change, Property, word};
use crate::tui::properties::state::OpenedProperties;
use crate::tui::widget::list::visible;
use crate::tui::widget::theme::{Sign, Theme};
use crate::tui::widget::{pane, text};

/// The areas of the list and of the property under the cursor.
pub(crate) fn divided(area: Rect) -> [Rect; 2] {
    Layout::vertical([Constraint::Min(5), Constraint::Length(5)]).areas(area)
}

pub(crate) fn render(
    frame: &mut Frame<'_>,
    area: Rect,
    open: &OpenedProperties,
    privacy: Option<Privacy>,
    theme: &Theme,
) {
    let [above, below] = divided(area);
    let dash = theme.sign(Sign::Dash);
    let name = text::event_name(&open.event_type);
    let events = open.found.as_ref().map_or(0, |found| found.events);
    let title = format!("Properties {dash} {name}");
    let right = match events {
        1 => "of 1 event in the ring".to_owned(),
        _ => format!("of {} events in the ring", grouped(events)),
    };
    let inside = pane::frame(frame, above, pane::Title::both(&title, &right), true, theme);
    let (width, height) = (usize::from(inside.width), usize::from(inside.height));
    let Some(found) = &open.found else {
        let message = " reading the events in the ring";
        frame.render_widget(Line::styled(message, theme.dim), inside);
        return;
    };
    if found.all.is_empty() {
        let message = " its events have no properties";
        frame.render_widget(Line::styled(message, theme.dim), inside);
        pane::frame(frame, below, pane::Title::left("Property"), false, theme);
        return;
    }
    let row = open.row.min(found.all.len() - 1);
    let lines: Vec<Line<'_>> = visible(&found.all, row, height)
        .map(|(index, property)| {
            let line = line(property, found.events, width, privacy, theme);
            if index == row {
                theme.select(line)
            } else {
                line
            }
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), inside);
    detail(frame, below, &found.all[row], privacy, theme);
}

fn line(
    property: &Property,
    events: u64,
    width: usize,
    privacy: Option<Privacy>,
    theme: &Theme,
) -> Line<'static> {
    let share = percent(property.count, events);
    let kinds: Vec<&str> = property.kinds.iter().map(|(kind, _)| word(*kind)).collect();
    let path_room = (width * 38 / 100).max(20);
    let (mark, change) = match property.change {
        Some(_) => (theme.sign(Sign::Attention), changed(property)),
        None => (" ", String::new()),
    };
    let example = match (&property.top.first(), change.is_empty()) {
        (_, false) => change,
        (Some((value, _)), true) => shown(property, value, privacy),
        (None, true) => text::bytes(property.mean_bytes as usize),
    };
    let fixed = 2 + path_room + 1 + 7 + 2 + 20 + 2;
    let style = if property.change.is_some() {
        theme.warn
    } else {
        theme.dim
    };
    Line::from(vec![
        Span::styled(format!("{mark} "), theme.warn),
        Span::styled(
            format!("{} ", text::fit(&property.path, path_room)),
            theme.text,
        ),
        Span::styled(text::fit_right(&share, 7), theme.text),
        Span::styled(
            format!("  {}  ", text::fit(&kinds.join(", "), 20)),
            theme.accent,
        ),
        Span::styled(text::cut(&example, width.saturating_sub(fixed)), style),
    ])
}

fn percent(count: u64, of: u64) -> String {
    match count as f64 * 100.0 / of.max(1) as f64 {
        all if all >= 99.95 => "100 %".to_owned(),
        share => format!("{share:.1} %"),
    }
}

/// The description of a change.
fn changed(property: &Property) -> String {
    match property.change {
        Some(Change::New { since_ms }) => format!("new since {}", time::to_clock_seconds(since_ms)),
        Some(Change::Kind { was, now, since_ms }) => format!(
            "was {}, {} since {}",
            word(was),
            word(now),
            time::to_clock_seconds(since_ms)
        ),
        None => String::new(),
    }
}

/// A value, masked if it is personal.
fn shown(property: &Property, value: &str, privacy: Option<Privacy>) -> String {
    let Some(privacy) = privacy else {
        return value.to_owned();
    };
    let name = property.path.rsplit(['.', '[']).next().unwrap_or_default();
    let name = name.trim_matches(['"', ']']);
    let document = format!("{{{}:{value}}}", serde_json::Value::from(name));
    let hidden = privacy.document(&document);
    let behind = hidden.split_once(':').map_or("", |(_, value)| value);
    behind.trim_end_matches('}').to_owned()
}

fn detail(
    frame: &mut Frame<'_>,
    area: Rect,
    property: &Property,
    privacy: Option<Privacy>,
    theme: &Theme,
) {
    let change = changed(property);
    let inside = pane::frame(
        frame,
        area,
        pane::Title::both(&property.path, &change),
        false,
        theme,
    );
    let width = usize::from(inside.width);
    let mut lines = Vec::new();
    let mut row = |name: &str, value: String| {
        lines.push(Line::from(vec![
            Span::styled(format!(" {name:<10}"), theme.dim),
            Span::styled(text::cut(&value, width.saturating_sub(12)), theme.text),
        ]));
    };
    let kinds = property.kinds.iter();
    let kinds = kinds.map(|(kind, n)| format!("{} {}", word(*kind), percent(*n, property.count)));
    row("types", kinds.collect::<Vec<_>>().join("   "));
    let [mean, most] = [property.mean_bytes, property.most_bytes].map(|n| text::bytes(n as usize));
    row("size", format!("{mean} on average, {most} at the most"));
    let top = property.top.iter().map(|(value, n)| {
        let value = text::cut(&shown(property, value, privacy), 40);
        format!("{value} {}", percent(*n, property.count))
    });
    let many = if property.many {
        "   and many more"
    } else {
        ""
    };
    let top = top.collect::<Vec<_>>().join("   ");
    row("values", format!("{top}{many}"));
    frame.render_widget(Paragraph::new(lines), inside);
}
