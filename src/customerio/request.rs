//! The request for one item, as it is sent, copied and exported.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::amplitude::json;

use super::item::Route;

/// The path of a v2 batch.
pub const BATCH_PATH: &str = "/api/v2/batch";

/// A complete request except for the server and the credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request<'r> {
    /// `POST` or `PUT`.
    pub method: &'static str,
    /// The path after the server.
    pub path: &'r str,
    /// The body, on one line.
    pub body: String,
}

impl<'r> Request<'r> {
    /// The request for an item with this body by this route: by v2, a batch of one.
    pub fn of(route: &'r Route, body: &str) -> Self {
        let body = json::on_one_line(body);
        let (method, path, body) = match route {
            Route::Batch => ("POST", BATCH_PATH, format!("{{\"batch\":[{body}]}}")),
            Route::V1 { put: true, path } => ("PUT", path.as_str(), body),
            Route::V1 { put: false, path } => ("POST", path.as_str(), body),
        };
        Self { method, path, body }
    }

    /// The body as JSON on one line, with numbers as written. An invalid body, such as a damaged one,
    /// becomes a JSON string.
    pub fn json(&self) -> String {
        match serde_json::from_str::<&RawValue>(&self.body) {
            Ok(raw) => raw.get().to_owned(),
            Err(_) => Value::from(self.body.as_str()).to_string(),
        }
    }
}
