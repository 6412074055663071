#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::file::replace_with;
use super::*;

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

fn widened(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_file_that_others_could_read_is_tightened_when_it_is_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    for write in [
        |path: &Path| create(path).map(drop),
        |path: &Path| replace(path, b"new"),
        |path: &Path| replace_durably(path, b"new"),
        |path: &Path| new_in_place(path).map(drop),
        |path: &Path| open_own(path).map(drop),
        prepare_database,
    ] {
        fs::write(&path, "old").unwrap();
        widened(&path, 0o666);
        write(&path).unwrap();
        assert_eq!(mode(&path), 0o600);
    }
    // A database's log is as private as the database.
    let log = dir.path().join("file-wal");
    fs::write(&log, "events").unwrap();
    widened(&log, 0o644);
    prepare_database(&path).unwrap();
    assert_eq!(mode(&log), 0o600);
}

#[test]
fn a_file_of_this_program_is_opened_with_its_content_and_links_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let victim = dir.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    widened(&victim, 0o644);
    let soft = dir.path().join("soft");
    std::os::unix::fs::symlink(&victim, &soft).unwrap();
    let dangling = dir.path().join("dangling");
    std::os::unix::fs::symlink(dir.path().join("nothing"), &dangling).unwrap();
    let hard = dir.path().join("hard");
    fs::hard_link(&victim, &hard).unwrap();
    for link in [&soft, &dangling, &hard] {
        let refused = open_own(link).unwrap_err().to_string();
        assert!(refused.contains("is a link"), "{link:?}: {refused}");
    }
    assert!(!dir.path().join("nothing").exists());
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    assert_eq!(mode(&victim), 0o644, "its mode is not changed");
    assert!(open_own(dir.path()).is_err(), "a folder is no file");
    let own = dir.path().join("own");
    fs::write(&own, "as it was").unwrap();
    open_own(&own).unwrap();
    assert_eq!(fs::read_to_string(&own).unwrap(), "as it was");
}

#[test]
fn a_new_file_replaces_a_link_and_not_its_target() {
    let dir = tempfile::tempdir().unwrap();
    let victim = dir.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    let path = dir.path().join("settings.toml");
    std::os::unix::fs::symlink(&victim, dir.path().join("settings.toml.new")).unwrap();
    replace(&path, b"ours").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "ours");
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    std::os::unix::fs::symlink(&victim, dir.path().join("link")).unwrap();
    assert!(create_new(&dir.path().join("link")).is_err());
}

#[test]
fn after_an_error_the_old_file_exists_and_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    fs::write(&path, "old").unwrap();
    let failing = replace_with(&path, b"new", |_, _, _| {
        Err(io::ErrorKind::StorageFull.into())
    });
    assert_eq!(failing.unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn new_folders_are_private_and_a_shared_one_is_reported_but_not_changed() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("a/b");
    create_folder(&folder).unwrap();
    assert_eq!((mode(&dir.path().join("a")), mode(&folder)), (0o700, 0o700));
    assert_eq!(shared(&folder), None);
    for (rights, expected) in [
        (0o755, Some("see which files are in")),
        (0o750, Some("see which files are in")),
        (0o777, Some("remove and replace files in")),
        (0o711, None),
    ] {
        widened(&folder, rights);
        create_folder(&folder).unwrap();
        assert_eq!(mode(&folder), rights);
        let warning = shared(&folder);
        assert_eq!(warning.is_some(), expected.is_some(), "{warning:?}");
        assert!(warning.is_none_or(|warning| warning.contains(expected.unwrap_or_default())));
    }
    create_folder(Path::new("")).unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(create_folder(&file).is_err(), "a file is no folder");
    assert!(create_folder(&file.join("below")).is_err());
}

#[test]
fn a_device_or_a_pipe_is_written_to_and_keeps_its_rights() {
    let null = Path::new("/dev/null");
    let before = mode(null);
    create(null).unwrap();
    assert_eq!(mode(null), before);
}
