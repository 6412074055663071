//! Descriptions of TLS errors, with advice.

use std::error::Error;

use rustls::CertificateError;

/// Describes the TLS error in `error`'s chain, with advice; none if there is none. `ca_setting` is the
/// setting that names another certificate authority, if there is one.
pub fn describe(error: &(dyn Error + 'static), ca_setting: Option<&str>) -> Option<String> {
    let mut next = Some(error);
    while let Some(one) = next {
        if let Some(tls) = one.downcast_ref::<rustls::Error>() {
            return Some(description(tls, ca_setting));
        }
        next = match one.downcast_ref::<std::io::Error>() {
            // `source` would skip the inner error itself.
            Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
            None => one.source(),
        };
    }
    None
}

fn description(error: &rustls::Error, ca_setting: Option<&str>) -> String {
    let trust = match ca_setting {
        Some(setting) => {
            format!("set {setting} or SSL_CERT_FILE to a file with the CA that issued it")
        }
        None => "add the CA that issued it to the system's store, or to the file in SSL_CERT_FILE"
            .to_owned(),
    };
    match error {
        rustls::Error::InvalidCertificate(why) => match why {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                format!(
                    "TLS: the server's certificate is for another name ({error}); use that name"
                )
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                format!(
                    "TLS: the server's certificate has expired, or this machine's clock is wrong ({error})"
                )
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                format!(
                    "TLS: the server's certificate is not valid yet, or this machine's clock is wrong ({error})"
                )
            }
            _ => format!("TLS: the server's certificate is not trusted ({error}); {trust}"),
        },
        rustls::Error::NoCertificatesPresented => format!("TLS: {error}"),
        rustls::Error::InvalidMessage(_) => {
            format!("TLS: the server does not use TLS ({error}); check the scheme")
        }
        _ => format!(
            "TLS: {error}; trusted certificates come from the system{}, or the file in SSL_CERT_FILE",
            match ca_setting {
                Some(setting) => format!(", {setting}"),
                None => String::new(),
            }
        ),
    }
}
