//! JSON as lines: indented, coloured and folded.

use std::borrow::Cow;
use std::collections::BTreeSet;

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::amplitude::json::{self, Kind};
use crate::tui::widget::text;
use crate::tui::widget::theme::Theme;

/// Objects and arrays with more values than this are folded at first.
pub(crate) const FOLDED_OVER: usize = 24;

/// One line of a JSON document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonLine {
    /// The nesting depth.
    pub depth: usize,
    /// The path of the value.
    pub path: String,
    /// The offset of the value in the document, in bytes.
    pub at: usize,
    /// The key, in an object.
    key: Option<String>,
    /// The visible part of the value.
    shown: LineContent,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum LineContent {
    Scalar(Kind, String),
    Open(char),
    Close(char),
    Folded {
        open: char,
        close: char,
        items: usize,
        bytes: usize,
    },
}

/// Maximum characters of a string. A longer string is cut and shown with its size.
const STRING_CHARS: usize = 300;

/// The path that is folded or unfolded at a line: of the value, or of the parent of a scalar. The
/// whole document is never folded.
pub fn path_to_fold(lines: &[JsonLine], at: usize) -> Option<String> {
    let line = lines.get(at)?;
    let path = if line.folds() {
        line.path.clone()
    } else {
        line.path.rsplit_once('.')?.0.to_owned()
    };
    (!path.is_empty()).then_some(path)
}

impl JsonLine {
    /// Whether it can be folded or unfolded.
    pub fn folds(&self) -> bool {
        matches!(
            self.shown,
            LineContent::Open(_) | LineContent::Folded { .. }
        )
    }

    /// Draws the line in `room` columns.
    pub fn draw(&self, room: usize, theme: &Theme) -> Line<'static> {
        let mut left = room;
        let mut spans = Vec::new();
        let mut push = |content: &str, style: Style| {
            let content = text::cut(content, left);
            left -= text::width(&content).min(left);
            spans.push(Span::styled(content, style));
        };
        push(&"  ".repeat(self.depth), Style::default());
        if let Some(key) = &self.key {
            push(key, theme.json_key);
            push(": ", theme.dim);
        }
        match &self.shown {
            LineContent::Scalar(kind, content) => push(content, theme.json(*kind)),
            LineContent::Open(c) | LineContent::Close(c) => push(&c.to_string(), theme.dim),
            LineContent::Folded {
                open,
                close,
                items,
                bytes,
            } => {
                let sign = if theme.ascii { "..." } else { "…" };
                push(&format!("{open}{sign}{close}"), theme.accent);
                push(
                    &format!("  {items} inside, {}", text::bytes(*bytes)),
                    theme.dim,
                );
            }
        }
        Line::from(spans)
    }
}

/// The document in `raw` as lines. Paths in `folded` are one line each. Invalid JSON is shown
/// unchanged.
pub fn lines(raw: &str, folded: &BTreeSet<String>) -> Vec<JsonLine> {
    let mut walk = Walk {
        document: raw,
        folded,
        lines: Vec::new(),
    };
    walk.value(raw, None, "", 0);
    walk.lines
}

/// The paths that are folded at first: objects and arrays with more than `most` values.
pub fn long_ones(raw: &str, most: usize) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open: Vec<(String, usize)> = Vec::new();
    for line in lines(raw, &BTreeSet::new()) {
        if matches!(line.shown, LineContent::Close(_)) {
            let closed = open.pop();
            found.extend(
                closed
                    .filter(|(path, inside)| *inside > most && !path.is_empty())
                    .map(|(path, _)| path),
            );
            continue;
        }
        if let Some((_, inside)) = open.last_mut() {
            *inside += 1;
        }
        if matches!(line.shown, LineContent::Open(_)) {
            open.push((line.path, 0));
        }
    }
    found
}

/// The lines of a document under construction.
struct Walk<'a> {
    document: &'a str,
    folded: &'a BTreeSet<String>,
    lines: Vec<JsonLine>,
}

impl Walk<'_> {
    fn value(&mut self, raw: &str, key: Option<&str>, path: &str, depth: usize) {
        let kind = json::kind(raw);
        // JSON from outside may be nested deeper than the stack is.
        let children = match depth {
            0..=json::MAX_DEPTH => children(raw, kind, path),
            _ => None,
        };
        let (open, close) = if kind == Kind::Object {
            ('{', '}')
        } else {
            ('[', ']')
        };
        // Values are slices of the document.
        let at = raw.as_ptr() as usize - self.document.as_ptr() as usize;
        let line = |shown| JsonLine {
            depth,
            path: path.to_owned(),
            at,
            key: key.map(str::to_owned),
            shown,
        };
        match children {
            None => self
                .lines
                .push(line(LineContent::Scalar(kind, scalar(raw, kind)))),
            Some(children) if children.is_empty() => {
                let empty = LineContent::Scalar(Kind::Null, format!("{open}{close}"));
                self.lines.push(line(empty));
            }
            Some(children) if self.folded.contains(path) => {
                self.lines.push(line(LineContent::Folded {
                    open,
                    close,
                    items: children.len(),
                    bytes: raw.len(),
                }));
            }
            Some(children) => {
                self.lines.push(line(LineContent::Open(open)));
                for (key, path, value) in children {
                    self.value(value, key.as_deref(), &path, depth + 1);
                }
                self.lines.push(JsonLine {
                    key: None,
                    ..line(LineContent::Close(close))
                });
            }
        }
    }
}

/// A value inside an object or an array: its key, its path, its JSON.
type Child<'a> = (Option<String>, String, &'a str);

/// The values inside an object or an array. None for other values and for broken JSON.
fn children<'a>(raw: &'a str, kind: Kind, path: &str) -> Option<Vec<Child<'a>>> {
    match kind {
        Kind::Object => {
            let child = |(key, value): (Cow<'_, str>, _)| {
                let path = if path.is_empty() {
                    key.to_string()
                } else {
                    format!("{path}.{key}")
                };
                (Some(key.into_owned()), path, value)
            };
            Some(json::entries(raw)?.into_iter().map(child).collect())
        }
        Kind::Array => {
            let child = |(index, value)| (None, format!("{path}[{index}]"), value);
            let elements = json::elements(raw).ok()?;
            Some(elements.into_iter().enumerate().map(child).collect())
        }
        _ => None,
    }
}

fn scalar(raw: &str, kind: Kind) -> String {
    if kind != Kind::String {
        return raw.chars().take(STRING_CHARS).collect();
    }
    let content = json::string(raw).unwrap_or_default();
    let mut shown: String = content.chars().take(STRING_CHARS).collect();
    if shown.len() < content.len() {
        shown = format!("{shown}…\"  {}", text::bytes(content.len()));
        return format!("\"{shown}");
    }
    format!("\"{shown}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(raw: &str, folded: &[&str]) -> Vec<String> {
        let folded = folded.iter().map(|p| (*p).to_owned()).collect();
        let theme = Theme::plain(false);
        lines(raw, &folded)
            .iter()
            .map(|line| line.draw(60, &theme).to_string())
            .collect()
    }

    #[test]
    fn documents_are_indented_and_folded_by_path() {
        let raw = r#"{"a":1.50,"b":{"c":[true,null],"d":{}},"e":"x\ny"}"#;
        assert_eq!(
            drawn(raw, &["b.c"]),
            [
                "{",
                "  a: 1.50",
                "  b: {",
                "    c: […]  2 inside, 11 B",
                "    d: {}",
                "  }",
                "  e: \"x␊y\"",
                "}"
            ]
        );
    }

    #[test]
    fn what_holds_many_values_is_folded_at_first() {
        let raw = r#"{"a":{"x":1,"y":2,"z":{"q":[1,2,3]}},"b":{"x":1},"c":[[],[]]}"#;
        let folded: Vec<String> = long_ones(raw, 2).into_iter().collect();
        assert_eq!(folded, ["a", "a.z.q"]);
    }

    #[test]
    fn long_strings_and_broken_documents_are_shown_as_far_as_they_go() {
        let long = format!("\"{}\"", "y".repeat(98_000));
        let line = lines(&long, &BTreeSet::new())[0]
            .draw(400, &Theme::plain(false))
            .to_string();
        assert!(line.ends_with("…\"  98.0 kB"), "{line}");
        assert_eq!(drawn("{\"a\": oops", &[]), ["{\"a\": oops"]);
    }
}
