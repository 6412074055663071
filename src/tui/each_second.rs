//! The schedule of background queries.

use std::time::Duration;

use tokio::time::Instant;

const SECOND: Duration = Duration::from_secs(1);

/// The schedule of a background query: it runs at once when its key changes, and then again
/// every second.
pub(crate) struct EachSecond<K>(Option<(K, Instant)>);

impl<K> Default for EachSecond<K> {
    fn default() -> Self {
        Self(None)
    }
}

impl<K: PartialEq + Clone> EachSecond<K> {
    /// The key to query now, if a query is due; `wanted` is the key that the screen shows.
    pub(crate) fn due(&mut self, wanted: Option<K>) -> Option<K> {
        let now = Instant::now();
        let fresh = |(key, at): &(K, Instant)| wanted.as_ref() == Some(key) && now - *at < SECOND;
        if self.0.as_ref().is_some_and(fresh) {
            return None;
        }
        self.0 = wanted.clone().map(|key| (key, now));
        wanted
    }
}
