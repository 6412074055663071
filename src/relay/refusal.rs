//! Refusals of requests, in the form of Amplitude's own (HTTP V2 API, responses).

use serde_json::{Value, json};

/// The keys under which a refusal lists missing and invalid fields of events.
pub(super) const WITH_MISSING: &str = "events_with_missing_fields";
pub(super) const WITH_INVALID: &str = "events_with_invalid_fields";

/// The refusal of a request, in Amplitude's form.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The JSON body of the answer.
    pub body: Value,
}

impl Refusal {
    /// A refusal with an error message.
    pub fn new(status: u16, error: &str) -> Self {
        let body = json!({ "code": status, "error": error });
        Self { status, body }
    }

    /// The error message, with the fields that it concerns.
    pub fn reason(&self) -> String {
        let error = self.body["error"].as_str().unwrap_or_default();
        let of_events = [WITH_MISSING, WITH_INVALID].into_iter();
        let of_events = of_events.filter_map(|name| self.body[name].as_object());
        let of_events = of_events.flat_map(|fields| fields.keys().map(String::as_str));
        let of_request = self.body["missing_field"].as_str();
        let fields: Vec<&str> = of_request.into_iter().chain(of_events).collect();
        match fields.as_slice() {
            [] => error.to_owned(),
            fields => format!("{error}: {}", fields.join(", ")),
        }
    }

    /// The refusal of a request or event without a required field.
    pub fn missing(field: &str) -> Self {
        let mut refusal = Self::new(400, "Request missing required field");
        refusal.body["missing_field"] = field.into();
        refusal
    }

    /// The refusal of a body that is too large or has too many events.
    pub fn too_large() -> Self {
        Self::new(413, "Payload too large")
    }
}
