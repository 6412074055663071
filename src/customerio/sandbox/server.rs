//! Starts a sandbox, and reads and changes it from this process.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use tokio::net::TcpListener;

use super::faults::Faults;
use super::state::SandboxState;
use super::store::{Counts, Store};
use super::stored_event::{Attributes, StoredEvent};
use super::{access, app_api, control, track_api};

/// Maximum size of a request's body, in bytes: far above those that the Track API allows, so that
/// the limits are checked and not the transport.
const BODY_BYTES: usize = 4 << 20;

/// The behaviour of a sandbox.
#[derive(Debug, Clone)]
pub struct Options {
    /// The accepted credentials, `site_id:api_key`; any are accepted if there are none.
    pub credentials: Option<String>,
    /// The accepted key of the App API; any is accepted if there is none.
    pub app_key: Option<String>,
    /// The faults to inject.
    pub faults: Faults,
    /// Maximum events kept, over all people. Counts go on beyond it.
    pub keep_events: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            credentials: None,
            app_key: None,
            faults: Faults::default(),
            keep_events: 100_000,
        }
    }
}

/// A running sandbox.
#[derive(Debug, Clone)]
pub struct Sandbox {
    state: Arc<SandboxState>,
    address: SocketAddr,
}

impl Sandbox {
    /// Serves on `listener` until the runtime ends.
    pub fn start(listener: TcpListener, options: Options) -> std::io::Result<Self> {
        let store = Store::new(options.keep_events);
        let state = SandboxState::new(options.credentials, options.faults, store);
        *state.app_key() = options.app_key;
        let state = Arc::new(state);
        let address = listener.local_addr()?;
        let app = routes(&state, address);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Ok(Self { state, address })
    }

    /// The address that it serves at.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The counts of requests, events and people.
    pub fn counts(&self) -> Counts {
        self.state.store().counts()
    }

    /// The events of a person, in the order of their arrival.
    pub fn events_of(&self, person: &str) -> Vec<StoredEvent> {
        self.state.store().events_of(person)
    }

    /// The attributes of a person.
    pub fn attributes_of(&self, person: &str) -> Attributes {
        self.state.store().attributes_of(person)
    }

    /// The identifiers of all people, sorted.
    pub fn people(&self) -> Vec<String> {
        self.state.store().people()
    }

    /// Changes the accepted credentials.
    pub fn set_credentials(&self, credentials: &str) {
        *self.state.credentials() = Some(credentials.to_owned());
    }

    /// Sets its clock forward: activities can be seen, and become too old, without waiting.
    pub fn advance(&self, by: Duration) {
        self.state.advance(by.as_millis() as i64);
    }

    /// Changes the faults to inject.
    pub fn set_faults(&self, faults: Faults) {
        *self.state.faults() = faults;
    }
}

fn routes(state: &Arc<SandboxState>, address: SocketAddr) -> Router {
    Router::new()
        .merge(control::routes())
        .merge(track_api::routes(state, address))
        .merge(app_api::routes(state))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(middleware::from_fn_with_state(
            address,
            access::refuse_pages,
        ))
        .with_state(state.clone())
}
