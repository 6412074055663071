//! Formats numbers, durations and reasons, and makes text from outside harmless for a terminal and a
//! log.

use std::fmt::Write as _;

/// Replaces a character that a terminal obeys or hides. Control characters become their pictures;
/// bidi controls, joiners and invisible characters become `�`.
pub fn visible(c: char) -> char {
    match c {
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + c as u32).unwrap_or('�'),
        '\u{7f}' => '␡',
        _ if is_hidden(c) => '�',
        _ => c,
    }
}

/// Whether a terminal obeys or hides a character beyond ASCII: C1 controls, bidi controls, joiners,
/// selectors and tags.
fn is_hidden(c: char) -> bool {
    matches!(
        c,
        '\u{80}'..='\u{9f}'
            | '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// The text on one line, with visible characters only.
pub fn on_one_line(text: &str) -> String {
    text.chars().map(visible).collect()
}

/// The text with visible characters and line breaks only.
pub fn in_lines(text: &str) -> String {
    let shown = |c| if c == '\n' { c } else { visible(c) };
    text.chars().map(shown).collect()
}

/// The beginning of the text on one line, with visible characters only. A text of more than
/// `max_chars` characters is cut and ends in `…`.
pub fn excerpt(text: &str, max_chars: usize) -> String {
    let mut shown: String = text.chars().take(max_chars).map(visible).collect();
    if text.chars().nth(max_chars).is_some() {
        shown.pop();
        shown.push('…');
    }
    shown
}

/// Equivalent JSON in which every character that a terminal obeys or hides is escaped. JSON itself
/// requires it below U+0020 only.
pub fn escaped_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\u{7f}' || is_hidden(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                // Writing to a String can't fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// A reason, preceded by the field at fault if there is one: `attributes.plan: too long`.
pub fn with_field(field: &str, reason: &str) -> String {
    match field {
        "" => reason.to_owned(),
        field => format!("{field}: {reason}"),
    }
}

/// Formats a number with its thousands grouped: `131,204`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count with its noun: `1 rule`, `1,204 rules`. For nouns whose plural ends in s.
pub fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(count))
}

/// Formats a duration in milliseconds by its largest unit: `3.1 d`, `5 min`. The sign is left out.
pub fn duration(ms: i64) -> String {
    let s = ms.unsigned_abs() as f64 / 1_000.0;
    match s {
        s if s < 1.0 => format!("{} ms", ms.unsigned_abs()),
        s if s < 60.0 => format!("{s:.1} s"),
        s if s < 3_600.0 => format!("{:.0} min", s / 60.0),
        s if s < 86_400.0 => format!("{:.1} h", s / 3_600.0),
        s => format!("{:.1} d", s / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_a_terminal_obeys_are_made_visible_or_escaped() {
        let hostile = "a\u{1b}]52;c;x\u{7}\r\nb\u{9b}31m\u{7f}\u{202e}c\u{e0041}é😀";
        let obeyed = |c: char| c != '\n' && visible(c) != c;
        assert!(!on_one_line(hostile).contains(obeyed));
        assert!(!on_one_line(hostile).contains('\n'));
        assert_eq!(in_lines(hostile).lines().count(), 2);
        let json = escaped_json(&serde_json::to_string(hostile).unwrap());
        assert!(!json.contains(obeyed), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), hostile);
    }

    #[test]
    fn numbers_and_durations_are_formatted() {
        assert_eq!(grouped(131_204), "131,204");
        assert_eq!(grouped(7), "7");
        assert_eq!(counted(1, "rule"), "1 rule");
        assert_eq!(counted(1_204, "rule"), "1,204 rules");
        assert_eq!(counted(0, "rule"), "0 rules");
        assert_eq!(duration(259_200_000), "3.0 d");
        assert_eq!(duration(84), "84 ms");
    }
}
