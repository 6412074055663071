//! Tests of the mapping, with the events that they share.

mod events;
mod identifies;
mod problems;
mod random;
mod selection;

use super::Anonymous::Send;
use super::*;
use crate::amplitude::Reading;
use crate::amplitude::frame::tests_support::event;
use crate::amplitude::json as raw_json;
use crate::customerio::{Item, Route};
use serde_json::{Value, json};

const EVENT: &str = r#"{"event_type":"  Purchase Completed ","user_id":"u/1 ü","device_id":"d-1",
    "event_time":"2026-01-01 00:00:00.900000","uuid":"x","platform":"iOS","country":null,
    "event_properties":{"price":12.50,"at":"2026-01-31T10:00:00Z","deep":{"a":1,"b":[true,null]}},
    "user_properties":{"plan":"pro","email":"ann@example.com"},
    "group_properties":{"tier":{"n":1e3}},"groups":{"company":["acme"]}}"#;

/// The event as it would be sent.
fn body(mapping: &Mapping, text: &str) -> Value {
    let event = event(text);
    let mapped = mapping.map(&Reading::new(&event), Vec::new());
    serde_json::from_slice(&mapped.item().unwrap().body).unwrap()
}

/// The attributes of an event, as they would be sent.
fn attributes_of(text: &str, change: impl FnOnce(&mut Mapping)) -> Value {
    let mut mapping = Mapping::default();
    change(&mut mapping);
    body(&mapping, text)["attributes"].clone()
}

/// The identify of an event with `send_users` on, as it would be sent.
fn identify(change: impl FnOnce(&mut Mapping), text: &str) -> Option<Item> {
    let mut mapping = Mapping {
        send_users: true,
        ..Mapping::default()
    };
    change(&mut mapping);
    let event = event(text);
    let reading = Reading::new(&event);
    let mapped = mapping.map(&reading, Vec::new());
    let found = mapped.identify_item(&mapping, &mapping.identify(&reading), &reading);
    found.map(|found| found.item)
}

/// The attributes of the identify.
fn identified(change: impl FnOnce(&mut Mapping), text: &str) -> Value {
    let item = identify(change, text).unwrap();
    let sent: Value = serde_json::from_slice(&item.body).unwrap();
    sent["attributes"].clone()
}

fn paths(all: &[&str]) -> Vec<String> {
    all.iter().map(|path| (*path).to_owned()).collect()
}
