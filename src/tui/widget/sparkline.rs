//! A history of values as a line of blocks.

/// Eight heights, and a space for 0.
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const ASCII: [char; 9] = [' ', '.', '.', ':', ':', '-', '=', '+', '#'];

/// One character per value. The full height is the largest value, but at least `least_top`, so that
/// a single event does not look like a flood. For a history that stands alone.
pub fn sparkline(values: &[f64], least_top: f64, ascii: bool) -> String {
    scaled(
        values,
        values.iter().copied().fold(least_top, f64::max),
        ascii,
    )
}

/// One character per value, on a scale from 0 to `top`. Histories that are compared share it.
pub fn scaled(values: &[f64], top: f64, ascii: bool) -> String {
    chart(values, top, 1, ascii).remove(0)
}

/// A chart of `rows` rows, the highest first, on a scale from 0 to `top`. One character per value. A value
/// above 0 is always visible.
pub fn chart(values: &[f64], top: f64, rows: usize, ascii: bool) -> Vec<String> {
    let signs = if ascii { &ASCII } else { &BLOCKS };
    let rows = rows.max(1);
    let whole = rows as f64 * 8.0;
    let height = |value: &f64| {
        if *value <= 0.0 || top <= 0.0 {
            return 0;
        }
        (value / top * whole).ceil().clamp(1.0, whole) as usize
    };
    let heights: Vec<usize> = values.iter().map(height).collect();
    let row = |from_top: usize| {
        let below = (rows - 1 - from_top) * 8;
        let sign = |height: &usize| signs[height.saturating_sub(below).min(8)];
        heights.iter().map(sign).collect()
    };
    (0..rows).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_follow_the_values_and_nothing_is_blank() {
        assert_eq!(sparkline(&[0.0, 1.0, 4.0, 8.0], 0.0, false), " ▁▄█");
        assert_eq!(sparkline(&[0.0, 1.0], 8.0, true), " .");
        assert_eq!(sparkline(&[], 1.0, false), "");
        assert_eq!(sparkline(&[0.0], 0.0, false), " ");
    }
    #[test]
    fn a_chart_has_eight_heights_per_row() {
        let values = [0.0, 0.1, 8.0, 12.0, 16.0, 99.0];
        assert_eq!(chart(&values, 16.0, 2, false), ["   ▄██", " ▁████"]);
        assert_eq!(chart(&values, 16.0, 2, true), ["   :##", " .####"]);
        assert_eq!(chart(&[], 1.0, 3, false), ["", "", ""]);
        assert_eq!(chart(&[1.0], 0.0, 2, false), [" ", " "]);
    }
}
