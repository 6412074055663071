//! The feed's TLS: trusted certificate authorities and the client certificate.

use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};

use crate::amplitude::byte_order_mark;
use crate::feed::settings::Settings;

use super::error::FeedError;

/// TLS configurations.
#[derive(Debug, Clone)]
pub(super) struct Tls {
    /// For the feed's server.
    pub server: Arc<ClientConfig>,
    /// For a proxy, without a client certificate.
    pub proxy: Arc<ClientConfig>,
    /// The error if no authority is trusted.
    pub no_roots: Option<String>,
}

impl Tls {
    pub(super) fn new(settings: &Settings) -> Result<Self, FeedError> {
        let mut roots = RootCertStore::empty();
        let system = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(system.certs);
        for certificate in certificates("feed.ca_file", &settings.ca_file)? {
            let wrong = |e: rustls::Error| file_error("feed.ca_file", &settings.ca_file, &e);
            roots.add(certificate).map_err(wrong)?;
        }
        let no_roots = roots.is_empty().then(|| {
            let why = system.errors.first().map(|error| format!(" ({error})"));
            let why = why.unwrap_or_default();
            format!(
                "TLS: this system has no certificate authorities{why}; name a file of them in feed.ca_file or SSL_CERT_FILE"
            )
        });
        let proxy = builder(roots.clone())?.with_no_client_auth();
        let server = match settings.client_cert_file.as_str() {
            "" => proxy.clone(),
            chain => {
                let chain = certificates("feed.client_cert_file", chain)?;
                let wrong = |error: &dyn std::fmt::Display| {
                    file_error("feed.client_key_file", &settings.client_key_file, error)
                };
                let pem = pem("feed.client_key_file", &settings.client_key_file)?;
                let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|error| wrong(&error))?;
                builder(roots)?
                    .with_client_auth_cert(chain, key)
                    .map_err(|error| wrong(&error))?
            }
        };
        Ok(Self {
            server: Arc::new(server),
            proxy: Arc::new(proxy),
            no_roots,
        })
    }
}

fn builder(
    roots: RootCertStore,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, FeedError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| FeedError::TlsVersions(error.to_string()))?;
    Ok(versions.with_root_certificates(roots))
}

fn certificates(
    setting: &'static str,
    path: &str,
) -> Result<Vec<CertificateDer<'static>>, FeedError> {
    if path.is_empty() {
        return Ok(Vec::new());
    }
    let pem = pem(setting, path)?;
    let all = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
    match all {
        Ok(all) if all.is_empty() => Err(file_error(setting, path, &"has no certificate (PEM)")),
        Ok(all) => Ok(all),
        Err(error) => Err(file_error(setting, path, &error)),
    }
}

/// Reads a PEM file without its byte order mark, after which the parser finds no section.
fn pem(setting: &'static str, path: &str) -> Result<Vec<u8>, FeedError> {
    let bytes = std::fs::read(path).map_err(|error| file_error(setting, path, &error))?;
    Ok(byte_order_mark::without_bytes(&bytes).to_vec())
}

fn file_error(setting: &'static str, path: &str, error: &dyn std::fmt::Display) -> FeedError {
    FeedError::Tls {
        setting,
        path: path.to_owned(),
        message: error.to_string(),
    }
}
