//! JSON as lines: indented, coloured, and folded where the reader folded it.

use std::collections::BTreeSet;

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::amplitude::json::{
    Kind, {self},
};
use crate::tui::widget::text;
use crate::tui::widget::theme::Theme;

/// Objects and arrays with more values than this are folded until the reader unfolds them.
pub(crate) const FOLDED_OVER: usize = 24;

/// One line of a JSON document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonLine {
    /// How deep it stands.
    pub depth: usize,
    /// The dotted path of its value.
    pub path: String,
    /// Where its value begins in the document, in bytes.
    pub at: usize,
    /// The key in front, where there is one.
    key: Option<String>,
    /// What it shows of the value.
    shown: Shown,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Shown {
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

/// Strings are shown up to so many characters; their size tells the rest.
const STRING_CHARS: usize = 300;

/// What is folded or unfolded from a line: on a scalar, what it stands in. The document as a
/// whole never is.
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
    /// Whether there is something to fold or unfold.
    pub fn folds(&self) -> bool {
        matches!(self.shown, Shown::Open(_) | Shown::Folded { .. })
    }

    /// The line in colours, in `room` columns.
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
            Shown::Scalar(kind, content) => push(content, theme.json(*kind)),
            Shown::Open(c) | Shown::Close(c) => push(&c.to_string(), theme.dim),
            Shown::Folded {
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

/// The document in `raw` as lines. Paths in `folded` are one line each. What is no JSON is
/// shown as it is.
pub fn lines(raw: &str, folded: &BTreeSet<String>) -> Vec<JsonLine> {
    let mut walk = Walk {
        document: raw,
        folded,
        lines: Vec::new(),
    };
    walk.value(raw, None, "", 0);
    walk.lines
}

/// What is folded unless the reader unfolds it: what holds more than `most` values.
pub fn long_ones(raw: &str, most: usize) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open: Vec<(String, usize)> = Vec::new();
    for line in lines(raw, &BTreeSet::new()) {
        if matches!(line.shown, Shown::Close(_)) {
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
        if matches!(line.shown, Shown::Open(_)) {
            open.push((line.path, 0));
        }
    }
    found
}

/// A document on its way into lines.
struct Walk<'a> {
    document: &'a str,
    folded: &'a BTreeSet<String>,
    lines: Vec<JsonLine>,
}

impl Walk<'_> {
    fn value(&mut self, raw: &str, key: Option<&str>, path: &str, depth: usize) {
        let kind = json::kind(raw);
        let children: Option<Vec<(Option<String>, String, &str)>> = match kind {
            // JSON from outside may be nested deeper than the stack is.
            _ if depth > json::MAX_DEPTH => None,
            Kind::Object => json::entries(raw).map(|all| {
                let child = |(key, value): (std::borrow::Cow<'_, str>, _)| {
                    let below = if path.is_empty() {
                        key.to_string()
                    } else {
                        format!("{path}.{key}")
                    };
                    (Some(key.into_owned()), below, value)
                };
                all.into_iter().map(child).collect()
            }),
            Kind::Array => json::elements(raw).ok().map(|all| {
                all.into_iter()
                    .enumerate()
                    .map(|(i, value)| (None, format!("{path}[{i}]"), value))
                    .collect()
            }),
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
                .push(line(Shown::Scalar(kind, scalar(raw, kind)))),
            Some(children) if children.is_empty() => {
                let empty = Shown::Scalar(Kind::Null, format!("{open}{close}"));
                self.lines.push(line(empty));
            }
            Some(children) if self.folded.contains(path) => {
                self.lines.push(line(Shown::Folded {
                    open,
                    close,
                    items: children.len(),
                    bytes: raw.len(),
                }));
            }
            Some(children) => {
                self.lines.push(line(Shown::Open(open)));
                for (key, path, value) in children {
                    self.value(value, key.as_deref(), &path, depth + 1);
                }
                self.lines.push(JsonLine {
                    key: None,
                    ..line(Shown::Close(close))
                });
            }
        }
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
