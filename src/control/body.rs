//! The bodies of requests.

use serde::Deserialize;

use super::refusal::Refusal;

/// Reads a body as JSON.
pub(super) fn parsed<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body)
        .map_err(|error| Refusal::bad_request(format!("the body is not as expected: {error}")))
}
