//! The end of a certificate's validity, read from its DER encoding (RFC 5280, 4.1).

use std::str::FromStr;

use jiff::Timestamp;

const SEQUENCE: u8 = 0x30;
/// `[0] EXPLICIT`, the version, which certificates of version 1 don't have.
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Returns the time after which a certificate is not valid; none if it can't be read.
pub fn not_after(der: &[u8]) -> Option<Timestamp> {
    let (certificate, _) = element(der, SEQUENCE)?;
    let (mut to_be_signed, _) = element(certificate, SEQUENCE)?;
    if to_be_signed.first() == Some(&VERSION) {
        to_be_signed = any(to_be_signed)?.2;
    }
    // The serial number, the signature's algorithm, and the issuer.
    for _ in 0..3 {
        to_be_signed = any(to_be_signed)?.2;
    }
    let (validity, _) = element(to_be_signed, SEQUENCE)?;
    let (_, _, rest) = any(validity)?;
    let (tag, value, _) = any(rest)?;
    time(tag, std::str::from_utf8(value).ok()?)
}

/// Reads `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`.
fn time(tag: u8, text: &str) -> Option<Timestamp> {
    let digits = text.strip_suffix('Z')?;
    let whole = match tag {
        // Years from 50 are of the last century (RFC 5280, 4.1.2.5.1).
        UTC_TIME if digits.get(..2)? >= "50" => format!("19{digits}"),
        UTC_TIME => format!("20{digits}"),
        GENERALIZED_TIME => digits.to_owned(),
        _ => return None,
    };
    let (date, clock) = (whole.get(..8)?, whole.get(8..14)?);
    Timestamp::from_str(&format!("{date}T{clock}Z")).ok()
}

/// Reads an element with this tag: its content, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = any(der)?;
    (found == tag).then_some((content, rest))
}

/// Reads an element: its tag, its content, and what follows it.
fn any(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let mut length = usize::from(first);
    if first & 0x80 != 0 {
        let (digits, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
        // Four bytes are 4 GB, far more than any certificate.
        if digits.is_empty() || digits.len() > 4 {
            return None;
        }
        length = digits
            .iter()
            .fold(0, |sum, digit| sum << 8 | usize::from(*digit));
        rest = after;
    }
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn certificate(year: i32) -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["feed.example".to_owned()]).unwrap();
        params.not_after = date_time_ymd(year, 3, 9);
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn the_end_of_a_certificate_is_read_in_both_forms_of_its_time() {
        // From 2050 the time is a GeneralizedTime.
        for year in [1999, 2026, 2049, 2050, 4096] {
            let end = not_after(&certificate(year)).unwrap();
            assert_eq!(end.to_string(), format!("{year}-03-09T00:00:00Z"));
        }
    }

    proptest! {
        #[test]
        fn a_damaged_certificate_is_read_without_a_panic(
            at in 0_usize..200,
            byte: u8,
            cut in 0_usize..300,
        ) {
            let mut der = certificate(2030);
            der[at] = byte;
            let _ = not_after(&der);
            prop_assert_eq!(not_after(&der[..cut.min(60)]), None);
        }
    }
}
