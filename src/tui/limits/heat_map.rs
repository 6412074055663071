//! The heat map: violations that reject events, by event type and limit. Each cell has its count, so that
//! nothing depends on shades.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::text::grouped;
use crate::tui::limits::rejections::Rejections;
use crate::tui::widget::text;
use crate::tui::widget::theme::Theme;

/// Minimum rows: the heading, the limits, and two event types.
pub(super) const LEAST_ROWS: usize = 4;

/// Columns for the heading.
const HEADING: usize = 64;

/// Columns of a limit.
const CELL: usize = 20;
/// Columns of a shade.
const SHADE: usize = 3;

/// The shades, from the lowest to the highest quarter of the largest count.
const SHADES: [char; 4] = ['░', '▒', '▓', '█'];
const ASCII: [char; 4] = ['.', ':', '+', '#'];

/// Columns of an event type, and number of limits, in a heat map of `width` columns.
fn divided(width: usize) -> (usize, usize) {
    let name = (width / 4).clamp(16, 32);
    (name, width.saturating_sub(name + 2) / CELL)
}

/// The columns of a heat map that needs at most `most`. None if that is too few for two limits.
pub(super) fn columns_for(rejections: &Rejections, most: usize) -> Option<usize> {
    let all = rejections.limits.len();
    let shown = divided(most).1.min(all);
    if shown < all.min(2) {
        return None;
    }
    let least = (0..=most).find(|width| divided(*width).1 >= shown)?;
    Some(least.max(HEADING.min(most)))
}

/// The heat map in `width` columns and `rows` rows. Nothing without rejections, or room for two types.
pub(super) fn lines(
    rejections: &Rejections,
    (width, rows): (usize, usize),
    theme: &Theme,
) -> Vec<Line<'static>> {
    let (name, columns) = divided(width);
    if rejections.limits.is_empty() || rows < LEAST_ROWS || columns == 0 {
        return Vec::new();
    }
    let (limits, types) = (rejections.limits.len(), rejections.types.len());
    let shown = columns.min(limits);
    let (lists, left_out) = (rows - 2, |count: usize, noun| match count {
        0 => String::new(),
        1 => format!(", 1 more {noun}"),
        count => format!(", {count} more {noun}s"),
    });
    let more_limits = left_out(limits - shown, "limit");
    let more_types = left_out(types.saturating_sub(lists), "type");
    let signs = if theme.ascii { ASCII } else { SHADES };
    let most = rejections.most();
    let scale = format!("{} few to {} most, {}", signs[0], signs[3], grouped(most));
    let scale = format!("{scale}{more_types}{more_limits}");
    let long = format!(" Rejections in 10 min, type by limit: {scale}");
    let heading = if text::width(&long) <= width {
        long
    } else {
        format!(" Rejections in 10 min: {scale}")
    };
    let mut heads = " ".repeat(name + 2);
    for code in rejections.limits.iter().take(shown) {
        heads.push_str(&text::fit_right(code.name(), CELL - 1));
        heads.push(' ');
    }
    let mut lines = vec![
        Line::styled(text::fit(&heading, width), theme.title),
        Line::styled(heads, theme.dim),
    ];
    for (event_type, counts) in rejections.types.iter().take(lists) {
        let event_type = text::fit_name(event_type, name);
        let mut spans = vec![Span::styled(format!(" {event_type} "), theme.text)];
        for count in counts.iter().take(shown) {
            let (shade, style) = shade(*count, most, &signs, theme);
            let count = text::fit_right(&grouped(*count), CELL - SHADE - 2);
            spans.push(Span::styled(format!("{count} {shade} "), style));
        }
        lines.push(Line::from(spans));
    }
    lines
}

/// The shade of a count, as wide as `SHADE`.
fn shade(count: u64, most: u64, signs: &[char; 4], theme: &Theme) -> (String, Style) {
    if count == 0 {
        return (" ".repeat(SHADE), theme.dim);
    }
    let quarter = (count * 4).div_ceil(most.max(1)).clamp(1, 4) as usize;
    let style = match quarter {
        1 | 2 => theme.warn,
        _ => theme.bad,
    };
    (String::from(signs[quarter - 1]).repeat(SHADE), style)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Code;

    #[test]
    fn cells_have_their_counts_and_what_is_left_out_is_said() {
        let rejections = Rejections {
            limits: vec![Code::IdTooLong, Code::IdMissing],
            types: vec![
                ("Cart Viewed".into(), vec![1_200, 0]),
                ("Order Completed".into(), vec![3, 299]),
                ("Third".into(), vec![1, 0]),
            ],
        };
        let drawn = |room| -> Vec<String> {
            let lines = lines(&rejections, room, &Theme::plain(true));
            lines
                .iter()
                .map(|l| l.to_string().trim_end().to_owned())
                .collect()
        };
        assert_eq!(
            drawn((100, 4)),
            [
                " Rejections in 10 min, type by limit: . few to # most, 1,200, 1 more type",
                "                                   id_too_long          id_missing",
                " Cart Viewed                         1,200 ###               0",
                " Order Completed                         3 ...             299 ...",
            ]
        );
        assert!(drawn((40, 9))[0].contains("Rejections in 10 min: "));
        assert!(drawn((100, 3)).is_empty());
        assert!(drawn((20, 9)).is_empty());
    }
}
