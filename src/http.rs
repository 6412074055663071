//! What all our HTTP clients have in common.

pub mod reply;

/// A client that says who we are, and follows no redirect: that would take keys, or events,
/// elsewhere.
pub fn client() -> reqwest::ClientBuilder {
    use_ring();
    reqwest::Client::builder()
        .user_agent(concat!("sluicegate/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
}

/// Makes *ring* what TLS is computed with, here and where the feed's server speaks it.
pub fn use_ring() {
    // Another part of the program may have installed it before: then there is nothing to do.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
