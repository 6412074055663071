//! The state that all requests to the sandbox share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::faults::Faults;
use super::store::Store;

/// The state that all requests share.
#[derive(Debug)]
pub(super) struct SandboxState {
    credentials: Mutex<Option<String>>,
    faults: Mutex<Faults>,
    store: Mutex<Store>,
}

/// The state as an extractor of a handler.
pub(super) type Shared = axum::extract::State<Arc<SandboxState>>;

impl SandboxState {
    pub(super) fn new(credentials: Option<String>, faults: Faults, store: Store) -> Self {
        Self {
            credentials: Mutex::new(credentials),
            faults: Mutex::new(faults),
            store: Mutex::new(store),
        }
    }

    /// The accepted credentials, `site_id:api_key`; any are accepted if there are none.
    pub(super) fn credentials(&self) -> MutexGuard<'_, Option<String>> {
        lock(&self.credentials)
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.faults)
    }

    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        lock(&self.store)
    }
}

/// Locks even after a panic of another holder, which can leave counts one behind at most.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
