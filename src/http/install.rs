//! The cryptography of TLS.

/// Makes *ring* the default provider of TLS for clients, and for the feed's server.
pub fn install_ring() {
    // An error means that it is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
