//! The mail that an event triggers, and what becomes of it.
//!
//! As with a mailbox simulator, the person's identifier decides: one with `bounce` in it bounces,
//! `suppress` is suppressed, `unread` is delivered and not opened, `draft` stays a draft. All others
//! are opened.

/// The steps of a mail: the type of the activity, and the seconds after the event.
pub(super) fn steps(person: &str) -> &'static [(&'static str, i64)] {
    let is = |word: &str| person.contains(word);
    if is("draft") {
        &[("drafted_email", 1)]
    } else if is("suppress") {
        &[("suppressed_email", 1)]
    } else if is("bounce") {
        &[
            ("drafted_email", 0),
            ("sent_email", 1),
            ("bounced_email", 3),
        ]
    } else if is("unread") {
        &[
            ("drafted_email", 0),
            ("sent_email", 1),
            ("delivered_email", 3),
        ]
    } else {
        &[
            ("drafted_email", 0),
            ("sent_email", 1),
            ("delivered_email", 3),
            ("opened_email", 9),
        ]
    }
}
