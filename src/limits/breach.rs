//! The result of a check that found a limit broken.

use std::borrow::Cow;

use crate::text::grouped;

/// One way in which one event breaks one limit.
#[derive(Debug)]
pub(super) struct Breach {
    /// The measured value, in the limit's unit.
    pub(super) measured: u64,
    /// The place in the event: `user_properties.bio`.
    pub(super) path: Cow<'static, str>,
    /// A whole sentence about this event, for people.
    pub(super) sentence: String,
}

impl Breach {
    pub(super) fn new(
        measured: usize,
        path: impl Into<Cow<'static, str>>,
        sentence: impl Into<String>,
    ) -> Self {
        Self {
            measured: measured as u64,
            path: path.into(),
            sentence: sentence.into(),
        }
    }

    /// A breach if `bytes` exceeds `limit_bytes`. `describe` returns the path, and the name of the
    /// thing that was measured.
    pub(super) fn if_over(
        bytes: usize,
        limit_bytes: usize,
        describe: impl FnOnce() -> (String, String),
    ) -> Option<Self> {
        (bytes > limit_bytes).then(|| {
            let (path, thing) = describe();
            let sentence = format!(
                "{thing} is {} B, {} B are allowed",
                grouped(bytes as u64),
                grouped(limit_bytes as u64)
            );
            Self::new(bytes, path, sentence)
        })
    }
}
