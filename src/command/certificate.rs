//! The certificate of a server of ours.

use axum_server::tls_rustls::RustlsConfig;
use color_eyre::eyre::{Result, WrapErr as _};

use crate::amplitude::byte_order_mark;

/// The files of a certificate and its key, as settings name them.
#[derive(Debug, Clone)]
pub(super) struct CertificateFiles {
    pub(super) cert: String,
    pub(super) key: String,
}

impl CertificateFiles {
    /// Loads the certificate and its key if the settings name them.
    pub(super) async fn load(&self) -> Result<Option<RustlsConfig>> {
        if self.cert.is_empty() {
            return Ok(None);
        }
        crate::http::install_ring();
        let unusable = || self.unusable();
        let (cert, key) = self.read().await.wrap_err_with(unusable)?;
        let config = RustlsConfig::from_pem(cert, key);
        config.await.map(Some).wrap_err_with(unusable)
    }

    /// Reads them again into a configuration in use; open connections keep what they have.
    pub(super) async fn reload(&self, tls: &RustlsConfig) -> std::io::Result<()> {
        let (cert, key) = self.read().await?;
        tls.reload_from_pem(cert, key).await
    }

    /// Reads the files, without byte order marks, which their parser doesn't know.
    async fn read(&self) -> std::io::Result<(Vec<u8>, Vec<u8>)> {
        let Self { cert, key } = self.clone();
        let read = |path: &str| {
            std::fs::read(path).map(|bytes| byte_order_mark::without_bytes(&bytes).to_vec())
        };
        tokio::task::spawn_blocking(move || Ok((read(&cert)?, read(&key)?)))
            .await
            .map_err(std::io::Error::other)?
    }

    /// The message for files that can't be used.
    pub(super) fn unusable(&self) -> String {
        let Self { cert, key } = self;
        format!("cannot use {cert} and {key} as a certificate and its key; write both in PEM")
    }
}
