//! Reading the bodies of requests, with limits on size, speed and memory.
//!
//! A body takes memory as its bytes arrive, so that requests without data take none. A body that is
//! too slow is refused, and its memory is released.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::header::CONTENT_ENCODING;
use axum::http::request::Parts;
use futures_util::StreamExt as _;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout, timeout_at};

use super::intake;
use super::refusal::Refusal;

/// Maximum time for the body of a request.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// Maximum time that a body may lag behind its minimum rate.
const GRACE: Duration = Duration::from_secs(5);
/// Minimum rate of a body, in bytes per second: slower than any telephone line.
const MIN_RATE: f64 = 1_024.0;
/// Maximum size of a small body, in bytes.
const SMALL_BYTES: usize = 1 << 20;
/// Maximum memory of all small bodies, in bytes; more of them wait.
const SMALL_MEMORY_BYTES: usize = 64 << 20;
/// Maximum memory of all large bodies, in bytes. It is separate, so that they can't delay small ones.
const LARGE_MEMORY_BYTES: usize = 192 << 20;
/// Memory is counted in units of this size, in bytes.
pub(super) const UNIT_BYTES: usize = 1_024;
/// Maximum bytes that are read of a body that is refused anyway.
const DISCARDED_BYTES: usize = 40 << 20;
/// A compressed body of more bytes than this is decompressed on a thread for blocking work.
const DECOMPRESS_INLINE_BYTES: usize = 16 << 10;

/// The memory for the bodies of all requests in progress.
#[derive(Debug)]
pub(super) struct BodyMemory {
    small: Semaphore,
    large: Semaphore,
}

impl Default for BodyMemory {
    fn default() -> Self {
        Self {
            small: Semaphore::new(SMALL_MEMORY_BYTES / UNIT_BYTES),
            large: Semaphore::new(LARGE_MEMORY_BYTES / UNIT_BYTES),
        }
    }
}

/// A complete body.
#[derive(Debug)]
pub(super) struct Body<'m> {
    /// As it was received.
    pub(super) raw: Bytes,
    /// Decompressed.
    pub(super) plain: Bytes,
    /// Its memory; released on drop.
    _permit: MemoryPermit<'m>,
}

impl BodyMemory {
    /// Reads a body of at most `max_bytes`, compressed or not.
    pub(super) async fn read(
        &self,
        head: &Parts,
        body: axum::body::Body,
        max_bytes: usize,
    ) -> Result<Body<'_>, Refusal> {
        let memory = if max_bytes <= SMALL_BYTES {
            &self.small
        } else {
            &self.large
        };
        let mut permit = MemoryPermit::new(memory);
        let encoding = head.headers.get(CONTENT_ENCODING);
        let encoding = encoding.and_then(|value| value.to_str().ok());
        let deadline = Instant::now() + BODY_TIMEOUT;
        let raw = receive(body, max_bytes, &mut permit, deadline).await?;
        let plain = match encoding {
            Some(encoding) => {
                // The decompressed size is unknown before, so the maximum is reserved.
                let units = permit.units();
                permit.add(max_bytes, deadline).await?;
                let plain = decompress(raw.clone(), encoding, max_bytes).await?;
                permit.shrink_to(units + units_of(plain.len()));
                plain
            }
            None => raw.clone(),
        };
        Ok(Body {
            raw,
            plain,
            _permit: permit,
        })
    }
}

async fn receive(
    body: axum::body::Body,
    max_bytes: usize,
    permit: &mut MemoryPermit<'_>,
    deadline: Instant,
) -> Result<Bytes, Refusal> {
    let mut chunks = body.into_data_stream();
    let mut received = Vec::new();
    let mut rate = MinRate::new(deadline);
    loop {
        let chunk = match timeout_at(rate.next_deadline(), chunks.next()).await {
            Ok(None) => return Ok(received.into()),
            Ok(Some(Ok(chunk))) => chunk,
            Ok(Some(Err(error))) => {
                let error = format!("The body was cut off: {error}");
                return Err(Refusal::new(400, &error));
            }
            Err(_) => return Err(too_slow()),
        };
        if received.len() + chunk.len() > max_bytes {
            return Err(Refusal::too_large());
        }
        permit.add(chunk.len(), deadline).await?;
        received.extend_from_slice(&chunk);
        rate.received(chunk.len());
    }
}

async fn decompress(raw: Bytes, encoding: &str, max_bytes: usize) -> Result<Bytes, Refusal> {
    if raw.len() <= DECOMPRESS_INLINE_BYTES {
        return intake::decompress(&raw, Some(encoding), max_bytes);
    }
    let encoding = encoding.to_owned();
    let decompress = move || intake::decompress(&raw, Some(&encoding), max_bytes);
    match tokio::task::spawn_blocking(decompress).await {
        Ok(plain) => plain,
        Err(error) => Err(Refusal::new(500, &error.to_string())),
    }
}

/// Reads and drops the body of a refused request, up to a size and time; `inspect` sees its chunks.
/// Without this, a sender that is still sending sees a broken connection and not the answer.
pub(super) async fn discard(request: Request, mut inspect: impl FnMut(&[u8])) {
    let mut body = request.into_body().into_data_stream();
    let reading = async {
        let mut left = DISCARDED_BYTES;
        while let Some(Ok(chunk)) = body.next().await
            && left > 0
        {
            inspect(&chunk);
            left = left.saturating_sub(chunk.len());
        }
    };
    // The answer is sent, even if the sender is too slow to see it.
    let _ = timeout(BODY_TIMEOUT, reading).await;
}

/// The minimum rate of a body that must be complete by a deadline.
#[derive(Debug)]
pub(super) struct MinRate {
    /// The deadline of the whole body.
    deadline: Instant,
    /// The time until which the bytes so far suffice.
    covered_until: Instant,
}

impl MinRate {
    pub(super) fn new(deadline: Instant) -> Self {
        Self {
            deadline,
            covered_until: Instant::now() + GRACE,
        }
    }

    /// The time by which more bytes must arrive.
    pub(super) fn next_deadline(&self) -> Instant {
        self.covered_until.min(self.deadline)
    }

    /// Records the arrival of bytes.
    pub(super) fn received(&mut self, bytes: usize) {
        let earned = Duration::from_secs_f64(bytes as f64 / MIN_RATE);
        self.covered_until = (self.covered_until + earned).min(Instant::now() + GRACE);
    }
}

fn too_slow() -> Refusal {
    let error = format!(
        "The body did not arrive within {} seconds, or too slowly",
        BODY_TIMEOUT.as_secs()
    );
    Refusal::new(408, &error)
}

fn units_of(bytes: usize) -> usize {
    bytes.div_ceil(UNIT_BYTES)
}

/// A body's part of a limited memory; released on drop.
#[derive(Debug)]
pub(super) struct MemoryPermit<'m> {
    memory: &'m Semaphore,
    held: Option<SemaphorePermit<'m>>,
}

impl<'m> MemoryPermit<'m> {
    /// Starts without memory.
    pub(super) fn new(memory: &'m Semaphore) -> Self {
        Self { memory, held: None }
    }

    fn units(&self) -> usize {
        self.held.as_ref().map_or(0, SemaphorePermit::num_permits)
    }

    /// Adds memory for this number of bytes; waits for it until the deadline.
    pub(super) async fn add(&mut self, bytes: usize, deadline: Instant) -> Result<(), Refusal> {
        let units = u32::try_from(units_of(bytes)).unwrap_or(u32::MAX);
        let acquiring = self.memory.acquire_many(units);
        let Ok(Ok(more)) = timeout_at(deadline, acquiring).await else {
            return Err(too_slow());
        };
        match &mut self.held {
            Some(held) => held.merge(more),
            None => self.held = Some(more),
        }
        Ok(())
    }

    /// Releases all but this number of units.
    fn shrink_to(&mut self, units: usize) {
        if let Some(held) = &mut self.held {
            drop(held.split(held.num_permits().saturating_sub(units)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use futures_util::stream;

    fn head() -> Parts {
        axum::http::Request::new(()).into_parts().0
    }

    /// A body that sends a chunk after each pause, without end.
    fn dripping(chunk: &'static [u8], pause: Duration) -> Body {
        Body::from_stream(stream::unfold((), move |()| async move {
            tokio::time::sleep(pause).await;
            Some((Ok::<_, std::io::Error>(Bytes::from_static(chunk)), ()))
        }))
    }

    #[tokio::test]
    async fn a_slow_body_is_refused_and_takes_memory_only_for_its_bytes() {
        let memory = BodyMemory::default();
        let began = Instant::now();
        let slow = (0..200).map(|_| async {
            let drip = dripping(b"x", Duration::from_secs(1));
            memory.read(&head(), drip, SMALL_BYTES).await
        });
        let all = futures_util::future::join_all(slow);
        let quick = async {
            tokio::time::sleep(Duration::from_secs(2)).await;
            let body = Body::from(vec![b'x'; SMALL_BYTES]);
            let read = memory.read(&head(), body, SMALL_BYTES).await;
            (read.unwrap().raw.len(), began.elapsed())
        };
        let (all, (bytes, waited)) = tokio::join!(all, quick);
        assert_eq!(bytes, SMALL_BYTES);
        assert!(waited < GRACE, "the slow ones delay nobody: {waited:?}");
        assert!(
            all.iter()
                .all(|read| read.as_ref().is_err_and(|r| r.status == 408))
        );
        assert!(began.elapsed() < 2 * GRACE, "{:?}", began.elapsed());
        let free = memory.small.available_permits();
        assert_eq!(
            free,
            SMALL_MEMORY_BYTES / UNIT_BYTES,
            "all memory is released"
        );
    }

    #[tokio::test]
    async fn a_body_that_is_too_large_is_refused_and_large_ones_do_not_delay_small_ones() {
        let memory = BodyMemory::default();
        let body = Body::from(vec![b'x'; SMALL_BYTES + 1]);
        let read = memory.read(&head(), body, SMALL_BYTES).await;
        assert!(read.is_err_and(|refusal| refusal.status == 413));
        let all = memory.large.available_permits() as u32;
        let _taken = memory.large.acquire_many(all).await.unwrap();
        let small = memory.read(&head(), Body::from("{}"), SMALL_BYTES).await;
        assert_eq!(small.unwrap().plain, "{}");
    }
}
