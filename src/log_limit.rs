//! Limits the lines of the log that somebody outside can cause: by kind and address, whatever they
//! say, so that nobody fills the log or hides in it. Lines that are left out are counted, and the
//! count is logged when the window is over.
use crate::text::grouped;

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Lines are counted over this time.
const WINDOW: Duration = Duration::from_secs(10);
/// Maximum lines of a kind about one address in a window.
const OF_ADDRESS: u64 = 5;
/// Maximum lines of a kind about all addresses in a window. It bounds the addresses that are told
/// apart, too.
const OF_ALL: u64 = 50;
/// Windows that are over are looked for this often.
const SWEEP: Duration = Duration::from_secs(1);

/// The kinds of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A request was answered with this status.
    Answered(u16),
    /// A client of the feed came.
    Came,
    /// A client of the feed went.
    Went,
    /// A client of the feed was cut.
    Cut,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(200) => write!(f, "lines on requests taken in part"),
            Self::Answered(status) => write!(f, "lines on requests answered {status}"),
            Self::Came => write!(f, "lines on clients that came"),
            Self::Went => write!(f, "lines on clients that went"),
            Self::Cut => write!(f, "lines on clients that were cut"),
        }
    }
}

/// Which lines were logged lately, and how many were left out.
#[derive(Debug, Default)]
pub struct LogLimit(Mutex<Windows>);

/// By kind and address; without an address, those of all.
type Windows = HashMap<(Kind, Option<IpAddr>), Window>;

#[derive(Debug)]
struct Window {
    began: Instant,
    logged: u64,
    left_out: u64,
}

/// Lines that were left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct LeftOut {
    kind: Kind,
    /// None: of addresses that are not told apart.
    address: Option<IpAddr>,
    count: u64,
}

impl LogLimit {
    /// A limit whose counts are logged by a thread of its own, which ends with it.
    pub fn start() -> Arc<Self> {
        let limit = Arc::new(Self::default());
        let watched = Arc::downgrade(&limit);
        let sweeping = std::thread::Builder::new().name("log-limit".to_owned());
        let sweeping = sweeping.spawn(move || {
            loop {
                std::thread::sleep(SWEEP);
                let Some(limit) = watched.upgrade() else {
                    return;
                };
                limit.sweep(Instant::now());
            }
        });
        if let Err(error) = sweeping {
            tracing::warn!("lines that are left out of the log are not counted: {error}");
        }
        limit
    }

    /// Whether a line of this kind about an address is logged; otherwise it is counted.
    pub fn admits(&self, kind: Kind, address: IpAddr) -> bool {
        self.admits_at(kind, address, Instant::now())
    }

    fn admits_at(&self, kind: Kind, address: IpAddr, now: Instant) -> bool {
        self.sweep(now);
        let mut windows = self.lock();
        let own = (kind, Some(network(address)));
        if let Some(window) = windows.get_mut(&own)
            && window.logged >= OF_ADDRESS
        {
            window.left_out += 1;
            return false;
        }
        let all = windows.entry((kind, None)).or_insert(Window::at(now));
        if all.logged >= OF_ALL {
            all.left_out += 1;
            return false;
        }
        all.logged += 1;
        windows.entry(own).or_insert(Window::at(now)).logged += 1;
        true
    }

    /// Logs all counts, at the end.
    pub fn finish(&self) {
        let windows = std::mem::take(&mut *self.lock());
        windows.into_iter().filter_map(left_out).for_each(tell);
    }

    /// Logs the counts of windows that are over.
    fn sweep(&self, now: Instant) {
        for one in self.take_over(now) {
            tell(one);
        }
    }

    fn take_over(&self, now: Instant) -> Vec<LeftOut> {
        let over = |window: &mut Window| now.saturating_duration_since(window.began) >= WINDOW;
        let mut windows = self.lock();
        let over = windows.extract_if(|_, window| over(window));
        over.filter_map(left_out).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Windows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Window {
    fn at(began: Instant) -> Self {
        Self {
            began,
            logged: 0,
            left_out: 0,
        }
    }
}

fn left_out(((kind, address), window): ((Kind, Option<IpAddr>), Window)) -> Option<LeftOut> {
    (window.left_out > 0).then_some(LeftOut {
        kind,
        address,
        count: window.left_out,
    })
}

fn tell(one: LeftOut) {
    let (count, kind, seconds) = (grouped(one.count), one.kind, WINDOW.as_secs());
    let from = match one.address {
        Some(IpAddr::V6(network)) => format!("{network}/64"),
        Some(address) => address.to_string(),
        None => "other addresses".to_owned(),
    };
    tracing::warn!("{count} more {kind}, from {from}, were left out in the last {seconds} s");
}

/// The address, or the network of an IPv6 address: who has one has all of its /64.
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
    fn lines_of_a_kind_and_an_address_are_limited_and_the_others_counted_exactly() {
        let (limit, now) = (LogLimit::default(), Instant::now());
        let (noisy, calm) = (IpAddr::from([10, 0, 0, 7]), IpAddr::from([10, 0, 0, 8]));
        let logged = |address, kind, count| {
            let admitted = |_: &i32| limit.admits_at(kind, address, now);
            (0..count).filter(admitted).count() as u64
        };
        assert_eq!(logged(noisy, KIND, 5_000), OF_ADDRESS);
        assert_eq!(logged(calm, KIND, 1), 1, "another address");
        assert_eq!(logged(noisy, Kind::Answered(400), 1), 1, "another kind");
        assert_eq!(limit.take_over(now + WINDOW / 2), []);
        let expected = LeftOut {
            kind: KIND,
            address: Some(noisy),
            count: 5_000 - OF_ADDRESS,
        };
        assert_eq!(limit.take_over(now + WINDOW), [expected]);
        assert!(limit.admits_at(KIND, noisy, now + WINDOW));
    }

    #[test]
    fn many_addresses_fill_neither_the_log_nor_memory() {
        let (limit, now) = (LogLimit::default(), Instant::now());
        // A whole /64 is one address.
        let of_one = |n: &u128| limit.admits_at(KIND, address((1 << 64) + n), now);
        assert_eq!((0..1_000).filter(of_one).count() as u64, OF_ADDRESS);
        let of_many = |n: &u128| limit.admits_at(KIND, address((n + 2) << 64), now);
        let logged = (0..100_000).filter(of_many).count() as u64;
        assert_eq!(logged, OF_ALL - OF_ADDRESS);
        assert!(limit.lock().len() as u64 <= OF_ALL + 1);
        let over = limit.take_over(now + WINDOW);
        let left_out: u64 = over.iter().map(|one| one.count).sum();
        assert_eq!(left_out, 101_000 - OF_ALL);
        assert!(limit.lock().is_empty());
    }
}
