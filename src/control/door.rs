//! The ways into a control API, and the guard at each of them.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use super::access::Access;
use super::refusal::{Refusal, answer};
use super::versions::{self, Versions};

/// Maximum size of a request's body, in bytes: filters with some hundred thousand event types.
const MAX_BODY: usize = 64 << 20;

/// Where a request comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    Socket,
    Network,
}

/// The routes behind each door.
#[derive(Debug)]
pub struct Doors {
    pub(super) socket: Router,
    pub(super) network: Router,
}

impl Doors {
    /// Doors to `guarded`, which only those enter that `access` lets in, and to `open`, which anyone
    /// may ask.
    pub(super) fn new(guarded: &Router, open: &Router, access: &Arc<Access>) -> Self {
        let behind = |door| {
            guarded
                .clone()
                .route(versions::PATH, get(version))
                .fallback(unknown_path)
                .method_not_allowed_fallback(unknown_method)
                .layer(DefaultBodyLimit::max(MAX_BODY))
                .layer(middleware::from_fn_with_state(
                    (access.clone(), door),
                    authenticate,
                ))
                .merge(open.clone())
        };
        Self {
            socket: behind(Door::Socket),
            network: behind(Door::Network),
        }
    }
}

/// Finds out who asks, before anything else of a request is read.
async fn authenticate(
    State((access, door)): State<(Arc<Access>, Door)>,
    mut request: Request,
    next: Next,
) -> Response {
    let caller = match door {
        Door::Socket => Ok(Access::on_socket(request.headers())),
        Door::Network => {
            let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
            let from = peer.map_or([0; 4].into(), |peer| peer.0.ip().to_canonical());
            access.on_network(request.headers(), from)
        }
    };
    match caller {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(refusal) => refusal.into_response(),
    }
}

async fn version() -> Response {
    answer(StatusCode::OK, &Versions::this())
}

async fn unknown_path(request: Request) -> Refusal {
    let why = versions::unknown_path(request.uri().path());
    Refusal::new(StatusCode::NOT_FOUND, why)
}

async fn unknown_method(request: Request) -> Refusal {
    let (method, path) = (request.method(), request.uri().path());
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("{path} has no {method}"),
    )
}
