//! Conditions without the values that they compare with.

use std::iter::Peekable;
use std::str::CharIndices;

/// The replacement of a value. It is a string, so that a condition stays one.
const VALUE: &str = "\"•••\"";

/// Replaces the strings and numbers in a condition, or in a text with conditions. Names of fields stay.
pub(super) fn without_values(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut chars = source.char_indices().peekable();
    let mut before = ' ';
    while let Some((at, c)) = chars.next() {
        match c {
            '"' | '\'' => {
                skip_string(source, at, c, &mut chars);
                out.push_str(VALUE);
            }
            '0'..='9' if !is_of_name(before) => {
                let is_number = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '_';
                while chars.next_if(|(_, c)| is_number(*c)).is_some() {}
                out.push_str(VALUE);
            }
            _ => out.push(c),
        }
        before = c;
    }
    out
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Goes past a string that begins at `at`, or to the end if nothing ends it.
fn skip_string(source: &str, at: usize, quote: char, chars: &mut Peekable<CharIndices<'_>>) {
    let before = source[..at].chars().next_back();
    // In a raw string a backslash escapes nothing.
    let is_raw = matches!(before, Some('r' | 'R'));
    let thrice: String = [quote; 3].iter().collect();
    let is_triple = source[at..].starts_with(&thrice);
    let mut left = if is_triple { 2 } else { 0 };
    while left > 0 && chars.next().is_some() {
        left -= 1;
    }
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' if !is_raw => _ = chars.next(),
            c if c == quote && !is_triple => return,
            c if c == quote && source[at..].starts_with(&thrice) => {
                chars.next();
                chars.next();
                return;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_numbers_of_a_condition_are_hidden() {
        let cases = [
            (r#"user_id == "u-1""#, r#"user_id == "•••""#),
            (
                r"a.b1 > 12.5e3 && x_2 == 'it\'s' ",
                r#"a.b1 > "•••" && x_2 == "•••" "#,
            ),
            (r#"p["key"] in [1, 2]"#, r#"p["•••"] in ["•••", "•••"]"#),
            (r#"a == r"\" || b"#, r#"a == r"•••" || b"#),
            ("a == \"\"\"u \"1\" \"\"\" || b", "a == \"•••\" || b"),
            (r#"a == "never ends u-1"#, r#"a == "•••""#),
            (r#"a == "" || b == ''"#, r#"a == "•••" || b == "•••""#),
            ("has_user", "has_user"),
        ];
        for (source, expected) in cases {
            assert_eq!(without_values(source), expected, "{source}");
        }
    }
}
