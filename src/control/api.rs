//! The control API of one pipeline: what its requests work on.

use std::pin::Pin;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;

use crate::pipeline::Handle;
use crate::privacy::ViewerMask;
use crate::protocol::{Command, Snapshot};

use super::about::About;
use super::access::{Access, Caller, Role};
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
    /// The source of those screens for which people are masked.
    pub(super) masked_screens: Option<Arc<ScreenHub>>,
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
        let hub = |mask| ScreenHub::new(handle.ring().clone(), handle.snapshots(), mask);
        let screens = hub(None);
        let masked_screens = access.mask().map(|mask| hub(Some(mask)));
        Self(Arc::new(Parts {
            handle,
            access: Arc::new(access),
            about,
            reload,
            metrics: Metrics::default(),
            screens,
            masked_screens,
        }))
    }

    /// The state of the pipeline, as a caller may see it.
    pub(super) fn snapshot(&self, caller: &Caller) -> Arc<Snapshot> {
        let snapshot = self.0.handle.snapshots().borrow().clone();
        match self.mask(caller) {
            Some(mask) => Arc::new(mask.snapshot(&snapshot)),
            None => snapshot,
        }
    }

    /// The source of a caller's screen.
    pub(super) fn screens(&self, caller: &Caller) -> Arc<ScreenHub> {
        let masked = self.0.masked_screens.as_ref();
        let masked = masked.filter(|_| self.mask(caller).is_some());
        masked.unwrap_or(&self.0.screens).clone()
    }

    /// Number of attached screens of people in this role.
    pub(super) fn screen_count(&self, role: Role) -> u64 {
        let masked = self.0.masked_screens.iter();
        let all = masked.chain([&self.0.screens]);
        all.map(|hub| hub.count(role)).sum()
    }

    /// The mask of people for a caller.
    pub(super) fn mask(&self, caller: &Caller) -> Option<ViewerMask> {
        self.0.access.mask_for(caller)
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
