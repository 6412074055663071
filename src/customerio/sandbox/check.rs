//! The documented limits of v2, checked as the real Track API checks them.
//!
//! They are written apart from the pipeline's limits on purpose: a mistake in shared code would
//! not be seen.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::amplitude::json;

use super::item::Item;

/// Maximum size of a batch, in bytes: "whole request under 500 kB".
const BATCH_BYTES: usize = 500_000;
/// Maximum size of an item, in bytes: "each item 32 kB or less".
const ITEM_BYTES: usize = 32 * 1024;

/// The reason to refuse a whole batch.
#[derive(Debug)]
pub(super) enum BatchError {
    TooLarge(String),
    Malformed(String),
}

/// One error of one item, as a 207 contains it.
#[derive(Debug, Serialize)]
pub(super) struct ItemError {
    /// The index of the item in its batch; 0 until it is known.
    pub(super) batch_index: usize,
    reason: &'static str,
    field: String,
    pub(super) message: String,
}

impl ItemError {
    pub(super) fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self {
            batch_index: 0,
            reason: "invalid",
            field: field.to_owned(),
            message: message.into(),
        }
    }

    fn required(field: &str) -> Self {
        Self {
            reason: "required",
            ..Self::invalid(field, format!("{field} is required"))
        }
    }
}

/// The raw items of a batch.
pub(super) fn batch(body: &[u8]) -> Result<Vec<&str>, BatchError> {
    #[derive(Deserialize)]
    struct Batch<'a> {
        #[serde(borrow)]
        batch: Vec<&'a RawValue>,
    }
    if body.len() > BATCH_BYTES {
        return Err(BatchError::TooLarge(format!(
            "request is {} bytes, the maximum is {BATCH_BYTES}",
            body.len()
        )));
    }
    let read: Batch<'_> =
        serde_json::from_slice(body).map_err(|e| BatchError::Malformed(e.to_string()))?;
    Ok(read.batch.into_iter().map(RawValue::get).collect())
}

/// Reads and checks one item.
pub(super) fn item(raw: &str) -> Result<Item<'_>, Vec<ItemError>> {
    let item: Item<'_> =
        serde_json::from_str(raw).map_err(|e| vec![ItemError::invalid("", e.to_string())])?;
    let mut errors = Vec::new();
    if raw.len() > ITEM_BYTES {
        errors.push(ItemError::invalid("", "item cannot be larger than 32kb"));
    }
    if item.kind != "person" {
        errors.push(ItemError::invalid("type", "type must be person"));
    }
    match item.identifiers.one() {
        Some((_, "")) | None => errors.push(ItemError::required("identifiers")),
        Some((name, value)) if value.len() > 150 => {
            let message = format!("{name} cannot be longer than 150 bytes");
            errors.push(ItemError::invalid(&format!("identifiers.{name}"), message));
        }
        Some(_) => {}
    }
    match item.action.as_ref() {
        "event" | "page" | "screen" => check_event(&item, &mut errors),
        "identify" => check_attributes(item.attributes, &mut errors),
        _ => errors.push(ItemError::invalid("action", "action is not supported")),
    }
    if errors.is_empty() {
        Ok(item)
    } else {
        Err(errors)
    }
}

fn check_event(item: &Item<'_>, errors: &mut Vec<ItemError>) {
    match item.name() {
        "" => errors.push(ItemError::required("name")),
        name if name.len() > 100 => {
            let message = "name cannot be longer than 100 bytes";
            errors.push(ItemError::invalid("name", message));
        }
        _ => {}
    }
    if !item.id.is_empty() && ulid::Ulid::from_string(&item.id).is_err() {
        errors.push(ItemError::invalid("id", "id must be a valid ULID"));
    }
    let is_object = item.attributes.is_none_or(|raw| raw.get().starts_with('{'));
    if !is_object {
        let message = "attributes must be an object";
        errors.push(ItemError::invalid("attributes", message));
    }
}

pub(super) fn check_attributes(attributes: Option<&RawValue>, errors: &mut Vec<ItemError>) {
    let entries = attributes
        .and_then(|raw| json::entries(raw.get()))
        .unwrap_or_default();
    if entries.len() > 300 {
        let message = "a person cannot have more than 300 attributes";
        errors.push(ItemError::invalid("attributes", message));
    }
    for (name, value) in entries {
        let field = format!("attributes.{name}");
        if name.len() > 150 {
            let message = "property name cannot be longer than 150 bytes";
            errors.push(ItemError::invalid(&field, message));
        }
        let bytes = json::string(value).map_or(value.len(), |text| text.len());
        if bytes > 1_000 {
            let message = "property value cannot be longer than 1000 bytes";
            errors.push(ItemError::invalid(&field, message));
        }
    }
}
