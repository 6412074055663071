//! Webhooks of the user's own shape. Amplitude can write a webhook's body by a template of the
//! user's (`FreeMarker`); a mapping in the settings says where in such an object the fields of an
//! event stand.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::amplitude::json::{self, Entries, ObjectWriter};

/// The path that stands for everything that no other line takes.
const REST: &str = "*";

/// Where the fields of an event stand in the objects that come. By default they are events
/// already.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shape {
    fields: Vec<(String, Source)>,
    /// The first steps of all paths: what stands there has been taken.
    taken: Vec<String>,
    has_rest: bool,
}

/// Where a field comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    /// From the value at this path.
    Path(Vec<String>),
    /// It is an object of all that no path takes.
    Rest,
    /// It is an object of these.
    Object(Vec<(String, Source)>),
}

/// A line of a mapping that can't be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct ShapeError {
    /// The field of the event that it is for.
    pub field: String,
    /// What is wrong with it.
    pub why: String,
}

impl Shape {
    /// Reads the lines of a mapping: the field of the event, such as `event_type` or
    /// `user_properties.plan`, and the path in the object that comes, such as `customer.id`, or
    /// `*` for all that no other line takes from.
    pub fn new(lines: &BTreeMap<String, String>) -> Result<Self, ShapeError> {
        let mut shape = Self::default();
        for (field, path) in lines {
            let wrong = |why: &str| ShapeError {
                field: field.clone(),
                why: why.to_owned(),
            };
            let from = steps(path).ok_or_else(|| {
                wrong("write the path of a field in the object that comes, such as \"customer.id\"")
            })?;
            let source = if path == REST {
                if std::mem::replace(&mut shape.has_rest, true) {
                    return Err(wrong("only one line can take the rest (\"*\")"));
                }
                Source::Rest
            } else {
                shape.taken.push(from[0].clone());
                Source::Path(from)
            };
            let to =
                steps(field).ok_or_else(|| wrong("write the name of an event's field in front"))?;
            put(&mut shape.fields, &to, source)
                .map_err(|above| wrong(&format!("{above} is taken from a path of its own")))?;
        }
        Ok(shape)
    }

    /// The event in an object that came: its fields from where the mapping says, beside what no
    /// line takes from. Without a mapping that is the object itself.
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
            .filter(|(name, _)| !self.taken.iter().any(|taken| taken == name));
        left.map(|(name, value)| (&**name, *value))
    }
}

/// The steps of a path; nothing where one has no name.
fn steps(path: &str) -> Option<Vec<String>> {
    let steps: Vec<String> = path.split('.').map(str::to_owned).collect();
    (!steps.iter().any(String::is_empty)).then_some(steps)
}

/// Puts a source where these steps lead; or says which of them has one already.
fn put(fields: &mut Vec<(String, Source)>, to: &[String], source: Source) -> Result<(), String> {
    let [first, rest @ ..] = to else {
        return Ok(());
    };
    let place = fields.iter().position(|(name, _)| name == first);
    if rest.is_empty() {
        if place.is_some() {
            return Err(first.clone());
        }
        fields.push((first.clone(), source));
        return Ok(());
    }
    let place = place.unwrap_or_else(|| {
        fields.push((first.clone(), Source::Object(Vec::new())));
        fields.len() - 1
    });
    match &mut fields[place].1 {
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

    fn shape(lines: &[(&str, &str)]) -> Result<Shape, ShapeError> {
        let lines = lines
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Shape::new(&lines.collect())
    }

    #[test]
    fn fields_are_taken_from_where_the_mapping_says_as_they_are() {
        let shape = shape(&[
            ("event_type", "name"),
            ("user_id", "customer.id"),
            ("user_properties.plan", "customer.plan"),
            ("user_properties.since", "customer.since"),
            ("event_properties", "*"),
        ])
        .unwrap();
        let came = r#"{"name":"Sign\u0075p","total":1.50,"customer":{"id":"u-1","plan":{"a":[1]}},"a\"b":null}"#;
        assert_eq!(
            shape.apply(came),
            r#"{"event_properties":{"total":1.50,"a\"b":null},"event_type":"Sign\u0075p","user_id":"u-1","user_properties":{"plan":{"a":[1]}}}"#
        );
    }

    #[test]
    fn what_is_not_there_makes_no_field_and_no_empty_object() {
        let shape = shape(&[
            ("a", "*"),
            ("event_type", "name"),
            ("user_properties.plan", "customer.plan"),
        ])
        .unwrap();
        assert_eq!(shape.apply(r#"{"customer":{"id":"u"}}"#), "{}");
        let named = shape.apply(r#"{"name":"A","customer":7}"#);
        assert_eq!(named, r#"{"event_type":"A"}"#);
    }

    #[test]
    fn what_the_mapping_does_not_name_stays_where_it_is() {
        let shape = shape(&[("event_type", "event"), ("user_id", "who")]).unwrap();
        assert_eq!(
            shape.apply(r#"{"event":"A","device_id":"d","event_type":"B","event_properties":{}}"#),
            r#"{"event_type":"A","device_id":"d","event_properties":{}}"#
        );
        let as_it_is = r#"{"event_type":"A"}"#;
        assert_eq!(Shape::default().apply(as_it_is), as_it_is);
        assert_eq!(shape.apply("[1]"), "[1]");
    }

    #[test]
    fn a_line_that_can_not_be_is_told() {
        for (lines, field) in [
            (&[("event_type", "")][..], "event_type"),
            (&[("event_type", "a..b")], "event_type"),
            (&[("a.", "b")], "a."),
            (&[("a", "*"), ("b", "*")], "b"),
            (&[("a", "x"), ("a.b", "y")], "a.b"),
        ] {
            assert_eq!(shape(lines).unwrap_err().field, field, "{lines:?}");
        }
    }
}
