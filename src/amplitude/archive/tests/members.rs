//! Members of zips.

use super::*;

#[test]
fn system_files_and_other_files_in_a_zip_are_skipped() {
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
fn a_position_has_visible_characters_only() {
    let export = zipped([("a\u{1b}]0;x\u{7}\u{202e}\n.json", event("A").into_bytes())]);
    assert_eq!(pieces("e\u{1b}.zip", export), ["e␛.zip:a␛]0;x␇�␊.json:1 A"]);
}

#[test]
fn two_members_of_the_same_name_are_both_read() {
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
fn overlapping_members_are_reported_and_skipped() {
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
