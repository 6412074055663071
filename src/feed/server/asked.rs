//! What a client asks for when it subscribes: the query of the address.

use std::borrow::Cow;
use std::collections::BTreeSet;

use percent_encoding::percent_decode_str;
use serde::Deserialize;

/// What a client asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// `last_received`: the message behind which it goes on. Empty: all that is kept.
    pub after: Option<String>,
    /// `types`: the event types that it wants.
    pub types: Types,
}

/// Event types that a client wants; all, unless it names some.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Types(BTreeSet<String>);

impl Asked {
    /// Reads it from a query: `last_received=…&types=Signup,Song%20Played`. What else stands in
    /// it means nothing here.
    pub fn of(query: &str) -> Self {
        let mut asked = Self::default();
        for part in query.split('&') {
            match part.split_once('=') {
                Some(("last_received", id)) => {
                    asked.after = Some(decoded(id).trim().to_owned());
                }
                // A comma that is part of a name is written %2C.
                Some(("types", names)) => {
                    let names = names.split(',').filter(|name| !name.is_empty());
                    asked.types.0.extend(names.map(decoded));
                }
                _ => {}
            }
        }
        asked
    }
}

/// A value of a query as it was before it was encoded; browsers write a space as `+`.
fn decoded(value: &str) -> String {
    let spaced = value.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

impl Types {
    /// Whether this message is of one of them.
    pub(super) fn want(&self, message: &str) -> bool {
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
    fn a_query_says_where_to_go_on_and_which_types_are_wanted() {
        assert_eq!(Asked::of(""), Asked::default());
        assert_eq!(Asked::of("last_received=").after.as_deref(), Some(""));
        let asked = Asked::of("x=1&last_received=%20abc&types=Signup,Song+Played&types=a%2Cb,");
        assert_eq!(asked.after.as_deref(), Some("abc"));
        let names = ["Signup", "Song Played", "a,b"];
        assert_eq!(asked.types.0, names.map(str::to_owned).into());
    }

    #[test]
    fn only_messages_of_the_named_types_are_wanted_and_all_where_none_is_named() {
        let some = Asked::of("types=A,%22").types;
        for (message, wanted) in [
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
            assert_eq!(some.want(message), wanted, "{message}");
            assert!(Types::default().want(message));
        }
    }
}
