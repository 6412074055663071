use proptest::collection::vec;
use proptest::prelude::*;
use tokio::io::AsyncReadExt as _;

use super::editor::*;
use super::*;

const LIMIT: usize = 300;

/// A connection that gives its bytes in pieces of these `sizes`, over and over.
struct Pieces {
    bytes: Vec<u8>,
    at: usize,
    sizes: Vec<usize>,
    reads: usize,
}

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let piece = self.sizes[self.reads % self.sizes.len()];
        let end = (self.at + piece.min(buf.remaining())).min(self.bytes.len());
        buf.put_slice(&self.bytes[self.at..end]);
        self.at = end;
        self.reads += 1;
        Poll::Ready(Ok(()))
    }
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        short @ ..=125 => frame.push(short as u8),
        middle @ ..=0xffff => {
            frame.push(126);
            frame.extend((middle as u16).to_be_bytes());
        }
        long => {
            frame.push(127);
            frame.extend((long as u64).to_be_bytes());
        }
    }
    frame.extend(payload);
    frame
}

/// The output and the report for `bytes`, read through buffers of `room` bytes.
fn edited(
    bytes: Vec<u8>,
    sizes: Vec<usize>,
    room: usize,
) -> (io::Result<Vec<u8>>, FrameReader<Pieces>) {
    let connection = Pieces {
        bytes,
        at: 0,
        sizes,
        reads: 0,
    };
    let mut reader = FrameReader::new(connection, LIMIT);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let all = runtime.block_on(async {
        let (mut all, mut buffer) = (Vec::new(), vec![0; room]);
        loop {
            match reader.read(&mut buffer).await? {
                0 => return Ok(all),
                read => all.extend_from_slice(&buffer[..read]),
            }
        }
    });
    (all, reader)
}

/// A message: text or binary, in fragments of these sizes, with a ping behind each fragment or not.
#[derive(Debug, Clone)]
struct Sent {
    opcode: u8,
    fragments: Vec<usize>,
    pings: bool,
}

fn sent() -> impl Strategy<Value = Sent> {
    let size = prop_oneof![
        Just(0_usize),
        1..20_usize,
        120..130_usize,
        LIMIT - 2..LIMIT + 3,
        0..70_000_usize,
    ];
    (
        prop_oneof![Just(TEXT), Just(BINARY)],
        vec(size, 1..5),
        any::<bool>(),
    )
        .prop_map(|(opcode, fragments, pings)| Sent {
            opcode,
            fragments,
            pings,
        })
}

impl Sent {
    /// Its frames as a server sends them; `byte` fills its payload.
    fn frames(&self, byte: u8) -> Vec<u8> {
        let mut all = Vec::new();
        for (n, size) in self.fragments.iter().enumerate() {
            let opcode = if n == 0 { self.opcode } else { CONTINUATION };
            let fin = if n + 1 == self.fragments.len() {
                FIN
            } else {
                0
            };
            all.extend(frame(fin | opcode, &vec![byte; *size]));
            if self.pings {
                all.extend(frame(0x89, b"still there?"));
            }
        }
        all
    }

    fn size(&self) -> usize {
        self.fragments.iter().sum()
    }
}

/// The data messages among frames, with their opcodes, and how many pings there are.
fn messages(mut bytes: &[u8]) -> (Vec<(u8, Vec<u8>)>, usize) {
    let (mut messages, mut open, mut pings) = (Vec::new(), None, 0);
    while !bytes.is_empty() {
        let header = header_bytes(bytes);
        let end = header + payload_bytes(bytes) as usize;
        let payload = &bytes[header..end];
        match bytes[0] & OPCODE {
            0x9 => pings += 1,
            opcode => {
                let message: &mut (u8, Vec<u8>) = match opcode {
                    CONTINUATION => open.as_mut().unwrap(),
                    opcode => open.insert((opcode, Vec::new())),
                };
                message.1.extend_from_slice(payload);
                if bytes[0] & FIN != 0 {
                    messages.extend(open.take());
                }
            }
        }
        bytes = &bytes[end..];
    }
    (messages, pings)
}

proptest! {
    #[test]
    fn every_message_within_the_limit_comes_through_and_every_other_is_told(
        all in vec(sent(), 0..6),
        pieces in vec(1..4_000_usize, 1..6),
        room in 1..9_000_usize,
    ) {
        let bytes: Vec<u8> = (0_u8..).zip(&all).flat_map(|(n, sent)| sent.frames(n)).collect();
        let length = bytes.len();
        let (edited, reader) = edited(bytes, pieces, room);
        let (messages, pings) = messages(&edited.unwrap());
        prop_assert_eq!(messages.len(), all.len());
        prop_assert_eq!(reader.connection.at, length);
        let sent_pings: usize = all.iter().filter(|sent| sent.pings).map(|sent| sent.fragments.len()).sum();
        prop_assert_eq!(pings, sent_pings);
        let report = reader.report();
        for (n, (sent, (opcode, payload))) in all.iter().zip(messages).enumerate() {
            prop_assert_eq!(opcode, BINARY);
            prop_assert!(payload.len() <= LIMIT);
            let oversize = report.take_oversize(n as u64);
            if sent.size() <= LIMIT {
                prop_assert_eq!(payload, vec![n as u8; sent.size()]);
                prop_assert_eq!(oversize, None);
            } else {
                let oversize = oversize.unwrap();
                prop_assert_eq!(oversize.size_bytes, sent.size() as u64);
                prop_assert!(oversize.head.len() <= HEAD_BYTES);
                prop_assert!(oversize.head.iter().all(|byte| usize::from(*byte) == n));
            }
        }
    }

    #[test]
    fn any_bytes_are_read_to_their_end(
        bytes in vec(any::<u8>(), 0..500),
        pieces in vec(1..50_usize, 1..6),
        room in 1..100_usize,
    ) {
        let length = bytes.len();
        let (edited, reader) = edited(bytes, pieces, room);
        match edited {
            Ok(edited) => {
                prop_assert!(edited.len() <= length);
                prop_assert_eq!(reader.connection.at, length);
            }
            Err(error) => prop_assert!(error.to_string().contains("too large to skip")),
        }
    }
}

#[test]
fn what_breaks_the_protocol_is_left_to_the_codec() {
    let reserved = frame(FIN | 0x40 | TEXT, &[b'x'; 1_000]);
    let masked = [&[FIN | TEXT, MASKED | 3][..], b"keyabc"].concat();
    let unknown = frame(FIN | 0x3, b"abc");
    for bytes in [reserved, masked, unknown] {
        let (same, _) = edited(bytes.clone(), vec![7], 64);
        assert_eq!(same.unwrap(), bytes);
    }
}

#[test]
fn a_message_without_an_end_ends_the_connection() {
    let endless = [&[FIN | BINARY, 127][..], &u64::MAX.to_be_bytes()].concat();
    let (read, _) = edited(endless, vec![100], 100);
    assert!(read.unwrap_err().to_string().contains("too large to skip"));
}
