//! The shape of an event's data: its depth, and numbers that are out of range.

use std::ops::Range;

/// The result of one walk over JSON.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct JsonShape {
    /// The greatest number of objects and arrays inside one another.
    pub(super) depth: usize,
    /// The position of the first number that no 64-bit float holds, such as `1e999`.
    pub(super) too_large: Option<Range<usize>>,
}

impl JsonShape {
    /// Walks over valid JSON once.
    pub(super) fn of(json: &[u8]) -> Self {
        let mut shape = Self::default();
        let (mut depth, mut at) = (0_usize, 0);
        while let Some(byte) = json.get(at) {
            at = match byte {
                b'"' => end_of_string(json, at + 1),
                b'{' | b'[' => {
                    depth += 1;
                    shape.depth = shape.depth.max(depth);
                    at + 1
                }
                b'}' | b']' => {
                    depth = depth.saturating_sub(1);
                    at + 1
                }
                b'-' | b'0'..=b'9' => {
                    let end = end_of_number(json, at);
                    if shape.too_large.is_none() && is_too_large(&json[at..end]) {
                        shape.too_large = Some(at..end);
                    }
                    end
                }
                _ => at + 1,
            };
        }
        shape
    }
}

/// The position after the quote that ends the string whose content starts at `at`.
fn end_of_string(json: &[u8], mut at: usize) -> usize {
    while let Some(found) = json
        .get(at..)
        .and_then(|rest| memchr::memchr2(b'"', b'\\', rest))
    {
        at += found;
        if json[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    json.len()
}

fn end_of_number(json: &[u8], at: usize) -> usize {
    let is_of_number = |b: &u8| matches!(b, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
    let rest = json[at..].iter();
    at + rest.take_while(|byte| is_of_number(byte)).count()
}

/// Whether a number is infinite as a 64-bit float, which strict parsers refuse.
fn is_too_large(number: &[u8]) -> bool {
    // Without an exponent, such a number has at least 309 digits.
    let may_be = number.len() > 308 || number.iter().any(|b| matches!(b, b'e' | b'E'));
    may_be
        && std::str::from_utf8(number)
            .ok()
            .and_then(|text| text.parse::<f64>().ok())
            .is_none_or(f64::is_infinite)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_finds_the_depth_and_numbers_out_of_range() {
        let nines = "9".repeat(400);
        for (json, depth, too_large) in [
            ("{}", 1, None),
            (r#"{"a":[{"b":1}],"c":[]}"#, 3, None),
            (r#"{"a":"[[[[1e999","b\"[":1e308}"#, 1, None),
            (r#"{"a":1e999}"#, 1, Some("1e999")),
            (r#"{"a":[-1E400,1e999]}"#, 2, Some("-1E400")),
            (r#"{"a":1e-999,"b":0.0}"#, 1, None),
            (nines.as_str(), 0, Some(nines.as_str())),
            (r#"{"a":"unended"#, 1, None),
            (r#"{"a":"\"#, 1, None),
        ] {
            let shape = JsonShape::of(json.as_bytes());
            let found = shape.too_large.map(|at| &json[at]);
            assert_eq!((shape.depth, found), (depth, too_large), "{json}");
        }
    }
}
