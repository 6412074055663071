//! The control API of one pipeline: what its requests work on.

use std::pin::Pin;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;

use crate::pipeline::Handle;
use crate::protocol::{Command, Snapshot};

use super::about::About;
use super::access::{Access, Caller};
use super::metrics::Metrics;
use super::refusal::{Refusal, answer};
use super::screen_hub::ScreenHub;

/// Reloads the configuration. Returns a report, or why nothing changed.
pub type Reload =
    Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<String, String>> + Send>> + Send + Sync>;

/// The control API of one pipeline. Clones share it.
#[derive(Clone)]
pub struct Api(pub(super) Arc<Parts>);

pub(super) struct Parts {
    pub(super) handle: Handle,
    pub(super) access: Arc<Access>,
    pub(super) about: About,
    pub(super) reload: Option<Reload>,
    pub(super) metrics: Metrics,
    pub(super) screens: Arc<ScreenHub>,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Api").field(&self.0.about).finish()
    }
}

impl Api {
    /// Creates the API of the pipeline of `handle`. `reload` is none if there is no configuration to
    /// reload.
    pub fn new(handle: Handle, access: Access, about: About, reload: Option<Reload>) -> Self {
        let screens = ScreenHub::new(handle.ring().clone(), handle.snapshots());
        Self(Arc::new(Parts {
            handle,
            access: Arc::new(access),
            about,
            reload,
            metrics: Metrics::default(),
            screens,
        }))
    }

    /// The state of the pipeline.
    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        self.0.handle.snapshots().borrow().clone()
    }

    /// Carries out a command in the name of a caller, who must be an operator.
    pub(super) async fn steer(
        &self,
        caller: &Caller,
        command: Command,
    ) -> Result<Response, Refusal> {
        caller.must_operate()?;
        let handle = &self.0.handle;
        let author = caller.author.clone();
        match handle.steer(author, command).await {
            Ok(applied) => Ok(answer(StatusCode::OK, &applied)),
            Err(error) => Err(Refusal::of(&error)),
        }
    }
}
