//! Incomplete archives.

use super::*;

#[test]
fn a_torn_archive_yields_its_readable_events_and_reports_where_it_ends() {
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
        // A cut zip reports the cut member, and the missing directory.
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

/// A zip that was written as a stream, as Amplitude's server does: sizes follow the members.
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
fn a_torn_zip_that_was_written_as_a_stream_yields_its_complete_members() {
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
