//! Requests about dead letters.

use axum::body::Bytes;
use axum::extract::{Extension, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use crate::delivery::spool::dead_letters::DeadLetterSelection;
use crate::pipeline::DeadLetterError;
use crate::protocol::Command;

use super::access::Caller;
use super::api::Api;
use super::body::parsed;
use super::refusal::{Refusal, answer};
use super::wire_letter::WireLetter;

/// Maximum dead letters in an answer.
const MAX_DEAD_LETTERS: u64 = 1_000;

/// Some of the dead letters.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SomeDeadLetters {
    which: DeadLetterSelection,
    most: u64,
}

pub(super) async fn list(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Response, Refusal> {
    must_see_people(&api, &caller)?;
    let SomeDeadLetters { which, most } = parsed(&body)?;
    let most = most.min(MAX_DEAD_LETTERS);
    let found = api.0.handle.dead_letters(which, most).await;
    let found = found.map_err(|error| unreadable(&error))?;
    let found: Vec<WireLetter> = found.into_iter().map(WireLetter::of).collect();
    Ok(answer(StatusCode::OK, &found))
}

pub(super) async fn export(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Response, Refusal> {
    must_see_people(&api, &caller)?;
    let which: DeadLetterSelection = parsed(&body)?;
    let exported = api.0.handle.export_dead_letters(which, Vec::new()).await;
    let (_, text) = exported.map_err(|error| unreadable(&error))?;
    let headers = [(header::CONTENT_TYPE, "application/x-ndjson")];
    Ok((StatusCode::OK, headers, text).into_response())
}

/// Refuses whoever may not see people: a dead letter is an event as it was sent, with a reason that may
/// quote it, and to ask for those of a person would tell whether there are any.
fn must_see_people(api: &Api, caller: &Caller) -> Result<(), Refusal> {
    match api.mask(caller) {
        None => Ok(()),
        Some(_) => Err(Refusal::forbidden(
            "dead letters hold people's data, which control.privacy hides from viewers; use the token of an operator, or the control socket",
        )),
    }
}

fn unreadable(error: &DeadLetterError) -> Refusal {
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

pub(super) async fn retry(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Response, Refusal> {
    caller.must_operate()?;
    let which: DeadLetterSelection = parsed(&body)?;
    api.steer(&caller, Command::RetryDeadLetters(which)).await
}

pub(super) async fn discard(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Response, Refusal> {
    caller.must_operate()?;
    let which: DeadLetterSelection = parsed(&body)?;
    api.steer(&caller, Command::DiscardDeadLetters(which)).await
}
