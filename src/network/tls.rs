//! TLS failures in words that say what to do.

use std::error::Error;

use rustls::CertificateError;

/// What a TLS failure anywhere in `error`'s chain means, and what to do about it. `ca_setting` is
/// the setting that names one more certificate authority, where there is one.
pub fn in_words(error: &(dyn Error + 'static), ca_setting: Option<&str>) -> Option<String> {
    let mut next = Some(error);
    while let Some(one) = next {
        if let Some(tls) = one.downcast_ref::<rustls::Error>() {
            return Some(words(tls, ca_setting));
        }
        next = match one.downcast_ref::<std::io::Error>() {
            // Its source is that of what it was made of, which would be passed over.
            Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
            None => one.source(),
        };
    }
    None
}

fn words(error: &rustls::Error, ca_setting: Option<&str>) -> String {
    let trust = match ca_setting {
        Some(setting) => {
            format!("name the CA that issued it in {setting}, or in the file of SSL_CERT_FILE")
        }
        None => "put the CA that issued it into the system's store, or into the file that SSL_CERT_FILE names".to_owned(),
    };
    match error {
        rustls::Error::InvalidCertificate(why) => match why {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                format!(
                    "TLS: the server's certificate is for another name ({error}); write the name that it is for"
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
            format!("TLS: the server does not speak it ({error}); is the scheme right?")
        }
        _ => format!(
            "TLS: {error}; certificates that are trusted come from the system{}, or the file of SSL_CERT_FILE",
            match ca_setting {
                Some(setting) => format!(", {setting}"),
                None => String::new(),
            }
        ),
    }
}
