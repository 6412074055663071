//! The words in the bodies of Customer.io: v2 writes `errors`, a list of objects; v1 writes
//! `meta.errors`, a list of sentences, or `meta.error`. They are cut and made harmless here,
//! before anyone keeps them.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::http::reply::{Content, Reply};
use crate::text::excerpt;

/// Maximum length of what is kept of an answer, in characters.
pub(super) const MESSAGE_CHARS: usize = 300;
/// Maximum length of what is kept of the name of a field, or of a reason.
const NAME_CHARS: usize = 150;
/// Maximum errors that are kept of one item.
const ERRORS: usize = 20;

/// The refusal of an item, or of a whole request, in the words of Customer.io.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Refusal {
    /// Customer.io's word for it: `invalid`, `required`; empty where it has none.
    #[serde(default, deserialize_with = "text_of")]
    pub reason: String,
    /// The field at fault: `attributes.plan`.
    #[serde(default, deserialize_with = "text_of")]
    pub field: String,
    /// A sentence.
    #[serde(default, deserialize_with = "text_of")]
    pub message: String,
}

/// Any JSON value as text: a server that writes a number there must not make an answer
/// unreadable.
fn text_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    })
}

impl Refusal {
    /// All the faults of one item as one refusal, each word once, cut and made harmless.
    fn of(faults: &[Self]) -> Self {
        let together = |part: fn(&Self) -> &String, between: &str, most: usize| {
            let mut words: Vec<&str> = Vec::new();
            for fault in faults.iter().take(ERRORS) {
                let word = part(fault).trim();
                if !word.is_empty() && !words.contains(&word) {
                    words.push(word);
                }
            }
            excerpt(&words.join(between), most)
        };
        Self {
            reason: together(|f| &f.reason, ", ", NAME_CHARS),
            field: together(|f| &f.field, ", ", NAME_CHARS),
            message: together(|f| &f.message, "; ", MESSAGE_CHARS),
        }
    }
}

/// The members of a body that name an error.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Words<'b> {
    #[serde(borrow)]
    errors: Option<&'b RawValue>,
    #[serde(borrow)]
    error: Option<&'b RawValue>,
    #[serde(borrow)]
    meta: Option<&'b RawValue>,
    /// Set where a member stands twice: nobody can say which one counts.
    #[serde(skip)]
    is_ambiguous: bool,
}

impl<'b> Words<'b> {
    /// Reads the text of a JSON object.
    pub(super) fn read(object: &'b str) -> Self {
        serde_json::from_str(object).unwrap_or_else(|_| Self {
            is_ambiguous: true,
            ..Self::default()
        })
    }

    /// Whether anything says that something went wrong.
    pub(super) fn is_failure(&self) -> bool {
        self.is_ambiguous
            || self.errors.is_some_and(says_something)
            || self.error.is_some_and(says_something)
            || self.meta().is_some_and(|meta| meta.is_failure())
    }

    /// Everything that it names as one refusal.
    pub(super) fn refusal(&self) -> Refusal {
        let mut faults = Vec::new();
        self.collect(&mut faults);
        if let Some(meta) = self.meta() {
            meta.collect(&mut faults);
        }
        Refusal::of(&faults)
    }

    fn meta(&self) -> Option<Words<'b>> {
        let meta = self.meta?.get();
        meta.starts_with('{').then(|| Words::read(meta))
    }

    fn collect(&self, faults: &mut Vec<Refusal>) {
        for raw in [self.errors, self.error].into_iter().flatten() {
            let list = serde_json::from_str::<Vec<&RawValue>>(raw.get());
            let list = list.unwrap_or_else(|_| vec![raw]);
            faults.extend(list.into_iter().take(ERRORS).map(fault));
        }
    }
}

/// Whether a value is more than nothing: `null`, `""`, `[]`, `{}` and `false` are nothing.
fn says_something(raw: &RawValue) -> bool {
    let is_space = |c: &char| !c.is_ascii_whitespace();
    let text: String = raw.get().chars().filter(is_space).take(6).collect();
    !matches!(text.as_str(), "null" | "\"\"" | "[]" | "{}" | "false")
}

/// An entry of a list of errors: v2's object, or v1's sentence.
fn fault(raw: &RawValue) -> Refusal {
    serde_json::from_str(raw.get()).unwrap_or_else(|_| Refusal {
        message: serde_json::from_str(raw.get()).unwrap_or_else(|_| raw.get().to_owned()),
        ..Refusal::default()
    })
}

/// The refusals of a 207, by the place of the item, from 0, or why they can't be matched with
/// the `items` that were sent.
///
/// An item may have several faults, and is named once for each. The very same fault twice is
/// another thing: one of the two is somebody else's.
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
            // Of one item, there is nothing to guess.
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
        if of_item.len() < ERRORS {
            of_item.push(refusal);
        }
    }
    let merged = faults.into_iter().map(|(i, of)| (i, Refusal::of(&of)));
    Ok(merged.collect())
}

/// The words of an error for people, or the beginning of its body where it has none.
pub(super) fn message(reply: &Reply) -> String {
    match reply.content() {
        Content::Empty => String::new(),
        Content::Object(text) => match Words::read(text).refusal().message {
            message if message.is_empty() => excerpt(text, MESSAGE_CHARS),
            message => message,
        },
        Content::Other => reply.first_line(),
    }
}
