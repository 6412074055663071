//! Text from outside, made safe for a terminal: control characters become visible symbols, and a text
//! takes exactly its columns.

use unicode_width::UnicodeWidthChar;

pub use crate::text::visible;

/// The visible form of a character, and its columns. Marks without a width become `�` with one
/// column: hundreds of stacked marks would leave their line.
fn columns(c: char) -> (char, usize) {
    let c = visible(c);
    match c.width() {
        Some(0) | None => ('�', 1),
        Some(width) => (c, width),
    }
}

/// The width of `text` on the screen, in columns.
pub fn width(text: &str) -> usize {
    text.chars().map(|c| columns(c).1).sum()
}

/// An event type for the screen, with a replacement for the empty name.
pub fn event_name(event_type: &str) -> &str {
    match event_type {
        "" => "(no name)",
        name => name,
    }
}

/// `text` in at most `room` columns. A cut text ends in `…`.
pub fn cut(text: &str, room: usize) -> String {
    let mut out = String::new();
    let mut used = 0;
    let mut rest = text.chars();
    // Stops at the cut: a text of 100 kB may be shown in a hundred columns.
    while let Some(c) = rest.next() {
        let (c, width) = columns(c);
        let ends = rest.as_str().is_empty();
        if used + width > room || (used + width == room && !ends) {
            while used + 1 > room {
                match out.pop() {
                    Some(last) => used -= columns(last).1,
                    None => return out,
                }
            }
            out.push('…');
            return out;
        }
        used += width;
        out.push(c);
    }
    out
}

/// The end of `text` in at most `room` columns. A cut text begins with `…`.
pub fn cut_start(text: &str, room: usize) -> String {
    if width(text) <= room {
        return cut(text, room);
    }
    let mut used = 1;
    let kept = text.char_indices().rev().take_while(|(_, c)| {
        used += columns(*c).1;
        used <= room
    });
    let start = kept.last().map_or(text.len(), |(at, _)| at);
    let end = if room == 0 { "" } else { "…" };
    format!("{end}{}", cut(&text[start..], room.saturating_sub(1)))
}

/// `text` in exactly `room` columns, filled with spaces on the right.
pub fn fit(text: &str, room: usize) -> String {
    let mut out = cut(text, room);
    let used = width(&out);
    out.extend(std::iter::repeat_n(' ', room.saturating_sub(used)));
    out
}

/// An event type in at most `room` columns. Types that begin alike stay different: what gives way is
/// first a prefix such as `[Amplitude] `, then the middle.
pub fn cut_name(event_type: &str, room: usize) -> String {
    let name = event_name(event_type);
    if fits(name, room) {
        return cut(name, room);
    }
    match without_prefix(name) {
        Some(rest) if room > 1 => format!("…{}", cut_middle(rest, room - 1)),
        _ => cut_middle(name, room),
    }
}

/// An event type in exactly `room` columns, as [`cut_name`] cuts it.
pub fn fit_name(event_type: &str, room: usize) -> String {
    fit(&cut_name(event_type, room), room)
}

/// The name behind a prefix in brackets.
fn without_prefix(name: &str) -> Option<&str> {
    let (_, rest) = name.strip_prefix('[')?.split_once("] ")?;
    (!rest.is_empty()).then_some(rest)
}

/// Whether `text` has at most `room` columns. Reads no further than that.
fn fits(text: &str, room: usize) -> bool {
    let mut left = room;
    text.chars().all(|c| {
        let columns = columns(c).1;
        let fits = columns <= left;
        left = left.saturating_sub(columns);
        fits
    })
}

/// `text` in at most `room` columns, with `…` in place of its middle.
fn cut_middle(text: &str, room: usize) -> String {
    if fits(text, room) || room < 6 {
        return cut(text, room);
    }
    let taken = |chars: &mut dyn Iterator<Item = char>, mut left: usize| {
        let mut taken = Vec::new();
        for (c, width) in chars.map(columns) {
            if width > left {
                break;
            }
            left -= width;
            taken.push(c);
        }
        taken
    };
    let end_room = room / 3;
    let start = taken(&mut text.chars(), room - 1 - end_room);
    let end = taken(&mut text.chars().rev(), end_room);
    let start: String = start.into_iter().collect();
    let end: String = end.into_iter().rev().collect();
    format!("{}…{end}", start.trim_end())
}

/// `text` in exactly `room` columns, filled with spaces on the left.
pub fn fit_right(text: &str, room: usize) -> String {
    let cut = cut(text, room);
    let lead = room.saturating_sub(width(&cut));
    format!("{}{cut}", " ".repeat(lead))
}

/// `text` in lines of at most `room` columns, broken between words where they fit.
pub fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let needs = width(word);
        let last = lines.last_mut().expect("never empty");
        if used > 0 && used + 1 + needs <= room {
            last.push(' ');
            used += 1;
        } else if used > 0 {
            lines.push(String::new());
            used = 0;
        }
        for c in word.chars() {
            let (c, columns) = columns(c);
            if used + columns > room && used > 0 {
                lines.push(String::new());
                used = 0;
            }
            lines.last_mut().expect("never empty").push(c);
            used += columns;
        }
    }
    lines
}

/// A size with a suitable unit: `1.4 kB`.
pub fn bytes(n: usize) -> String {
    match n {
        0..1_000 => format!("{n} B"),
        1_000..1_000_000 => format!("{:.1} kB", n as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", n as f64 / 1e6),
        _ => format!("{:.1} GB", n as f64 / 1e9),
    }
}

/// A share in percent: `4.1 %`. A share that is not 0 is not shown as 0.
pub fn percent(part: u64, whole: u64) -> String {
    let percent = part as f64 * 100.0 / whole.max(1) as f64;
    match percent {
        p if part == 0 || p <= 0.0 => "0 %".to_owned(),
        p if p < 0.05 => "<0.1 %".to_owned(),
        p => format!("{p:.1} %"),
    }
}

/// A percentage that is only 100 % if nothing is missing: `99.99 %`.
pub fn percent_of_all(percent: f64) -> String {
    let hundredths = (percent * 100.0).floor() / 100.0;
    format!("{hundredths:.2} %")
}

/// A rate for a narrow column: `1,204/s`, `0.4/s`.
pub fn rate(per_second: f64) -> String {
    match per_second {
        r if r >= 9.95 => format!("{}/s", crate::text::grouped(r.round() as u64)),
        r if r >= 0.05 => format!("{r:.1}/s"),
        r if r > 0.0 => "<0.1/s".to_owned(),
        _ => "0/s".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_gets_through() {
        let hostile = "\x1b]0;owned\x07\u{202e}abc\u{200b}\u{9b}31m\u{e0041}\r\n\t";
        let shown = cut(hostile, 80);
        assert_eq!(shown, "␛]0;owned␇�abc��31m�␍␊␉");
        assert!(!shown.chars().any(char::is_control));
    }

    #[test]
    fn text_takes_exactly_the_columns_it_is_given() {
        for (text, room, expected) in [
            ("abc", 5, "abc  "),
            ("abcdef", 5, "abcd…"),
            ("abcde", 5, "abcde"),
            ("日本語", 4, "日… "),
            ("日本", 4, "日本"),
            ("日", 1, "…"),
            ("", 3, "   "),
            ("e\u{301}", 4, "e�  "),
        ] {
            assert_eq!(fit(text, room), expected, "{text} in {room}");
            assert_eq!(width(&fit(text, room)), room, "{text} in {room}");
        }
        assert_eq!(cut("anything", 0), "");
        for (room, expected) in [(0, ""), (1, "…"), (5, "…work"), (10, "/home/work")] {
            assert_eq!(cut_start("/home/work", room), expected);
        }
        assert_eq!(cut_start("日本語", 5), "…本語");
        assert_eq!(fit_right("7", 3), "  7");
    }

    #[test]
    fn event_types_that_begin_alike_stay_different() {
        for (name, room, expected) in [
            ("[Amplitude] Page Viewed", 23, "[Amplitude] Page Viewed"),
            ("[Amplitude] Page Viewed", 12, "…Page Viewed"),
            ("[Amplitude] Element Clicked", 12, "…Element…ked"),
            ("Notification Received", 12, "Notific…ived"),
            ("Notification Opened", 12, "Notific…ened"),
            ("Product Viewed", 12, "Product…ewed"),
            ("日本語日本語", 8, "日本…語"),
            ("[x] ", 3, "[x…"),
            ("", 12, "(no name)"),
            ("abcdef", 1, "…"),
            ("abcdef", 0, ""),
            ("[a] bcd", 0, ""),
        ] {
            assert_eq!(cut_name(name, room), expected, "{name} in {room}");
            assert_eq!(width(&fit_name(name, room)), room, "{name} in {room}");
        }
        let hostile = format!(
            "[{}] \x1b[2J\u{202e}{}",
            "a".repeat(100_000),
            "b".repeat(100_000)
        );
        assert!(!cut_name(&hostile, 12).chars().any(char::is_control));
    }

    #[test]
    fn long_text_is_broken_between_words_or_within_one_that_is_too_long() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrap("", 3), [""]);
        assert_eq!(wrap("日本語", 1), ["日", "本", "語"]);
    }

    #[test]
    fn sizes_and_rates_are_short() {
        assert_eq!(
            [900, 1_400, 98_000_000, 1_000_000_000].map(bytes),
            ["900 B", "1.4 kB", "98.0 MB", "1.0 GB"]
        );
        assert_eq!(
            [(0, 9), (1, 9), (1, 9_000), (9, 9)].map(|(part, whole)| percent(part, whole)),
            ["0 %", "11.1 %", "<0.1 %", "100.0 %"]
        );
        assert_eq!(
            [100.0, 99.999, 0.0].map(percent_of_all),
            ["100.00 %", "99.99 %", "0.00 %"]
        );
        assert_eq!(
            (rate(1204.4), rate(0.42), rate(0.0)),
            ("1,204/s".into(), "0.4/s".into(), "0/s".into())
        );
    }
}
