//! How many files and connections this process may have open at once.

#[cfg(unix)]
use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the limit as far as the system lets this process: 1,024, as many shells set it, is soon
/// used up by who serves connections.
pub fn raise_limit() {
    #[cfg(unix)]
    {
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        // Where it stays as it is, there is room for fewer connections, and nothing else changes.
        let _ = setrlimit(Resource::Nofile, limit);
    }
}

/// The limit as it is now.
pub fn limit() -> usize {
    #[cfg(unix)]
    {
        let current = getrlimit(Resource::Nofile).current;
        current.map_or(usize::MAX, |most| {
            usize::try_from(most).unwrap_or(usize::MAX)
        })
    }
    // What a connection of other systems takes is not counted against a limit of this kind.
    #[cfg(not(unix))]
    usize::MAX
}
