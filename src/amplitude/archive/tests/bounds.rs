//! Archives that unpack to far more than their size.

use super::super::bounds::UNPACKED_BYTES;
use super::*;

#[test]
fn a_file_that_unpacks_to_far_more_than_its_size_is_reported_and_skipped() {
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
