//! From an Amplitude event to what Customer.io takes.
//!
//! Every event becomes an `event` of the person that its `user_id` names, page and screen
//! views too: with its event properties at the top of the attributes, and user properties,
//! group properties and groups beside them under those names. JSON types stay, because raw
//! values are copied and not written anew.

use std::borrow::Cow;

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::amplitude::json::{self, Kind, ObjectWriter};
use crate::amplitude::time::{self, TimeError, UnixMs};
use crate::amplitude::{Field, Reading};

use super::{dedupe, sizes};

/// How events become Customer.io's; the settings under `[mapping]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mapping {
    /// Where the person's identifier stands: `user_id`, or a path such as `user_properties.customer_id`.
    pub person: String,
    /// Take an identifier that is an email address as `email`, and one that starts with `cio_` as `cio_id`.
    pub recognize: bool,
    /// What becomes of events that name no person.
    pub anonymous: Anonymous,
    /// Where user properties, group properties and groups go.
    pub layout: Layout,
    /// Only these paths go along; empty means all.
    pub include: Vec<String>,
    /// These paths stay behind.
    pub exclude: Vec<String>,
    /// Top-level fields that go along, by their name in the event: `platform`, `country`.
    pub fields: Vec<String>,
    /// What becomes of strings that are ISO dates.
    pub dates: Dates,
    /// Also send changed user properties as attributes of the person.
    pub send_users: bool,
}

impl Default for Mapping {
    fn default() -> Self {
        Self {
            person: "user_id".to_owned(),
            recognize: false,
            anonymous: Anonymous::Drop,
            layout: Layout::Nested,
            include: Vec::new(),
            exclude: Vec::new(),
            fields: Vec::new(),
            dates: Dates::Keep,
            send_users: false,
        }
    }
}

/// What becomes of events that name no person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Anonymous {
    /// They break the limit `id_missing`.
    Drop,
    /// They go with `anonymous_id` = `device_id`.
    Send,
}

/// Where user properties, group properties and groups go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// As objects beside the event's properties: `user_properties.plan`.
    Nested,
    /// Beside them one by one, behind a prefix: `user_plan`, `group_tier`, `groups_company`.
    Flat,
}

/// What becomes of strings that are ISO dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dates {
    /// They stay as they are.
    Keep,
    /// They become Unix seconds, which Customer.io compares as times.
    Unix,
}

/// Whom an event is about, as Customer.io names people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Person<'e> {
    /// `id`.
    Id(Cow<'e, str>),
    /// `email`.
    Email(Cow<'e, str>),
    /// `cio_id`, without its `cio_`.
    CioId(Cow<'e, str>),
    /// `anonymous_id`.
    Anonymous(Cow<'e, str>),
}

impl Person<'_> {
    /// The identifier's value.
    pub fn value(&self) -> &str {
        match self {
            Self::Id(v) | Self::Email(v) | Self::CioId(v) | Self::Anonymous(v) => v,
        }
    }

    fn key(&self) -> &'static str {
        match self {
            Self::Id(_) => "id",
            Self::Email(_) => "email",
            Self::CioId(_) => "cio_id",
            Self::Anonymous(_) => "anonymous_id",
        }
    }
}

/// An event as it would be sent, before it is decided whether it is.
#[derive(Debug)]
pub struct Mapped<'e> {
    /// The event's name, without the spaces that Customer.io would trim.
    pub name: Cow<'e, str>,
    /// The person, or none where the event names none.
    pub person: Option<Person<'e>>,
    /// When it happened.
    pub time: Result<UnixMs, TimeError>,
    /// The dedupe id.
    pub id: Ulid,
    /// The attributes: a JSON object.
    pub attributes: Vec<u8>,
    /// Where in the event the value of the person's identifier stands.
    pub person_path: String,
}

/// Which request carries an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Route {
    /// With others in `POST /api/v2/batch`.
    Batch,
    /// Alone, to v1, because it is over the 32 kB of a batch item.
    V1 {
        /// `POST`, or `PUT` for an identify.
        put: bool,
        /// The path behind the server, percent-encoded.
        path: String,
    },
}

/// What is ready to be sent: one event, or one identify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The dedupe id; the event's own, for an identify too, though it is not sent with one.
    pub id: Ulid,
    /// Which person it is about, hashed: items of one person keep their order.
    pub person: u64,
    /// The request that carries it.
    pub route: Route,
    /// The JSON to send.
    pub body: Bytes,
}

impl Mapping {
    /// Maps an event. `attributes` is a buffer to write into; what it holds is cleared.
    pub fn map<'e>(&self, reading: &Reading<'e>, mut attributes: Vec<u8>) -> Mapped<'e> {
        let event = reading.event();
        let time = event.time();
        attributes.clear();
        self.write_attributes(reading, &mut attributes);
        Mapped {
            name: trimmed(event.event_type().unwrap_or_default()),
            person: self.person(reading),
            id: dedupe::id(event, time.clone().unwrap_or_default()),
            time,
            attributes,
            person_path: self.person.clone(),
        }
    }

    fn person<'e>(&self, reading: &Reading<'e>) -> Option<Person<'e>> {
        let event = reading.event();
        let value = if self.person == "user_id" {
            event.user_id()
        } else {
            reading.at(&self.person).and_then(json::scalar)
        };
        match value {
            Some(value) if self.recognize && is_email(&value) => Some(Person::Email(value)),
            Some(value) if self.recognize && value.starts_with("cio_") => {
                Some(Person::CioId(Cow::Owned(value["cio_".len()..].to_owned())))
            }
            Some(value) => Some(Person::Id(value)),
            None if self.anonymous == Anonymous::Send => event.device_id().map(Person::Anonymous),
            None => None,
        }
    }

    fn write_attributes(&self, reading: &Reading<'_>, out: &mut Vec<u8>) {
        let event = reading.event();
        let mut object = ObjectWriter::new(out);
        let own = reading.event_properties();
        let rewrites = self.rewrites();
        match event.raw(Field::EventProperties) {
            Some(raw) if json::kind(raw) == Kind::Object && !rewrites => object.extend(raw),
            Some(raw) if json::kind(raw) == Kind::Object => {
                for (key, value) in own {
                    self.copy_entry(&mut object, key, value, "event_properties");
                }
            }
            Some(raw) => object.entry("event_properties", raw.as_bytes()),
            None => {}
        }
        // An event property wins its name; what would fall on it gets a longer one.
        let taken = |name: &str| own.iter().any(|(key, _)| key == name);
        let free = |name: String| {
            if taken(&name) {
                format!("amplitude_{name}")
            } else {
                name
            }
        };
        let groups = [
            (Field::UserProperties, "user_properties", "user_"),
            (Field::GroupProperties, "group_properties", "group_"),
            (Field::Groups, "groups", "groups_"),
        ];
        for (field, name, prefix) in groups {
            let Some(raw) = event.raw(field) else {
                continue;
            };
            if json::kind(raw) == Kind::Object && raw[1..raw.len() - 1].trim().is_empty() {
                continue;
            }
            match (self.layout, json::entries(raw)) {
                (Layout::Flat, Some(entries)) => {
                    for (key, value) in entries {
                        if let Some(value) = self.copied(value, &format!("{name}.{key}")) {
                            object.entry(&free(format!("{prefix}{key}")), &value);
                        }
                    }
                }
                _ if !rewrites => object.entry(&free(name.to_owned()), raw.as_bytes()),
                _ => {
                    if let Some(value) = self.copied(raw, name) {
                        object.entry(&free(name.to_owned()), &value);
                    }
                }
            }
        }
        for name in &self.fields {
            match reading.field(name) {
                Some(raw) if raw != "null" => object.entry(&free(name.clone()), raw.as_bytes()),
                _ => {}
            }
        }
        object.end();
    }

    /// Whether values have to be looked at, or can be copied as they are.
    fn rewrites(&self) -> bool {
        !self.include.is_empty() || !self.exclude.is_empty() || self.dates == Dates::Unix
    }

    fn copy_entry(&self, object: &mut ObjectWriter<'_>, key: &str, value: &str, parent: &str) {
        if let Some(value) = self.copied(value, &format!("{parent}.{key}")) {
            object.entry(key, &value);
        }
    }

    /// The value at `path` as the settings let it through, or nothing where they don't.
    fn copied<'v>(&self, raw: &'v str, path: &str) -> Option<Cow<'v, [u8]>> {
        if self.exclude.iter().any(|out| out == path) {
            return None;
        }
        let included =
            self.include.is_empty() || self.include.iter().any(|p| is_at_or_above(p, path));
        let deeper = self
            .include
            .iter()
            .chain(&self.exclude)
            .any(|p| is_above(path, p));
        if !included && !deeper {
            return None;
        }
        match json::kind(raw) {
            Kind::Object
                if (deeper || self.dates == Dates::Unix)
                    && path.matches('.').count() < json::DEEPEST =>
            {
                let mut out = Vec::with_capacity(raw.len());
                let mut object = ObjectWriter::new(&mut out);
                for (key, value) in json::entries(raw)? {
                    self.copy_entry(&mut object, &key, value, path);
                }
                object.end();
                Some(Cow::Owned(out))
            }
            _ if !included => None,
            Kind::String if self.dates == Dates::Unix => Some(unix_seconds(raw)),
            _ => Some(Cow::Borrowed(raw.as_bytes())),
        }
    }
}

impl Mapped<'_> {
    /// The event as an item, by the request that can carry it. Nothing where the person or
    /// the time is missing, which the limits reject before.
    pub fn item(&self) -> Option<Item> {
        let person = self.person.as_ref()?;
        let seconds = self.time.as_ref().ok()?.div_euclid(1000);
        let mut body = Vec::with_capacity(self.attributes.len() + self.name.len() + 200);
        open_item(&mut body, "event", person);
        body.extend_from_slice(br#","name":"#);
        json::push_string(&mut body, &self.name);
        self.push_stamp(&mut body, seconds);
        body.extend_from_slice(br#","attributes":"#);
        body.extend_from_slice(&self.attributes);
        body.push(b'}');
        if body.len() <= sizes::BATCH_ITEM_BYTES {
            return Some(self.finish(person, Route::Batch, body));
        }
        body.clear();
        body.extend_from_slice(br#"{"name":"#);
        json::push_string(&mut body, &self.name);
        body.extend_from_slice(br#","type":"event""#);
        self.push_stamp(&mut body, seconds);
        let path = match person {
            Person::Anonymous(id) => {
                body.extend_from_slice(br#","anonymous_id":"#);
                json::push_string(&mut body, id);
                "/api/v1/events".to_owned()
            }
            _ => format!("{}/events", customer_path(person)),
        };
        body.extend_from_slice(br#","data":"#);
        body.extend_from_slice(&self.attributes);
        body.push(b'}');
        Some(self.finish(person, Route::V1 { put: false, path }, body))
    }

    fn push_stamp(&self, body: &mut Vec<u8>, seconds: i64) {
        let id = self.id;
        body.extend_from_slice(format!(r#","timestamp":{seconds},"id":"{id}""#).as_bytes());
    }

    fn finish(&self, person: &Person<'_>, route: Route, body: Vec<u8>) -> Item {
        Item {
            id: self.id,
            person: hash(person),
            route,
            body: Bytes::from(body),
        }
    }

    /// An identify that carries `user_properties` as attributes of the person. Attributes that
    /// Customer.io would refuse by their own size stay behind; the limits name them.
    pub fn identify(&self, reading: &Reading<'_>) -> Option<Item> {
        let person = self.person.as_ref()?;
        let mut attributes = Vec::new();
        let mut object = ObjectWriter::new(&mut attributes);
        let mut any = false;
        for (name, value) in set_properties(reading) {
            let fits = name.len() <= sizes::ATTRIBUTE_NAME_BYTES
                && sizes::value_bytes(value) <= sizes::ATTRIBUTE_VALUE_BYTES;
            if fits {
                object.entry(&name, value.as_bytes());
                any = true;
            }
        }
        object.end();
        if !any {
            return None;
        }
        let mut body = Vec::with_capacity(attributes.len() + 150);
        open_item(&mut body, "identify", person);
        body.extend_from_slice(br#","attributes":"#);
        body.extend_from_slice(&attributes);
        body.push(b'}');
        if body.len() <= sizes::BATCH_ITEM_BYTES || matches!(person, Person::Anonymous(_)) {
            return Some(self.finish(person, Route::Batch, body));
        }
        let path = customer_path(person);
        Some(self.finish(person, Route::V1 { put: true, path }, attributes))
    }
}

/// The user properties that an event sets: all of them, or those under `$set` where the
/// event carries operations, as the SDKs' `$identify` events do.
fn set_properties<'e>(reading: &Reading<'e>) -> json::Entries<'e> {
    let all = reading.user_properties();
    let set = all.iter().find(|(key, _)| key == "$set");
    let plain = all.iter().filter(|(key, _)| !key.starts_with('$')).cloned();
    plain
        .chain(
            set.and_then(|(_, raw)| json::entries(raw))
                .unwrap_or_default(),
        )
        .collect()
}

fn open_item(body: &mut Vec<u8>, action: &str, person: &Person<'_>) {
    let key = person.key();
    body.extend_from_slice(
        format!(r#"{{"type":"person","action":"{action}","identifiers":{{"{key}":"#).as_bytes(),
    );
    json::push_string(body, person.value());
    body.push(b'}');
}

/// RFC 3986's unreserved characters; an identifier is encoded whole, `/` and `@` too.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

fn customer_path(person: &Person<'_>) -> String {
    let prefix = if matches!(person, Person::CioId(_)) {
        "cio_"
    } else {
        ""
    };
    format!(
        "/api/v1/customers/{prefix}{}",
        utf8_percent_encode(person.value(), IN_PATH)
    )
}

fn hash(person: &Person<'_>) -> u64 {
    use std::hash::{BuildHasher as _, BuildHasherDefault};
    BuildHasherDefault::<rustc_hash::FxHasher>::default().hash_one((person.key(), person.value()))
}

fn trimmed(name: Cow<'_, str>) -> Cow<'_, str> {
    match name {
        Cow::Borrowed(name) => Cow::Borrowed(name.trim()),
        Cow::Owned(name) => Cow::Owned(name.trim().to_owned()),
    }
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let blank = text.contains(char::is_whitespace) || domain.contains('@');
    !blank
        && !local.is_empty()
        && domain.contains('.')
        && !domain.starts_with('.')
        && !domain.ends_with('.')
}

fn unix_seconds(raw: &str) -> Cow<'_, [u8]> {
    let text = raw.as_bytes();
    // "2026-01-31…": cheap to tell, before a calendar is asked.
    let dated = text.len() > 10 && text[1].is_ascii_digit() && text[5] == b'-' && text[8] == b'-';
    match time::parse(raw) {
        Ok(ms) if dated => Cow::Owned(ms.div_euclid(1000).to_string().into_bytes()),
        _ => Cow::Borrowed(text),
    }
}

fn is_above(path: &str, below: &str) -> bool {
    below
        .strip_prefix(path)
        .is_some_and(|rest| rest.starts_with('.'))
}

fn is_at_or_above(path: &str, other: &str) -> bool {
    path == other || is_above(path, other)
}

#[cfg(test)]
mod tests {
    use super::Anonymous::{Drop, Send};
    use super::*;
    use crate::amplitude::frame::tests_support::event;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn body(mapping: &Mapping, text: &str) -> Value {
        let event = event(text);
        let mapped = mapping.map(&Reading::new(&event), Vec::new());
        serde_json::from_slice(&mapped.item().unwrap().body).unwrap()
    }

    fn attributes(change: impl FnOnce(&mut Mapping)) -> Value {
        let mut mapping = Mapping::default();
        change(&mut mapping);
        body(&mapping, EVENT)["attributes"].clone()
    }

    const EVENT: &str = r#"{"event_type":"  Purchase Completed ","user_id":"u/1 ü","device_id":"d-1",
        "event_time":"2026-01-01 00:00:00.900000","uuid":"x","platform":"iOS","country":null,
        "event_properties":{"price":12.50,"at":"2026-01-31T10:00:00Z","deep":{"a":1,"b":[true,null]}},
        "user_properties":{"plan":"pro","email":"ann@example.com"},
        "group_properties":{"tier":{"n":1e3}},"groups":{"company":["acme"]}}"#;

    #[test]
    fn an_event_goes_as_an_event_of_its_person_with_everything_it_has() {
        let sent = body(&Mapping::default(), EVENT);
        assert_eq!(
            sent,
            json!({
                "type": "person", "action": "event", "identifiers": {"id": "u/1 ü"},
                "name": "Purchase Completed", "timestamp": 1_767_225_600, "id": sent["id"],
                "attributes": {
                    "price": 12.50, "at": "2026-01-31T10:00:00Z", "deep": {"a": 1, "b": [true, null]},
                    "user_properties": {"plan": "pro", "email": "ann@example.com"},
                    "group_properties": {"tier": {"n": 1e3}}, "groups": {"company": ["acme"]},
                }
            })
        );
        let screen = EVENT.replace("  Purchase Completed ", "[Amplitude] Screen Viewed");
        assert_eq!(body(&Mapping::default(), &screen)["action"], "event");
    }

    #[test]
    fn settings_choose_what_goes_along_and_under_which_name() {
        let flat = attributes(|m| m.layout = Layout::Flat);
        assert_eq!(
            (
                &flat["user_plan"],
                &flat["group_tier"],
                &flat["groups_company"]
            ),
            (&json!("pro"), &json!({"n": 1e3}), &json!(["acme"]))
        );
        let included = attributes(|m| {
            m.include = vec!["event_properties.deep.a".into(), "user_properties".into()];
        });
        assert_eq!(
            included,
            json!({"deep": {"a": 1}, "user_properties": {"plan": "pro", "email": "ann@example.com"}})
        );
        let excluded = attributes(|m| {
            m.exclude = vec![
                "user_properties.email".into(),
                "event_properties.deep".into(),
                "groups".into(),
            ];
        });
        assert_eq!(
            excluded,
            json!({"price": 12.5, "at": "2026-01-31T10:00:00Z", "user_properties": {"plan": "pro"}, "group_properties": {"tier": {"n": 1e3}}})
        );
        let dated = attributes(|m| m.dates = Dates::Unix);
        assert_eq!(
            (&dated["at"], &dated["price"]),
            (&json!(1_769_853_600), &json!(12.5))
        );
        let fields =
            attributes(|m| m.fields = vec!["platform".into(), "country".into(), "nope".into()]);
        assert_eq!(
            (
                fields.get("platform"),
                fields.get("country"),
                fields.get("nope")
            ),
            (Some(&json!("iOS")), None, None)
        );
    }

    #[test]
    fn an_event_property_wins_its_name_and_what_it_would_cover_gets_a_longer_one() {
        let text = r#"{"event_type":"a","user_id":"u","time":1767225600000,"event_properties":{"user_properties":1},"user_properties":{"plan":2}}"#;
        let sent = body(&Mapping::default(), text);
        assert_eq!(
            sent["attributes"],
            json!({"user_properties": 1, "amplitude_user_properties": {"plan": 2}})
        );
    }

    #[test]
    fn people_are_named_as_the_settings_say() {
        let with = |person: &str, recognize, anonymous, user: &str| {
            let mapping = Mapping {
                person: person.to_owned(),
                recognize,
                anonymous,
                ..Mapping::default()
            };
            let text = EVENT.replace(r#""u/1 ü""#, user);
            let event = event(&text);
            mapping
                .map(&Reading::new(&event), Vec::new())
                .item()
                .map(|item| {
                    serde_json::from_slice::<Value>(&item.body).unwrap()["identifiers"].clone()
                })
        };
        for (person, recognize, anonymous, user, expected) in [
            (
                "user_id",
                false,
                Drop,
                r#""a@b.co""#,
                Some(json!({"id": "a@b.co"})),
            ),
            (
                "user_id",
                true,
                Drop,
                r#""a@b.co""#,
                Some(json!({"email": "a@b.co"})),
            ),
            (
                "user_id",
                true,
                Drop,
                r#""cio_0a1b""#,
                Some(json!({"cio_id": "0a1b"})),
            ),
            (
                "user_id",
                true,
                Drop,
                r#""not@mail""#,
                Some(json!({"id": "not@mail"})),
            ),
            ("user_id", false, Drop, "42", Some(json!({"id": "42"}))),
            ("user_id", false, Drop, "null", None),
            (
                "user_id",
                false,
                Send,
                "null",
                Some(json!({"anonymous_id": "d-1"})),
            ),
            (
                "user_properties.email",
                true,
                Drop,
                "null",
                Some(json!({"email": "ann@example.com"})),
            ),
            ("user_properties.nope", true, Drop, r#""u""#, None),
        ] {
            assert_eq!(
                with(person, recognize, anonymous, user),
                expected,
                "{person} {user}"
            );
        }
    }

    #[test]
    fn an_event_over_32_kb_goes_by_v1_with_its_person_percent_encoded_whole() {
        let large = EVENT.replace(
            r#""price":12.50"#,
            &format!(r#""price":"{}""#, "x".repeat(40_000)),
        );
        let event = event(&large);
        let mapped = Mapping::default().map(&Reading::new(&event), Vec::new());
        let item = mapped.item().unwrap();
        assert_eq!(
            item.route,
            Route::V1 {
                put: false,
                path: "/api/v1/customers/u%2F1%20%C3%BC/events".to_owned()
            }
        );
        let sent: Value = serde_json::from_slice(&item.body).unwrap();
        assert_eq!(
            (&sent["name"], &sent["type"], &sent["timestamp"]),
            (
                &json!("Purchase Completed"),
                &json!("event"),
                &json!(1_767_225_600)
            )
        );
        assert_eq!(sent["data"]["user_properties"]["plan"], "pro");
    }

    #[test]
    fn an_identify_carries_user_properties_and_leaves_out_what_would_be_refused() {
        let long = EVENT.replace(
            r#""plan":"pro""#,
            &format!(r#""plan":"pro","bio":"{}""#, "é".repeat(501)),
        );
        let event = event(&long);
        let reading = Reading::new(&event);
        let item = Mapping::default()
            .map(&reading, Vec::new())
            .identify(&reading)
            .unwrap();
        let sent: Value = serde_json::from_slice(&item.body).unwrap();
        assert_eq!(
            sent["attributes"],
            json!({"plan": "pro", "email": "ann@example.com"})
        );
        assert_eq!(sent["action"], "identify");
        let update = r#"{"event_type":"$identify","user_id":"u","time":1767225600000,"user_properties":{"$set":{"plan":"pro"},"$add":{"n":1}}}"#;
        let event = crate::amplitude::frame::tests_support::event(update);
        let reading = Reading::new(&event);
        let item = Mapping::default()
            .map(&reading, Vec::new())
            .identify(&reading)
            .unwrap();
        assert!(item.body.ends_with(br#""attributes":{"plan":"pro"}}"#));
    }

    /// Any JSON value, nested a few levels.
    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,12}".prop_map(Value::from),
            "[\\x00-\\x7f]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map("\\PC{0,8}", inner, 0..4)
                    .prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// What is sent is valid JSON and holds every property, unchanged.
        #[test]
        fn everything_that_an_event_has_arrives(
            own in proptest::collection::btree_map("\\PC{1,8}", any_json(), 0..5),
            user in proptest::collection::btree_map("\\PC{1,8}", any_json(), 1..5),
            id in "\\PC{1,20}",
        ) {
            let event_json = json!({"event_type": "a", "user_id": id, "time": 1_767_225_600_000_i64, "event_properties": own, "user_properties": user});
            let sent = body(&Mapping::default(), &event_json.to_string());
            prop_assert_eq!(&sent["identifiers"]["id"], &json!(id));
            for (name, value) in &own {
                prop_assert_eq!(&sent["attributes"][name.as_str()], value);
            }
            let beside = if own.contains_key("user_properties") { "amplitude_user_properties" } else { "user_properties" };
            prop_assert_eq!(&sent["attributes"][beside], &json!(user));
        }
    }
}
