//! `/healthz` and `/readyz`: whether the forwarder lives, and whether it can do its work.
//!
//! They ask for no token, as those who ask, load balancers and orchestrators, often have none; so they say
//! nothing about addresses, people or reasons. `/v1/status` has those.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde_json::json;

use crate::delivery::BreakerState;
use crate::feed::FeedState;
use crate::protocol::Snapshot;

use super::api::Api;
use super::refusal::answer;

pub(super) fn routes(api: &Api) -> Router {
    Router::new()
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .with_state(api.clone())
}

async fn alive() -> Response {
    answer(StatusCode::OK, &json!({ "alive": true }))
}

async fn ready(State(api): State<Api>) -> Response {
    let readiness = Readiness::of(&api.0.handle.snapshots().borrow());
    let status = if readiness.is_ready() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let Readiness {
        feed,
        spool,
        destination,
    } = readiness;
    let body = json!({
        "ready": readiness.is_ready(),
        "feed": feed,
        "spool": spool,
        "destination": destination,
    });
    answer(status, &body)
}

/// Which parts of the forwarder can do their work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Readiness {
    /// The feed is connected.
    feed: bool,
    /// The spool can be written, and has room.
    spool: bool,
    /// Delivery is not halted. An open circuit breaker is not a halt: it retries by itself, and events
    /// wait in the spool meanwhile, so that restarting the forwarder or sending the feed elsewhere would
    /// only make it worse.
    destination: bool,
}

impl Readiness {
    fn of(snapshot: &Snapshot) -> Self {
        let delivery = &snapshot.delivery;
        let feed = snapshot.feed.state == FeedState::Live;
        let spool = delivery.spool.fault.is_none() && !delivery.spool.full;
        let destination = !matches!(delivery.breaker, BreakerState::Refused { .. });
        Self {
            feed,
            spool,
            destination,
        }
    }

    fn is_ready(self) -> bool {
        self.feed && self.spool && self.destination
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_that_fails_makes_it_unready() {
        let mut good = Snapshot::default();
        good.feed.state = FeedState::Live;
        assert!(Readiness::of(&good).is_ready());
        let failing: [fn(&mut Snapshot); 4] = [
            |s| s.feed.state = FeedState::Connecting,
            |s| s.delivery.spool.full = true,
            |s| s.delivery.spool.fault = Some("disk".to_owned()),
            |s| {
                s.delivery.breaker = BreakerState::Refused {
                    why: String::new(),
                    since_ms: 0,
                };
            },
        ];
        for (at, fail) in failing.into_iter().enumerate() {
            let mut snapshot = good.clone();
            fail(&mut snapshot);
            let found = Readiness::of(&snapshot);
            let parts = [found.feed, found.spool, found.destination];
            let failed = parts.iter().filter(|works| !**works).count();
            assert_eq!((found.is_ready(), failed), (false, 1), "{at}");
        }
    }

    #[test]
    fn an_open_breaker_retries_by_itself_and_is_ready() {
        let mut snapshot = Snapshot::default();
        snapshot.feed.state = FeedState::Live;
        snapshot.delivery.breaker = BreakerState::Open {
            why: "503".to_owned(),
            since_ms: 0,
            probe_ms: 1_000,
        };
        assert!(Readiness::of(&snapshot).is_ready());
    }
}
