//! The Track API's documented limits, as the real one checks them. Written apart from the
//! pipeline's own limits on purpose: were they one, a mistake in them could not be seen.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::StoredEvent;
use super::store::Attributes;
use crate::amplitude::json;

/// v2: "whole request under 500 kB".
const BATCH_BYTES: usize = 500_000;
/// v2: "each item 32 kB or less".
const ITEM_BYTES: usize = 32 * 1024;
/// v1: event data.
const DATA_BYTES: usize = 100_000;

/// v1: the attribute that holds the time of an identify.
const V1_TIME: &str = "_timestamp";

/// Why a batch is refused whole.
#[derive(Debug)]
pub(super) enum Problem {
    TooLarge(String),
    Malformed(String),
}

/// One refused item, as a 207 names it.
#[derive(Debug, Serialize)]
pub(super) struct Refused {
    pub(super) batch_index: usize,
    reason: &'static str,
    field: String,
    message: String,
}

impl Refused {
    /// A refusal whose place in the batch is not known yet.
    pub(super) fn of(reason: &'static str, field: &str, message: &str) -> Self {
        Self {
            batch_index: 0,
            reason,
            field: field.to_owned(),
            message: message.to_owned(),
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Item<'a> {
    #[serde(rename = "type", default, borrow)]
    kind: Cow<'a, str>,
    #[serde(default, borrow)]
    action: Cow<'a, str>,
    #[serde(default)]
    identifiers: Identifiers<'a>,
    #[serde(default, borrow)]
    name: Cow<'a, str>,
    #[serde(default)]
    timestamp: Option<i64>,
    #[serde(default, borrow)]
    id: Cow<'a, str>,
    #[serde(default, borrow)]
    attributes: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
struct Identifiers<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    email: Option<Cow<'a, str>>,
    #[serde(borrow)]
    cio_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    anonymous_id: Option<Cow<'a, str>>,
}

impl Item<'_> {
    pub(super) fn is_identify(&self) -> bool {
        self.action == "identify"
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn name(&self) -> &str {
        self.name.trim()
    }

    pub(super) fn person(&self) -> &str {
        self.identifiers.one().map_or("", |(_, value)| value)
    }

    pub(super) fn is_anonymous(&self) -> bool {
        self.identifiers.anonymous_id.is_some()
    }

    /// When it happened; by v1 an identify says so among its attributes.
    pub(super) fn timestamp(&self) -> Option<i64> {
        let by_v1 = || self.attributes().get(V1_TIME).and_then(Value::as_i64);
        self.timestamp.or_else(by_v1)
    }

    /// The attributes; none where they are absent or no object.
    pub(super) fn attributes(&self) -> Attributes {
        let read = self.attributes.map(|raw| serde_json::from_str(raw.get()));
        read.and_then(Result::ok).unwrap_or_default()
    }

    pub(super) fn stored(&self) -> StoredEvent {
        let attributes = self
            .attributes
            .and_then(|raw| serde_json::from_str(raw.get()).ok());
        StoredEvent {
            id: self.id.clone().into_owned(),
            name: self.name().to_owned(),
            timestamp: self.timestamp,
            attributes: attributes.unwrap_or_default(),
        }
    }
}

impl Identifiers<'_> {
    /// The one identifier, where there is exactly one.
    fn one(&self) -> Option<(&'static str, &str)> {
        let all = [
            ("id", &self.id),
            ("email", &self.email),
            ("cio_id", &self.cio_id),
            ("anonymous_id", &self.anonymous_id),
        ];
        let mut given = all
            .into_iter()
            .filter_map(|(name, v)| Some((name, v.as_deref()?)));
        given.next().filter(|_| given.next().is_none())
    }
}

/// The raw items of a batch.
pub(super) fn batch(body: &[u8]) -> Result<Vec<&str>, Problem> {
    #[derive(Deserialize)]
    struct Batch<'a> {
        #[serde(borrow)]
        batch: Vec<&'a RawValue>,
    }
    if body.len() > BATCH_BYTES {
        return Err(Problem::TooLarge(format!(
            "request is {} bytes, the maximum is {BATCH_BYTES}",
            body.len()
        )));
    }
    let read: Batch<'_> =
        serde_json::from_slice(body).map_err(|e| Problem::Malformed(e.to_string()))?;
    Ok(read.batch.into_iter().map(RawValue::get).collect())
}

/// Reads and checks one v2 item.
pub(super) fn item(raw: &str) -> Result<Item<'_>, Vec<Refused>> {
    let mut wrong = Vec::new();
    let item: Item<'_> = match serde_json::from_str(raw) {
        Ok(item) => item,
        Err(error) => return Err(vec![refused("", error.to_string())]),
    };
    if raw.len() > ITEM_BYTES {
        wrong.push(refused("", "item cannot be larger than 32kb".to_owned()));
    }
    if item.kind != "person" {
        wrong.push(refused("type", "type must be person".to_owned()));
    }
    match item.identifiers.one() {
        Some((_, "")) | None => wrong.push(required("identifiers")),
        Some((name, value)) if value.len() > 150 => {
            wrong.push(refused(
                &format!("identifiers.{name}"),
                format!("{name} cannot be longer than 150 bytes"),
            ));
        }
        Some(_) => {}
    }
    match item.action.as_ref() {
        "event" | "page" | "screen" => check_event(&item, &mut wrong),
        "identify" => check_attributes(item.attributes, &mut wrong),
        _ => wrong.push(refused("action", "action is not supported".to_owned())),
    }
    if wrong.is_empty() {
        Ok(item)
    } else {
        Err(wrong)
    }
}

fn check_event(item: &Item<'_>, wrong: &mut Vec<Refused>) {
    match item.name() {
        "" => wrong.push(required("name")),
        name if name.len() > 100 => wrong.push(refused(
            "name",
            "name cannot be longer than 100 bytes".to_owned(),
        )),
        _ => {}
    }
    if !item.id.is_empty() && ulid::Ulid::from_string(&item.id).is_err() {
        wrong.push(refused("id", "id must be a valid ULID".to_owned()));
    }
    let is_object = item.attributes.is_none_or(|raw| raw.get().starts_with('{'));
    if !is_object {
        wrong.push(refused(
            "attributes",
            "attributes must be an object".to_owned(),
        ));
    }
}

fn check_attributes(attributes: Option<&RawValue>, wrong: &mut Vec<Refused>) {
    let entries = attributes
        .and_then(|raw| json::entries(raw.get()))
        .unwrap_or_default();
    if entries.len() > 300 {
        wrong.push(refused(
            "attributes",
            "a person cannot have more than 300 attributes".to_owned(),
        ));
    }
    for (name, value) in entries {
        let field = format!("attributes.{name}");
        if name.len() > 150 {
            wrong.push(refused(
                &field,
                "property name cannot be longer than 150 bytes".to_owned(),
            ));
        }
        let bytes = json::string(value).map_or(value.len(), |text| text.len());
        if bytes > 1_000 {
            wrong.push(refused(
                &field,
                "property value cannot be longer than 1000 bytes".to_owned(),
            ));
        }
    }
}

fn refused(field: &str, message: String) -> Refused {
    Refused {
        batch_index: 0,
        reason: "invalid",
        field: field.to_owned(),
        message,
    }
}

fn required(field: &str) -> Refused {
    Refused {
        reason: "required",
        ..refused(field, format!("{field} is required"))
    }
}

/// The body of v1's event requests.
#[derive(Debug, Deserialize)]
pub(super) struct V1Event<'a> {
    #[serde(default, borrow)]
    name: Cow<'a, str>,
    #[serde(default)]
    timestamp: Option<i64>,
    #[serde(default, borrow)]
    id: Cow<'a, str>,
    #[serde(default, borrow)]
    data: Option<&'a RawValue>,
    #[serde(default, borrow)]
    anonymous_id: Option<Cow<'a, str>>,
    #[serde(skip)]
    customer: Option<&'a str>,
}

impl<'a> V1Event<'a> {
    /// Reads and checks an event of `customer`, or of the anonymous person it names itself.
    pub(super) fn read(customer: Option<&'a str>, body: &'a [u8]) -> Result<Self, Vec<String>> {
        let mut event: Self = serde_json::from_slice(body).map_err(|e| vec![e.to_string()])?;
        event.customer = customer;
        let mut wrong = Vec::new();
        match event.customer.or(event.anonymous_id.as_deref()) {
            None | Some("") => wrong.push("anonymous_id is required".to_owned()),
            Some(id) if id.len() > 150 => {
                wrong.push("customer id is too long, maximum 150 bytes".to_owned());
            }
            Some(_) => {}
        }
        match event.name.trim() {
            "" => wrong.push("name is required".to_owned()),
            name if name.len() > 100 => {
                wrong.push("event name is too long, maximum 100 bytes".to_owned());
            }
            _ => {}
        }
        if event.data.is_some_and(|data| data.get().len() > DATA_BYTES) {
            wrong.push(format!(
                "event data is too large, maximum {DATA_BYTES} bytes"
            ));
        }
        if wrong.is_empty() {
            Ok(event)
        } else {
            Err(wrong)
        }
    }

    pub(super) fn into_item(self) -> Item<'a> {
        let id = self.customer.map(Cow::Borrowed);
        Item {
            kind: Cow::Borrowed("person"),
            action: Cow::Borrowed("event"),
            identifiers: Identifiers {
                id,
                anonymous_id: self.anonymous_id,
                ..Identifiers::default()
            },
            name: self.name,
            timestamp: self.timestamp,
            id: self.id,
            attributes: self.data,
        }
    }
}

/// Reads and checks v1's identify.
pub(super) fn identify_v1<'a>(id: &'a str, body: &'a [u8]) -> Result<Item<'a>, Vec<String>> {
    let attributes: &RawValue = serde_json::from_slice(body).map_err(|e| vec![e.to_string()])?;
    let mut wrong = Vec::new();
    check_attributes(Some(attributes), &mut wrong);
    if !wrong.is_empty() {
        return Err(wrong.into_iter().map(|w| w.message).collect());
    }
    Ok(Item {
        kind: Cow::Borrowed("person"),
        action: Cow::Borrowed("identify"),
        identifiers: Identifiers {
            id: Some(Cow::Borrowed(id)),
            ..Identifiers::default()
        },
        name: Cow::Borrowed(""),
        timestamp: None,
        id: Cow::Borrowed(""),
        attributes: Some(attributes),
    })
}
