//! Times from receipt to settlement in one byte each.

/// Steps from one power of two to the next: a time is kept to about 9 %.
const STEPS: f64 = 8.0;

/// The byte of a time in milliseconds.
pub(super) fn to_byte(ms: u64) -> u8 {
    let steps = ((ms + 1) as f64).log2() * STEPS;
    // A cast from a float saturates.
    steps.round() as u8
}

/// The time of a byte in milliseconds.
pub(super) fn from_byte(byte: u8) -> u64 {
    ((f64::from(byte) / STEPS).exp2() - 1.0).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_kept_to_five_percent_up_to_weeks() {
        for ms in [0, 1, 2, 84, 1_000, 59_999, 3_600_000, 14 * 86_400_000] {
            let kept = from_byte(to_byte(ms));
            let off = (kept as f64 - ms as f64).abs();
            assert!(off <= 0.05 * ms as f64 + 0.5, "{ms} is kept as {kept}");
        }
        assert_eq!(to_byte(u64::MAX - 1), u8::MAX);
    }
}
