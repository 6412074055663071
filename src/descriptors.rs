//! The limit of open file descriptors of this process.

#[cfg(unix)]
use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the limit to the maximum that the system allows. Many shells set 1,024, which is too low
/// for a server.
pub fn raise_limit() {
    #[cfg(unix)]
    {
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        // After a failure, there is room for fewer connections.
        let _ = setrlimit(Resource::Nofile, limit);
    }
}

/// The current limit.
pub fn limit() -> usize {
    #[cfg(unix)]
    {
        let current = getrlimit(Resource::Nofile).current;
        current.map_or(usize::MAX, |limit| {
            usize::try_from(limit).unwrap_or(usize::MAX)
        })
    }
    // Other systems have no such limit on connections.
    #[cfg(not(unix))]
    usize::MAX
}
