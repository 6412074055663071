//! The subscription of a client: the query of its URL.

use std::borrow::Cow;
use std::collections::BTreeSet;

use percent_encoding::percent_decode_str;
use serde::Deserialize;

/// The subscription of a client.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subscription {
    /// `last_received`: the message after which it resumes. Empty: everything that is stored.
    pub after: Option<String>,
    /// `types`: the event types that it receives.
    pub types: EventTypes,
}

/// The event types that a client receives; all if it names none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventTypes(BTreeSet<String>);

impl Subscription {
    /// Parses a query: `last_received=…&types=Signup,Song%20Played`. Other parameters are
    /// ignored.
    pub fn parse(query: &str) -> Self {
        let mut subscription = Self::default();
        for part in query.split('&') {
            match part.split_once('=') {
                Some(("last_received", id)) => {
                    subscription.after = Some(decode(id).trim().to_owned());
                }
                // A comma in a name is encoded as %2C.
                Some(("types", names)) => {
                    let names = names.split(',').filter(|name| !name.is_empty());
                    subscription.types.0.extend(names.map(decode));
                }
                _ => {}
            }
        }
        subscription
    }
}

/// Decodes a value of a query; browsers encode a space as `+`.
fn decode(value: &str) -> String {
    let spaced = value.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

impl EventTypes {
    /// Whether the client receives this message.
    pub(super) fn matches(&self, message: &str) -> bool {
        #[derive(Deserialize)]
        struct Typed<'a> {
            #[serde(borrow)]
            event_type: Option<Cow<'a, str>>,
        }
        if self.0.is_empty() {
            return true;
        }
        let read = serde_json::from_str::<Typed<'_>>(message);
        let of_type = read.ok().and_then(|typed| typed.event_type);
        of_type.is_some_and(|name| self.0.contains(&*name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_the_resume_point_and_the_event_types() {
        assert_eq!(Subscription::parse(""), Subscription::default());
        assert_eq!(
            Subscription::parse("last_received=").after.as_deref(),
            Some("")
        );
        let subscription =
            Subscription::parse("x=1&last_received=%20abc&types=Signup,Song+Played&types=a%2Cb,");
        assert_eq!(subscription.after.as_deref(), Some("abc"));
        let names = ["Signup", "Song Played", "a,b"];
        assert_eq!(subscription.types.0, names.map(str::to_owned).into());
    }

    #[test]
    fn a_subscription_matches_the_named_types_and_all_if_none_is_named() {
        let some = Subscription::parse("types=A,%22").types;
        for (message, expected) in [
            (r#"{"message_id":"m","event_type":"A"}"#, true),
            (r#"{"event_type":"\u0041"}"#, true),
            (r#"{"event_type":"\""}"#, true),
            (
                r#"{"event_type":"B","event_properties":{"event_type":"A"}}"#,
                false,
            ),
            (r#"{"event_type":null}"#, false),
            ("no event", false),
        ] {
            assert_eq!(some.matches(message), expected, "{message}");
            assert!(EventTypes::default().matches(message));
        }
    }
}
