//! Limits the log lines that outsiders can cause, by kind and address, so that nobody can flood the
//! log. Suppressed lines are counted, and the count is logged at the end of the window.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::text::grouped;

/// The window in which lines are counted.
const WINDOW: Duration = Duration::from_secs(10);
/// Maximum lines of one kind per address and window.
const MAX_PER_ADDRESS: u64 = 5;
/// Maximum lines of one kind per window, over all addresses. It also limits the number of addresses
/// in memory.
const MAX_PER_KIND: u64 = 50;
/// Interval of the search for windows that have ended.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// The kind of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A request was answered with this status.
    Answered(u16),
    /// A client of the feed connected.
    Connected,
    /// A client of the feed disconnected.
    Disconnected,
    /// A client of the feed was cut off.
    CutOff,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(200) => write!(f, "lines on requests accepted in part"),
            Self::Answered(status) => write!(f, "lines on requests answered {status}"),
            Self::Connected => write!(f, "lines on clients that connected"),
            Self::Disconnected => write!(f, "lines on clients that disconnected"),
            Self::CutOff => write!(f, "lines on clients that were cut off"),
        }
    }
}

/// Counts of logged and suppressed lines.
#[derive(Debug, Default)]
pub struct LogLimit(Mutex<Windows>);

/// By kind and address; the entry without an address counts all of the kind.
type Windows = HashMap<(Kind, Option<IpAddr>), Window>;

#[derive(Debug)]
struct Window {
    started: Instant,
    logged: u64,
    suppressed: u64,
}

/// A count of suppressed lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Suppressed {
    kind: Kind,
    /// None for addresses beyond the limit.
    address: Option<IpAddr>,
    count: u64,
}

impl LogLimit {
    /// Creates a limit with a thread that logs its counts. The thread ends when the limit is dropped.
    pub fn start() -> Arc<Self> {
        let limit = Arc::new(Self::default());
        let watched = Arc::downgrade(&limit);
        let sweeping = std::thread::Builder::new().name("log-limit".to_owned());
        let sweeping = sweeping.spawn(move || {
            loop {
                std::thread::sleep(SWEEP_EVERY);
                let Some(limit) = watched.upgrade() else {
                    return;
                };
                limit.sweep(Instant::now());
            }
        });
        if let Err(error) = sweeping {
            tracing::warn!("suppressed log lines are not reported: {error}");
        }
        limit
    }

    /// Whether to log a line of this kind about an address. Counts it otherwise.
    pub fn admits(&self, kind: Kind, address: IpAddr) -> bool {
        self.admits_at(kind, address, Instant::now())
    }

    fn admits_at(&self, kind: Kind, address: IpAddr, now: Instant) -> bool {
        self.sweep(now);
        let mut windows = self.lock();
        let own = (kind, Some(network(address)));
        if let Some(window) = windows.get_mut(&own)
            && window.logged >= MAX_PER_ADDRESS
        {
            window.suppressed += 1;
            return false;
        }
        let all = windows.entry((kind, None)).or_insert(Window::starting(now));
        if all.logged >= MAX_PER_KIND {
            all.suppressed += 1;
            return false;
        }
        all.logged += 1;
        windows.entry(own).or_insert(Window::starting(now)).logged += 1;
        true
    }

    /// Logs all counts, at shutdown.
    pub fn finish(&self) {
        let windows = std::mem::take(&mut *self.lock());
        windows.into_iter().filter_map(suppressed).for_each(log);
    }

    /// Logs the counts of windows that have ended.
    fn sweep(&self, now: Instant) {
        for one in self.take_ended(now) {
            log(one);
        }
    }

    fn take_ended(&self, now: Instant) -> Vec<Suppressed> {
        let has_ended =
            |window: &mut Window| now.saturating_duration_since(window.started) >= WINDOW;
        let mut windows = self.lock();
        let ended = windows.extract_if(|_, window| has_ended(window));
        ended.filter_map(suppressed).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Windows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Window {
    fn starting(started: Instant) -> Self {
        Self {
            started,
            logged: 0,
            suppressed: 0,
        }
    }
}

fn suppressed(((kind, address), window): ((Kind, Option<IpAddr>), Window)) -> Option<Suppressed> {
    (window.suppressed > 0).then_some(Suppressed {
        kind,
        address,
        count: window.suppressed,
    })
}

fn log(one: Suppressed) {
    let (count, kind, seconds) = (grouped(one.count), one.kind, WINDOW.as_secs());
    let from = match one.address {
        Some(IpAddr::V6(network)) => format!("{network}/64"),
        Some(address) => address.to_string(),
        None => "other addresses".to_owned(),
    };
    tracing::warn!("suppressed {count} more {kind}, from {from}, in the last {seconds} s");
}

/// The IPv4 address, or the /64 network of an IPv6 address: one user usually has all of it.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let bits = address.to_bits() & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from_bits(bits))
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: Kind = Kind::Answered(404);

    fn address(n: u128) -> IpAddr {
        Ipv6Addr::from_bits(n).into()
    }

    #[test]
    fn lines_per_kind_and_address_are_limited_and_suppressed_ones_counted() {
        let (limit, now) = (LogLimit::default(), Instant::now());
        let (noisy, calm) = (IpAddr::from([10, 0, 0, 7]), IpAddr::from([10, 0, 0, 8]));
        let logged = |address, kind, count| {
            let admitted = |_: &i32| limit.admits_at(kind, address, now);
            (0..count).filter(admitted).count() as u64
        };
        assert_eq!(logged(noisy, KIND, 5_000), MAX_PER_ADDRESS);
        assert_eq!(logged(calm, KIND, 1), 1, "another address");
        assert_eq!(logged(noisy, Kind::Answered(400), 1), 1, "another kind");
        assert_eq!(limit.take_ended(now + WINDOW / 2), []);
        let expected = Suppressed {
            kind: KIND,
            address: Some(noisy),
            count: 5_000 - MAX_PER_ADDRESS,
        };
        assert_eq!(limit.take_ended(now + WINDOW), [expected]);
        assert!(limit.admits_at(KIND, noisy, now + WINDOW));
    }

    #[test]
    fn many_addresses_flood_neither_the_log_nor_memory() {
        let (limit, now) = (LogLimit::default(), Instant::now());
        // A whole /64 is one address.
        let of_one = |n: &u128| limit.admits_at(KIND, address((1 << 64) + n), now);
        assert_eq!((0..1_000).filter(of_one).count() as u64, MAX_PER_ADDRESS);
        let of_many = |n: &u128| limit.admits_at(KIND, address((n + 2) << 64), now);
        let logged = (0..100_000).filter(of_many).count() as u64;
        assert_eq!(logged, MAX_PER_KIND - MAX_PER_ADDRESS);
        assert!(limit.lock().len() as u64 <= MAX_PER_KIND + 1);
        let ended = limit.take_ended(now + WINDOW);
        let suppressed: u64 = ended.iter().map(|one| one.count).sum();
        assert_eq!(suppressed, 101_000 - MAX_PER_KIND);
        assert!(limit.lock().is_empty());
    }
}
