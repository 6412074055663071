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
    let signs = if ascii { &ASCII } else { &BLOCKS };
    let sign = |value: &f64| {
        if *value <= 0.0 || top <= 0.0 {
            return signs[0];
        }
        let height = (value / top * 8.0).ceil().clamp(1.0, 8.0);
        signs[height as usize]
    };
    values.iter().map(sign).collect()
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
}
