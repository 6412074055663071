//! Reading the bodies of requests: in a room that they share, at a least pace, up to a size.
//!
//! A body takes room as its bytes arrive, so that who opens requests and sends nothing takes none.
//! What comes too slowly is refused, and gives back what it took.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_ENCODING;
use axum::http::request::Parts;
use futures_util::StreamExt as _;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use super::intake;
use super::refusal::Refusal;

/// The body of a request may take this long.
const PATIENCE: Duration = Duration::from_secs(30);
/// A body may be this far behind its least pace.
const GRACE: Duration = Duration::from_secs(5);
/// The least pace of a body, in bytes a second: less than the slowest of telephone lines.
const LEAST_PACE: f64 = 1_024.0;
/// A body of up to this size is a small one.
const SMALL_BYTES: usize = 1 << 20;
/// Bodies of up to 1 MiB hold at most this together; more of them wait.
const SMALL_ROOM_BYTES: usize = 64 << 20;
/// Larger bodies have a room of their own, so that they can't keep small ones waiting.
const LARGE_ROOM_BYTES: usize = 192 << 20;
/// Room is given by this.
pub(super) const UNIT_BYTES: usize = 1_024;

/// What the bodies of requests may hold in memory together.
#[derive(Debug)]
pub(super) struct Room {
    small: Semaphore,
    large: Semaphore,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            small: Semaphore::new(SMALL_ROOM_BYTES / UNIT_BYTES),
            large: Semaphore::new(LARGE_ROOM_BYTES / UNIT_BYTES),
        }
    }
}

/// A body: as it came, and as it was before it was compressed.
#[derive(Debug)]
pub(super) struct Read<'r> {
    pub(super) raw: Bytes,
    pub(super) plain: Bytes,
    /// Its part of the room; given back when this is dropped.
    _share: Share<'r>,
}

impl Room {
    /// Reads a body of up to `most` bytes, compressed or not.
    pub(super) async fn read(
        &self,
        head: &Parts,
        body: Body,
        most: usize,
    ) -> Result<Read<'_>, Refusal> {
        let room = if most <= SMALL_BYTES {
            &self.small
        } else {
            &self.large
        };
        let mut share = Share::of(room);
        let encoding = head.headers.get(CONTENT_ENCODING);
        let encoding = encoding.and_then(|value| value.to_str().ok());
        let by = Instant::now() + PATIENCE;
        let raw = arrive(body, most, &mut share, by).await?;
        let plain = if encoding.is_some() {
            // How much it unpacks to shows only then.
            let taken = share.units();
            share.take(most, by).await?;
            let plain = intake::unpacked(&raw, encoding, most)?;
            share.keep(taken + units(plain.len()));
            plain
        } else {
            raw.clone()
        };
        Ok(Read {
            raw,
            plain,
            _share: share,
        })
    }
}

async fn arrive(
    body: Body,
    most: usize,
    share: &mut Share<'_>,
    by: Instant,
) -> Result<Bytes, Refusal> {
    let mut chunks = body.into_data_stream();
    let mut whole = Vec::new();
    let mut pace = Pace::until(by);
    loop {
        let chunk = match timeout_at(pace.next_by(), chunks.next()).await {
            Ok(None) => return Ok(whole.into()),
            Ok(Some(Ok(chunk))) => chunk,
            Ok(Some(Err(error))) => {
                let says = format!("The body broke off: {error}");
                return Err(Refusal::new(400, &says));
            }
            Err(_) => return Err(too_slow()),
        };
        if whole.len() + chunk.len() > most {
            return Err(Refusal::too_large());
        }
        share.take(chunk.len(), by).await?;
        whole.extend_from_slice(&chunk);
        pace.came(chunk.len());
    }
}

/// The least pace of a body, which has to be whole by a time.
#[derive(Debug)]
pub(super) struct Pace {
    by: Instant,
    pace_by: Instant,
}

impl Pace {
    pub(super) fn until(by: Instant) -> Self {
        let pace_by = Instant::now() + GRACE;
        Self { by, pace_by }
    }

    /// The time by which more has to come.
    pub(super) fn next_by(&self) -> Instant {
        self.pace_by.min(self.by)
    }

    /// Some bytes have come.
    pub(super) fn came(&mut self, bytes: usize) {
        let earned = Duration::from_secs_f64(bytes as f64 / LEAST_PACE);
        self.pace_by = (self.pace_by + earned).min(Instant::now() + GRACE);
    }
}

fn too_slow() -> Refusal {
    let says = format!(
        "The body could not be read within {} seconds, or came too slowly",
        PATIENCE.as_secs()
    );
    Refusal::new(408, &says)
}

fn units(bytes: usize) -> usize {
    bytes.div_ceil(UNIT_BYTES)
}

/// A body's part of a room.
#[derive(Debug)]
pub(super) struct Share<'r> {
    room: &'r Semaphore,
    held: Option<SemaphorePermit<'r>>,
}

impl<'r> Share<'r> {
    /// None of it yet.
    pub(super) fn of(room: &'r Semaphore) -> Self {
        Self { room, held: None }
    }

    fn units(&self) -> usize {
        self.held.as_ref().map_or(0, SemaphorePermit::num_permits)
    }

    /// Takes room for so many bytes more, once there is any.
    pub(super) async fn take(&mut self, bytes: usize, by: Instant) -> Result<(), Refusal> {
        let wanted = u32::try_from(units(bytes)).unwrap_or(u32::MAX);
        let Ok(Ok(more)) = timeout_at(by, self.room.acquire_many(wanted)).await else {
            return Err(too_slow());
        };
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
        Ok(())
    }

    /// Gives back all but so many units.
    fn keep(&mut self, units: usize) {
        if let Some(held) = &mut self.held {
            drop(held.split(held.num_permits().saturating_sub(units)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;

    fn head() -> Parts {
        axum::http::Request::new(()).into_parts().0
    }

    /// A body that sends a piece, and then nothing for this long, again and again.
    fn dripping(piece: &'static [u8], pause: Duration) -> Body {
        Body::from_stream(stream::unfold((), move |()| async move {
            tokio::time::sleep(pause).await;
            Some((Ok::<_, std::io::Error>(Bytes::from_static(piece)), ()))
        }))
    }

    #[tokio::test]
    async fn a_body_that_drips_is_refused_and_takes_no_room_that_it_does_not_fill() {
        let room = Room::default();
        let began = Instant::now();
        let slow = (0..200).map(|_| async {
            let drip = dripping(b"x", Duration::from_secs(1));
            room.read(&head(), drip, SMALL_BYTES).await
        });
        let all = futures_util::future::join_all(slow);
        let quick = async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            let body = Body::from(vec![b'x'; SMALL_BYTES]);
            let read = room.read(&head(), body, SMALL_BYTES).await;
            (read.unwrap().raw.len(), began.elapsed())
        };
        let (all, (bytes, waited)) = tokio::join!(all, quick);
        assert_eq!(bytes, SMALL_BYTES);
        assert!(waited < GRACE, "nobody waits for them: {waited:?}");
        assert!(
            all.iter()
                .all(|read| read.as_ref().is_err_and(|r| r.status == 408))
        );
        assert!(began.elapsed() < 2 * GRACE, "{:?}", began.elapsed());
        let free = room.small.available_permits();
        assert_eq!(free, SMALL_ROOM_BYTES / UNIT_BYTES, "all is given back");
    }

    #[tokio::test]
    async fn what_is_too_large_is_refused_and_large_ones_keep_no_small_one_waiting() {
        let room = Room::default();
        let body = Body::from(vec![b'x'; SMALL_BYTES + 1]);
        let read = room.read(&head(), body, SMALL_BYTES).await;
        assert!(read.is_err_and(|refusal| refusal.status == 413));
        let all = room.large.available_permits() as u32;
        let _taken = room.large.acquire_many(all).await.unwrap();
        let small = room.read(&head(), Body::from("{}"), SMALL_BYTES).await;
        assert_eq!(small.unwrap().plain, "{}");
    }
}
