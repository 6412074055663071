//! The state that all requests to the sandbox share.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::amplitude::time::{self, UnixMs};

use super::app_faults::AppFaults;
use super::faults::Faults;
use super::item::Item;
use super::store::{Aftermath, Store};

/// The state that all requests share.
#[derive(Debug)]
pub(super) struct SandboxState {
    credentials: Mutex<Option<String>>,
    faults: Mutex<Faults>,
    store: Mutex<Store>,
    /// The accepted key of the App API; any is accepted if there is none.
    app_key: Mutex<Option<String>>,
    /// The times of the App API's requests in the last second.
    app_requests: Mutex<VecDeque<UnixMs>>,
    /// How far its clock is ahead, in milliseconds.
    ahead_ms: AtomicI64,
}

/// The state as an extractor of a handler.
pub(super) type Shared = axum::extract::State<Arc<SandboxState>>;

impl SandboxState {
    pub(super) fn new(credentials: Option<String>, faults: Faults, store: Store) -> Self {
        Self {
            credentials: Mutex::new(credentials),
            faults: Mutex::new(faults),
            store: Mutex::new(store),
            app_key: Mutex::new(None),
            app_requests: Mutex::default(),
            ahead_ms: AtomicI64::new(0),
        }
    }

    /// The accepted key of the App API; any is accepted if there is none.
    pub(super) fn app_key(&self) -> MutexGuard<'_, Option<String>> {
        lock(&self.app_key)
    }

    /// The time by the sandbox's clock.
    pub(super) fn now(&self) -> UnixMs {
        time::now() + self.ahead_ms.load(Relaxed)
    }

    /// Sets the clock forward.
    pub(super) fn advance(&self, by_ms: i64) {
        self.ahead_ms.fetch_add(by_ms, Relaxed);
    }

    /// Counts a request to the App API. Returns false if there were `most` in the last second.
    pub(super) fn allows_app_request(&self, most: u32) -> bool {
        let now = self.now();
        let mut times = lock(&self.app_requests);
        while times.front().is_some_and(|at| now - at >= 1_000) {
            times.pop_front();
        }
        let is_allowed = times.len() < most as usize;
        if is_allowed {
            times.push_back(now);
        }
        is_allowed
    }

    /// What happens to an item after the answer 200.
    pub(super) fn after(&self, item: &Item<'_>, faults: &AppFaults) -> Aftermath {
        let now_ms = self.now();
        Aftermath {
            fate: faults.fate(item, rand::random()),
            sends_mail: faults.sends_mail(item),
            now_ms,
            visible_ms: now_ms + faults.delay_ms.cast_signed(),
        }
    }

    /// Takes a valid item.
    pub(super) fn take(&self, item: &Item<'_>) {
        let faults = self.faults().app.clone();
        self.store().take(item, &self.after(item, &faults));
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
