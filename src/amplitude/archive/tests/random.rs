//! Random and damaged archives.

use proptest::prelude::*;

use super::super::members;
use super::super::unpack::{GZIP, ZSTANDARD};
use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Reading ends for any content that is cut anywhere.
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
