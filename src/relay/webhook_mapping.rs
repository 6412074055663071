//! Custom webhooks. A user can define the body of Amplitude's webhooks with a template
//! \(`FreeMarker`\); the mapping in the settings says where such a body has the fields of an event.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::amplitude::json::{self, Entries, ObjectWriter};

/// The path for everything that no other line uses.
const REST: &str = "*";

/// Maps a custom webhook to an event. The default leaves objects unchanged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookMapping {
    fields: Vec<(String, Source)>,
    /// The first segments of all paths: fields of the webhook that are used.
    used: Vec<String>,
    has_rest: bool,
}

/// The source of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    /// The value at this path.
    Path(Vec<String>),
    /// An object of all fields that no path uses.
    Rest,
    /// An object of these fields.
    Object(Vec<(String, Source)>),
}

/// An invalid line of a mapping.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct MappingError {
    /// The field of the event.
    pub field: String,
    /// The reason.
    pub why: String,
}

impl WebhookMapping {
    /// Parses the lines of a mapping. Each maps a field of the event, such as `event_type` or
    /// `user_properties.plan`, to a path in the webhook, such as `customer.id`, or to `*`: everything
    /// that no other line uses.
    pub fn new(lines: &BTreeMap<String, String>) -> Result<Self, MappingError> {
        let mut mapping = Self::default();
        for (field, path) in lines {
            let error = |why: &str| MappingError {
                field: field.clone(),
                why: why.to_owned(),
            };
            let from = segments(path).ok_or_else(|| {
                error("write the path of a field in the webhook, such as \"customer.id\"")
            })?;
            let source = if path == REST {
                if std::mem::replace(&mut mapping.has_rest, true) {
                    return Err(error("only one line can use the rest (\"*\")"));
                }
                Source::Rest
            } else {
                mapping.used.push(from[0].clone());
                Source::Path(from)
            };
            let to = segments(field)
                .ok_or_else(|| error("write the name of an event's field before it"))?;
            put(&mut mapping.fields, &to, source)
                .map_err(|above| error(&format!("{above} has its own path")))?;
        }
        Ok(mapping)
    }

    /// Builds the event from a webhook: the mapped fields, and the fields that no line uses. Without
    /// a mapping, returns the object itself.
    pub fn apply<'a>(&self, raw: &'a str) -> Cow<'a, str> {
        let (false, Some(entries)) = (self.fields.is_empty(), json::entries(raw)) else {
            return Cow::Borrowed(raw);
        };
        let mut out = Vec::with_capacity(raw.len() + 64);
        let mut whole = ObjectWriter::new(&mut out);
        self.write(&mut whole, &self.fields, &entries);
        if !self.has_rest {
            for (name, value) in self.rest(&entries) {
                let is_field = self.fields.iter().any(|(field, _)| field == name);
                if !is_field {
                    whole.entry(name, value.as_bytes());
                }
            }
        }
        whole.end();
        Cow::Owned(String::from_utf8(out).expect("pieces of text are text"))
    }

    fn write(
        &self,
        object: &mut ObjectWriter<'_>,
        fields: &[(String, Source)],
        entries: &Entries<'_>,
    ) {
        for (name, source) in fields {
            match source {
                Source::Path(path) => {
                    if let Some(value) = at(entries, path) {
                        object.entry(name, value.as_bytes());
                    }
                }
                Source::Rest => object.object(name, |inner| {
                    for (name, value) in self.rest(entries) {
                        inner.entry(name, value.as_bytes());
                    }
                }),
                Source::Object(fields) => {
                    object.object(name, |inner| self.write(inner, fields, entries));
                }
            }
        }
    }

    fn rest<'e>(&self, entries: &'e Entries<'_>) -> impl Iterator<Item = (&'e str, &'e str)> {
        let left = entries
            .iter()
            .filter(|(name, _)| !self.used.iter().any(|used| used == name));
        left.map(|(name, value)| (&**name, *value))
    }
}

/// The segments of a path; none if one is empty.
fn segments(path: &str) -> Option<Vec<String>> {
    let segments: Vec<String> = path.split('.').map(str::to_owned).collect();
    (!segments.iter().any(String::is_empty)).then_some(segments)
}

/// Inserts a source at a path. Fails with the segment that already has another source.
fn put(fields: &mut Vec<(String, Source)>, to: &[String], source: Source) -> Result<(), String> {
    let [first, rest @ ..] = to else {
        return Ok(());
    };
    let index = fields.iter().position(|(name, _)| name == first);
    if rest.is_empty() {
        if index.is_some() {
            return Err(first.clone());
        }
        fields.push((first.clone(), source));
        return Ok(());
    }
    let index = index.unwrap_or_else(|| {
        fields.push((first.clone(), Source::Object(Vec::new())));
        fields.len() - 1
    });
    match &mut fields[index].1 {
        Source::Object(inner) => put(inner, rest, source),
        Source::Path(_) | Source::Rest => Err(first.clone()),
    }
}

/// The raw value at a path.
fn at<'e>(entries: &Entries<'e>, path: &[String]) -> Option<&'e str> {
    let (first, rest) = path.split_first()?;
    let value = |entries: &Entries<'e>, name: &str| {
        let found = entries.iter().rev().find(|(key, _)| key == name);
        found.map(|(_, value)| *value)
    };
    rest.iter().try_fold(value(entries, first)?, |raw, step| {
        value(&json::entries(raw)?, step)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(lines: &[(&str, &str)]) -> Result<WebhookMapping, MappingError> {
        let lines = lines
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        WebhookMapping::new(&lines.collect())
    }

    #[test]
    fn mapped_fields_keep_their_exact_values() {
        let mapping = mapping(&[
            ("event_type", "name"),
            ("user_id", "customer.id"),
            ("user_properties.plan", "customer.plan"),
            ("user_properties.since", "customer.since"),
            ("event_properties", "*"),
        ])
        .unwrap();
        let webhook = r#"{"name":"Sign\u0075p","total":1.50,"customer":{"id":"u-1","plan":{"a":[1]}},"a\"b":null}"#;
        assert_eq!(
            mapping.apply(webhook),
            r#"{"event_properties":{"total":1.50,"a\"b":null},"event_type":"Sign\u0075p","user_id":"u-1","user_properties":{"plan":{"a":[1]}}}"#
        );
    }

    #[test]
    fn missing_values_create_neither_fields_nor_empty_objects() {
        let mapping = mapping(&[
            ("a", "*"),
            ("event_type", "name"),
            ("user_properties.plan", "customer.plan"),
        ])
        .unwrap();
        assert_eq!(mapping.apply(r#"{"customer":{"id":"u"}}"#), "{}");
        let named = mapping.apply(r#"{"name":"A","customer":7}"#);
        assert_eq!(named, r#"{"event_type":"A"}"#);
    }

    #[test]
    fn fields_that_no_line_uses_stay() {
        let mapping = mapping(&[("event_type", "event"), ("user_id", "who")]).unwrap();
        assert_eq!(
            mapping
                .apply(r#"{"event":"A","device_id":"d","event_type":"B","event_properties":{}}"#),
            r#"{"event_type":"A","device_id":"d","event_properties":{}}"#
        );
        let as_it_is = r#"{"event_type":"A"}"#;
        assert_eq!(WebhookMapping::default().apply(as_it_is), as_it_is);
        assert_eq!(mapping.apply("[1]"), "[1]");
    }

    #[test]
    fn an_invalid_line_is_reported_with_its_field() {
        for (lines, field) in [
            (&[("event_type", "")][..], "event_type"),
            (&[("event_type", "a..b")], "event_type"),
            (&[("a.", "b")], "a."),
            (&[("a", "*"), ("b", "*")], "b"),
            (&[("a", "x"), ("a.b", "y")], "a.b"),
        ] {
            assert_eq!(mapping(lines).unwrap_err().field, field, "{lines:?}");
        }
    }
}
