use std::io::{self, Write as _};
use std::ops::ControlFlow;
use std::path::Path;

use proptest::prelude::*;

use super::bounds::UNPACKED_BYTES;
use super::unpack::{GZIP, ZSTANDARD};
use super::*;

fn gz(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes.as_ref()).unwrap();
    out.finish().unwrap()
}

fn zipped<'a>(members: impl IntoIterator<Item = (&'a str, Vec<u8>)>) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        let options = zip::write::SimpleFileOptions::default();
        if name.ends_with('/') {
            zip.add_directory(name, options).unwrap();
        } else {
            zip.start_file(name, options).unwrap();
            zip.write_all(&bytes).unwrap();
        }
    }
    zip.finish().unwrap().into_inner()
}

fn event(event_type: &str) -> String {
    format!(r#"{{"event_type":"{event_type}","user_id":"u-1"}}"#)
}

/// What a file of this name and these bytes gives: events as `place type`, other pieces as they
/// are told.
fn pieces_of(name: &str, bytes: &[u8], options: Options) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let folder = format!("{}/", dir.path().display());
    let mut all = Vec::new();
    let _ = each(&path, options, &mut |piece| {
        all.push(match piece {
            Piece::Event(event, place) => {
                format!("{place} {}", event.event_type().unwrap_or_default())
            }
            Piece::Malformed(malformed, _, place) => format!("{place} malformed, {malformed}"),
            Piece::Skipped(place) => format!("{place} skipped"),
            Piece::Broken(error) => format!("broken: {error}"),
        });
        ControlFlow::Continue(())
    });
    all.into_iter()
        .map(|piece| piece.replace(&folder, ""))
        .collect()
}

fn pieces(name: &str, bytes: impl AsRef<[u8]>) -> Vec<String> {
    pieces_of(name, bytes.as_ref(), Options::default())
}

#[test]
fn every_kind_of_archive_gives_its_events_in_time_order_with_their_lines() {
    let two = format!("{}\r\n\n{}", event("A"), event("B"));
    for (name, bytes) in [
        ("a.ndjson", two.clone().into_bytes()),
        ("a.json.gz", gz(&two)),
        ("a.ndjson.zst", zstd::encode_all(two.as_bytes(), 0).unwrap()),
        (
            "a.json.gz",
            [gz(format!("{}\n\n", event("A"))), gz(event("B"))].concat(),
        ),
    ] {
        assert_eq!(
            pieces(name, bytes),
            [format!("{name}:1 A"), format!("{name}:3 B")]
        );
    }
    let export = zipped([
        ("1/1_2025-07-01_17#0.json.gz", gz(event("late"))),
        (
            "1/1_2025-07-01_9#0.json.gz",
            gz(format!("\n{}", event("early"))),
        ),
    ]);
    assert_eq!(
        pieces("e.zip", export),
        [
            "e.zip:1/1_2025-07-01_9#0.json.gz:2 early",
            "e.zip:1/1_2025-07-01_17#0.json.gz:1 late"
        ]
    );
}

#[test]
fn events_over_several_lines_are_read_as_in_a_frame() {
    let value: serde_json::Value = serde_json::from_str(&event("A")).unwrap();
    let pretty = serde_json::to_string_pretty(&value).unwrap();
    let envelope = serde_json::json!({"api_key": "k", "events": [value, value]});
    let envelope = serde_json::to_string_pretty(&envelope).unwrap();
    assert_eq!(pieces("a.json", &pretty), ["a.json:1 A"]);
    assert_eq!(pieces("a.json", &envelope), ["a.json:4 A", "a.json:8 A"]);
    let several = format!("\u{feff}{pretty}\n{pretty}{pretty}\n\u{feff}[{pretty},\n{pretty}]\n");
    assert_eq!(
        pieces("a.json", several),
        [
            "a.json:1 A",
            "a.json:5 A",
            "a.json:8 A",
            "a.json:12 A",
            "a.json:16 A"
        ]
    );
    let broken = format!("{pretty}\n{}\n{pretty}", pretty.replace("\"u-1\"", "NaN"));
    let all = pieces("a.json", broken);
    assert_eq!((&*all[0], &*all[2]), ("a.json:1 A", "a.json:9 A"));
    let place = "a.json:7 malformed, byte 13: expected value";
    assert!(all[1].starts_with(place), "{}", all[1]);
}

#[test]
fn a_large_array_or_envelope_is_read_an_element_at_a_time() {
    let many = vec![event("A"); 20_000].join(",\n");
    let options = Options {
        max_event_bytes: 200_000,
        ..Options::default()
    };
    for text in [
        format!("[{many}]"),
        format!("{{\"api_key\":\"k\",\"events\":[{many}],\"options\":{{\"a\":[1]}}}}"),
    ] {
        let all = pieces_of("a.json", text.as_bytes(), options);
        assert_eq!(all.len(), 20_000, "{:?}", all.last());
        assert_eq!(all[19_999], "a.json:20000 A");
    }
}

#[test]
fn an_element_that_is_too_large_is_told_and_passed_over() {
    let options = Options {
        max_event_bytes: 70_000,
        ..Options::default()
    };
    let large = event(&"x".repeat(900_000));
    for text in [
        format!("{}\n{large}\n{}\n", event("A"), event("B")),
        format!("[{},\n{large},\n{}]", event("A"), event("B")),
        format!(
            "{}\n{}\n{}\n",
            event("A"),
            "{\"a\":[".repeat(150_000),
            event("B")
        ),
        format!(
            "{}\n{}\n{}\n",
            event("A"),
            "junk".repeat(300_000),
            event("B")
        ),
    ] {
        let all = pieces_of("a.json", text.as_bytes(), options);
        assert_eq!(all.len(), 3, "{all:.300?}");
        assert_eq!((&*all[0], &*all[2]), ("a.json:1 A", "a.json:3 B"));
        assert!(all[1].contains("more than 70000 bytes"), "{}", all[1]);
    }
}

#[test]
fn the_limit_of_an_element_is_exact() {
    let options = Options {
        max_event_bytes: 100_000,
        ..Options::default()
    };
    let around = event("").len();
    for size in [65_536, 99_999, 100_000, 100_001, 131_072, 199_999, 200_000] {
        let one = event(&"x".repeat(size - around));
        assert_eq!(one.len(), size);
        for text in [
            one.clone(),
            format!("{}\n{one}\n{}", event("A"), event("B")),
            format!("[{},{one},{}]", event("A"), event("B")),
        ] {
            let all = pieces_of("a.json", text.as_bytes(), options);
            let told = all.iter().filter(|p| p.contains("more than 100000 bytes"));
            assert_eq!(told.count(), usize::from(size > 100_000), "{size}");
            let events = all.iter().filter(|p| p.ends_with(['A', 'B', 'x'])).count();
            assert_eq!(events, all.len() - usize::from(size > 100_000), "{size}");
        }
    }
}

#[test]
fn what_systems_add_to_a_zip_and_what_is_no_export_is_passed_over() {
    let export = zipped([
        ("100001/", Vec::new()),
        ("100001/.DS_Store", b"\0\0\0\x01Bud1".to_vec()),
        (
            "100001/1_2026-11-24_0#1.json.gz",
            gz(format!("{}\n{{\n", event("A"))),
        ),
        (
            "__MACOSX/100001/._1_2026-11-24_0#1.json.gz",
            b"\0\x05\x16\x07".to_vec(),
        ),
        ("desktop.ini", b"[.ShellClassInfo]".to_vec()),
        ("notes.txt", b"remember the milk".to_vec()),
        ("more.txt", format!("\u{feff}{}", event("B")).into_bytes()),
        ("table.csv.gz", gz("a,b\n1,2\n")),
    ]);
    assert_eq!(
        pieces("e.zip", export),
        [
            "e.zip:__MACOSX/100001/._1_2026-11-24_0#1.json.gz skipped",
            "e.zip:desktop.ini skipped",
            "e.zip:more.txt:1 B",
            "e.zip:notes.txt skipped",
            "e.zip:table.csv.gz skipped",
            "e.zip:100001/1_2026-11-24_0#1.json.gz:1 A",
            "e.zip:100001/1_2026-11-24_0#1.json.gz:2 malformed, byte 1: EOF while parsing an object, near \"{\"",
            "e.zip:100001/.DS_Store skipped",
        ]
    );
}

#[test]
fn a_place_has_nothing_that_a_terminal_obeys() {
    let export = zipped([("a\u{1b}]0;x\u{7}\u{202e}\n.json", event("A").into_bytes())]);
    assert_eq!(pieces("e\u{1b}.zip", export), ["e␛.zip:a␛]0;x␇�␊.json:1 A"]);
}

#[test]
fn two_members_of_one_name_are_both_read() {
    // The writer refuses a second member of a name: one of another is given it in the bytes.
    let export = zipped([
        ("1.json", event("A").into_bytes()),
        ("2.json", event("B").into_bytes()),
    ]);
    let mut renamed = export.clone();
    for at in memchr::memmem::find_iter(&export, b"2.json") {
        renamed[at] = b'1';
    }
    assert_eq!(
        pieces("e.zip", renamed),
        ["e.zip:1.json:1 A", "e.zip:1.json:1 B"]
    );
}

#[test]
fn a_torn_archive_gives_what_was_read_and_says_how_far_that_is() {
    let mut seed = 1_u32;
    let mut lines = String::new();
    for _ in 0..30_000 {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        lines += &event(&format!("{seed:x}"));
        lines.push('\n');
    }
    let whole = gz(&lines);
    for (name, torn) in [
        ("torn.json.gz", whole[..whole.len() / 2].to_vec()),
        (
            "torn.ndjson.zst",
            zstd::encode_all(lines.as_bytes(), 0)
                .map(|all| all[..all.len() / 2].to_vec())
                .unwrap(),
        ),
        ("torn.zip", {
            let all = zipped([
                ("a.json", event("A").into_bytes()),
                ("b.json.gz", whole.clone()),
            ]);
            all[..all.len() / 2].to_vec()
        }),
    ] {
        let all = pieces(name, &torn);
        let (error, events) = all.split_last().unwrap();
        assert!(
            events.len() > 500,
            "{name}: {} events, {error}",
            events.len()
        );
        // A zip that is cut tells of the member that is, and of the directory.
        let events = match events.split_last() {
            Some((last, events)) if last.starts_with("broken") => events,
            _ => events,
        };
        let sound = |piece: &&String| piece.starts_with(name) && !piece.contains("malformed");
        assert_eq!(events.iter().filter(sound).count(), events.len(), "{name}");
        assert!(
            error.contains(name) && error.contains("complete?"),
            "{error}"
        );
    }
    let small = zipped([("a.json.gz", gz(&lines[..20_000]))]);
    let all = pieces("small.zip", &small[..small.len() / 2]);
    assert!(all.len() > 100, "{all:?}");
    assert!(
        pieces("a.zip", b"PK\x03\x04")
            .last()
            .unwrap()
            .contains("a.zip as a zip")
    );
    let nowhere = each(Path::new("nowhere"), Options::default(), &mut |piece| {
        assert!(matches!(piece, Piece::Broken(ArchiveError::Open { .. })));
        ControlFlow::Break(())
    });
    assert!(nowhere.is_break());
}

/// A zip that was written as a stream, as Amplitude's server does: sizes stand behind members.
fn streamed(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new_stream(Vec::new());
    for (name, bytes) in members {
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn a_torn_zip_that_was_written_as_a_stream_gives_the_members_that_are_there() {
    let members: Vec<(String, Vec<u8>)> = (0..5)
        .map(|n| {
            (
                format!("{n}.json"),
                event(&format!("E{n}")).repeat(3).into_bytes(),
            )
        })
        .collect();
    let members: Vec<(&str, Vec<u8>)> = members
        .iter()
        .map(|(n, b)| (n.as_str(), b.clone()))
        .collect();
    let whole = streamed(&members);
    assert_eq!(pieces("e.zip", &whole).len(), 15);
    let directory = memchr::memmem::find(&whole, b"PK\x01\x02").unwrap();
    let events = |bytes: &[u8]| {
        let all = pieces("e.zip", bytes);
        assert!(all.last().unwrap().starts_with("broken"), "{all:?}");
        all.iter()
            .filter(|piece| piece.starts_with("e.zip:"))
            .count()
    };
    assert_eq!(events(&whole[..directory]), 15);
    assert_eq!(events(&whole[..directory + 20]), 15);
    assert!((6..15).contains(&events(&whole[..directory * 3 / 5])));
}

#[test]
fn members_that_lie_over_each_other_are_told_and_passed_over() {
    let part = format!("{}\n", event("A")).repeat(1_000);
    let one = zipped([("1.json", part.into_bytes())]);
    // The same member, named in the directory 500 times.
    let directory = memchr::memmem::find(&one, b"PK\x01\x02").unwrap();
    let end = memchr::memmem::find(&one, b"PK\x05\x06").unwrap();
    let entry = one[directory..end].repeat(500);
    let mut all = [&one[..directory], &entry, &one[end..]].concat();
    let end = directory + entry.len();
    for at in [8, 10] {
        all[end + at..end + at + 2].copy_from_slice(&500_u16.to_le_bytes());
    }
    all[end + 12..end + 16].copy_from_slice(&(entry.len() as u32).to_le_bytes());
    let all = pieces("e.zip", all);
    let (last, events) = all.split_last().unwrap();
    assert!(last.contains("e.zip:1.json overlap"), "{last}");
    // As many as the file has room for, and not all of the 500.
    assert!(events.len() < 250_000, "{}", events.len());
}

#[test]
fn a_member_that_is_damaged_costs_only_itself() {
    let mut bad = gz(event("B"));
    let end = bad.len() - 6;
    bad[end] ^= 0xff;
    let export = zipped([
        ("1.json.gz", gz(event("A"))),
        ("2.json.gz", bad),
        ("3.json.gz", gz(event("C"))),
    ]);
    let all = pieces("e.zip", export);
    assert_eq!(
        (&*all[0], all.last().unwrap().as_str()),
        ("e.zip:1.json.gz:1 A", "e.zip:3.json.gz:1 C")
    );
    assert!(
        all.iter()
            .any(|piece| piece.starts_with("broken: cannot read e.zip:2.json.gz")),
        "{all:?}"
    );
}

#[test]
fn what_unpacks_to_far_more_than_its_size_is_told_and_passed_over() {
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let spaces = vec![b' '; 1 << 20];
    for _ in 0..UNPACKED_BYTES / (1 << 20) + 2 {
        bomb.write_all(&spaces).unwrap();
    }
    let export = zipped([
        ("1.json.gz", bomb.finish().unwrap()),
        ("2.json", event("A").into_bytes()),
    ]);
    let all = pieces("e.zip", export);
    assert_eq!(all.len(), 2, "{all:?}");
    assert!(all[0].contains("unpacks to more than"), "{}", all[0]);
    assert_eq!(all[1], "e.zip:2.json:1 A");
    let mut packed = gz(event("A"));
    for _ in 0..5 {
        packed = gz(packed);
    }
    let all = pieces("a.json.gz", packed);
    assert!(all[0].contains("more than 3 layers"), "{all:?}");
}

#[test]
fn bytes_that_are_no_utf_8_cost_the_element_that_they_are_in() {
    let good = event("A");
    let text = [
        b"[",
        good.as_bytes(),
        b",{\"event_type\":\"\xff\xc3\",\"user_id\":\"u\"},",
        good.as_bytes(),
        b"]",
    ]
    .concat();
    let all = pieces("a.json", text);
    assert_eq!(
        (&*all[0], &*all[2]),
        ("a.json:1 A", "a.json:1 A"),
        "{all:?}"
    );
    assert!(all[1].contains("no UTF-8"), "{}", all[1]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever a file holds, and however it is cut, reading it ends.
    #[test]
    fn no_bytes_make_the_reader_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        magic in prop::sample::select(vec![&b""[..], GZIP, ZSTANDARD, b"PK\x03\x04", b"PK\x05\x06", b"{", b"[", b"\xef\xbb\xbf"]),
    ) {
        pieces("a", [magic, &bytes[..]].concat());
    }

    #[test]
    fn an_archive_that_is_damaged_anywhere_is_read_without_a_panic(
        at in any::<prop::sample::Index>(),
        to in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut all = zipped([
            ("1/1_a.json.gz", gz(format!("{}\n{}", event("A"), event("é")))),
            ("1/2_b.json", event("B").into_bytes()),
        ]);
        let at = at.index(all.len());
        all[at] = to;
        pieces("e.zip", &all);
        pieces("e.zip", &all[..cut.index(all.len())]);
    }

    #[test]
    fn names_are_ordered_without_a_panic(name in "[0-9a-z#_é٣]{0,60}") {
        members::natural_order(&name);
    }
}
