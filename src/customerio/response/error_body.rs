//! Error bodies of Customer.io: v2 writes `errors`, a list of objects; v1 writes `meta.errors`, a list
//! of sentences, or `meta.error`. Texts are cut and made harmless here.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::http::reply::{Content, Reply};
use crate::text::excerpt;

/// Maximum length of a message, in characters.
pub(super) const MESSAGE_CHARS: usize = 300;
/// Maximum length of the name of a field, or of a reason, in characters.
const NAME_CHARS: usize = 150;
/// Maximum errors kept per item.
const MAX_ERRORS: usize = 20;

/// The refusal of an item, or of a whole request, as Customer.io describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Refusal {
    /// Customer.io's reason code: `invalid`, `required`; empty if there is none.
    #[serde(default, deserialize_with = "text_of")]
    pub reason: String,
    /// The field at fault: `attributes.plan`.
    #[serde(default, deserialize_with = "text_of")]
    pub field: String,
    /// Customer.io's message.
    #[serde(default, deserialize_with = "text_of")]
    pub message: String,
}

/// Reads any JSON value as text: an unexpected type must not make an answer unreadable.
fn text_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    })
}

impl Refusal {
    /// Joins the errors of one item. Each text is kept once, cut and made harmless.
    fn of(errors: &[Self]) -> Self {
        let join = |part: fn(&Self) -> &String, separator: &str, max_chars: usize| {
            let mut texts: Vec<&str> = Vec::new();
            for error in errors.iter().take(MAX_ERRORS) {
                let text = part(error).trim();
                if !text.is_empty() && !texts.contains(&text) {
                    texts.push(text);
                }
            }
            excerpt(&texts.join(separator), max_chars)
        };
        Self {
            reason: join(|f| &f.reason, ", ", NAME_CHARS),
            field: join(|f| &f.field, ", ", NAME_CHARS),
            message: join(|f| &f.message, "; ", MESSAGE_CHARS),
        }
    }
}

/// The members of a body that describe errors.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ErrorBody<'b> {
    #[serde(borrow)]
    errors: Option<&'b RawValue>,
    #[serde(borrow)]
    error: Option<&'b RawValue>,
    #[serde(borrow)]
    meta: Option<&'b RawValue>,
    /// Whether a member is repeated, so that it is unclear which one counts.
    #[serde(skip)]
    is_ambiguous: bool,
}

impl<'b> ErrorBody<'b> {
    /// Reads the text of a JSON object.
    pub(super) fn read(object: &'b str) -> Self {
        serde_json::from_str(object).unwrap_or_else(|_| Self {
            is_ambiguous: true,
            ..Self::default()
        })
    }

    /// Whether the body describes an error.
    pub(super) fn is_failure(&self) -> bool {
        self.is_ambiguous
            || self.errors.is_some_and(is_error)
            || self.error.is_some_and(is_error)
            || self.meta().is_some_and(|meta| meta.is_failure())
    }

    /// All errors as one refusal.
    pub(super) fn refusal(&self) -> Refusal {
        let mut faults = Vec::new();
        self.collect(&mut faults);
        if let Some(meta) = self.meta() {
            meta.collect(&mut faults);
        }
        Refusal::of(&faults)
    }

    fn meta(&self) -> Option<ErrorBody<'b>> {
        let meta = self.meta?.get();
        meta.starts_with('{').then(|| ErrorBody::read(meta))
    }

    fn collect(&self, faults: &mut Vec<Refusal>) {
        for raw in [self.errors, self.error].into_iter().flatten() {
            let list = serde_json::from_str::<Vec<&RawValue>>(raw.get());
            let list = list.unwrap_or_else(|_| vec![raw]);
            faults.extend(list.into_iter().take(MAX_ERRORS).map(error_of));
        }
    }
}

/// Whether a value describes an error: `null`, `""`, `[]`, `{}` and `false` don't.
fn is_error(raw: &RawValue) -> bool {
    let is_space = |c: &char| !c.is_ascii_whitespace();
    let text: String = raw.get().chars().filter(is_space).take(6).collect();
    !matches!(text.as_str(), "null" | "\"\"" | "[]" | "{}" | "false")
}

/// An entry of a list of errors: v2's object, or v1's sentence.
fn error_of(raw: &RawValue) -> Refusal {
    serde_json::from_str(raw.get()).unwrap_or_else(|_| Refusal {
        message: serde_json::from_str(raw.get()).unwrap_or_else(|_| raw.get().to_owned()),
        ..Refusal::default()
    })
}

/// The refusals of a 207 by the index of the item, or the reason why they can't be matched with the
/// `items` that were sent.
///
/// An item may have several errors, each with its index. The same error twice can't be matched: one
/// of the two must belong to another item.
pub(super) fn refusals_by_index(
    object: &str,
    items: usize,
) -> Result<BTreeMap<usize, Refusal>, String> {
    #[derive(Deserialize)]
    struct Body {
        errors: Vec<Named>,
    }
    #[derive(Deserialize)]
    struct Named {
        batch_index: Option<usize>,
        #[serde(flatten)]
        refusal: Refusal,
    }
    let body: Body = serde_json::from_str(object).map_err(|error| error.to_string())?;
    let mut faults: BTreeMap<usize, Vec<Refusal>> = BTreeMap::new();
    for Named {
        batch_index,
        refusal,
    } in body.errors
    {
        let batch_index = match batch_index {
            Some(index) => index,
            // With one item, the index is clear.
            None if items == 1 => 0,
            None => return Err("an error without batch_index".to_owned()),
        };
        if batch_index >= items {
            return Err(format!("batch_index {batch_index} in a batch of {items}"));
        }
        let of_item = faults.entry(batch_index).or_default();
        if of_item.contains(&refusal) {
            return Err(format!(
                "batch_index {batch_index} twice with the same words"
            ));
        }
        if of_item.len() < MAX_ERRORS {
            of_item.push(refusal);
        }
    }
    let merged = faults.into_iter().map(|(i, of)| (i, Refusal::of(&of)));
    Ok(merged.collect())
}

/// The message of an error, or the beginning of the body if it has none.
pub(super) fn message(reply: &Reply) -> String {
    match reply.content() {
        Content::Empty => String::new(),
        Content::Object(text) => match ErrorBody::read(text).refusal().message {
            message if message.is_empty() => excerpt(text, MESSAGE_CHARS),
            message => message,
        },
        Content::Other => reply.first_line(),
    }
}
