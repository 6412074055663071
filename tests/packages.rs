//! What packages take from the program: completions, manual pages, and its version.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[path = "common/program.rs"]
mod program;

use std::path::Path;
use std::process::{Command, Output};

use program::sluicegate;

/// Subcommands, as the help lists them.
fn subcommands() -> Vec<String> {
    let help = text(&sluicegate().arg("--help").output().unwrap());
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let (list, _) = list.split_once("\n\n").unwrap();
    let name = |line: &str| line.split_whitespace().next().unwrap().to_owned();
    list.lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .map(name)
        .filter(|name| name != "help")
        .collect()
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn completions(shell: &str, folder: &Path) -> (String, std::path::PathBuf) {
    let output = sluicegate().args(["completions", shell]).output().unwrap();
    let script = text(&output);
    // zsh takes the name of the function from that of the file.
    let path = folder.join("_sluicegate");
    std::fs::write(&path, &script).unwrap();
    (script, path)
}

#[test]
fn completions_of_every_shell_have_every_subcommand() {
    let dir = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let (script, _) = completions(shell, dir.path());
        for name in subcommands() {
            assert!(script.contains(&name), "{shell}: {name}");
        }
    }
    let refused = sluicegate().args(["completions", "csh"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn bash_loads_its_completions_and_completes_with_them() {
    let dir = tempfile::tempdir().unwrap();
    let (_, path) = completions("bash", dir.path());
    let script = r#"
        source "$1" || exit 3
        complete -p sluicegate >/dev/null || exit 4
        complete_line() {
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
            _sluicegate sluicegate "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
            echo "${COMPREPLY[@]}"
        }
        complete_line sluicegate dead
        complete_line sluicegate run --log ""
    "#;
    let output = Command::new("bash")
        .args(["--norc", "-c", script, "bash"])
        .arg(&path)
        .output()
        .unwrap();
    assert_eq!(text(&output), "dead-letters\ntext json\n");
}

#[test]
#[ignore = "needs zsh and fish: .ci/interop"]
fn zsh_and_fish_load_their_completions() {
    let dir = tempfile::tempdir().unwrap();
    completions("zsh", dir.path());
    let script = r#"
        fpath=("$1" $fpath)
        autoload -Uz compinit && compinit -u -D || exit 3
        [[ ${_comps[sluicegate]} = _sluicegate ]] || exit 4
        autoload +X -U _sluicegate && echo loaded"#;
    let zsh = Command::new("zsh")
        .args(["-f", "-c", script, "zsh"])
        .arg(dir.path())
        .output()
        .unwrap();
    assert_eq!(text(&zsh), "loaded\n");
    let (_, path) = completions("fish", dir.path());
    let fish = Command::new("fish")
        .args(["--no-config", "-c"])
        .arg("source $argv[1]; complete -C 'sluicegate dead'")
        .arg(&path)
        .output()
        .unwrap();
    assert!(text(&fish).starts_with("dead-letters\t"), "{fish:?}");
}

#[test]
fn there_is_a_manual_page_for_every_subcommand() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("new/man1");
    let mut man = sluicegate();
    text(&man.args(["man", "--dir"]).arg(&folder).output().unwrap());
    let page = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    for name in subcommands() {
        assert!(
            page(&format!("sluicegate-{name}.1")).starts_with(".ie"),
            "{name}"
        );
    }
    assert!(page("sluicegate-config-init.1").contains("config init"));
    let shown = text(&sluicegate().arg("man").output().unwrap());
    assert_eq!(shown, page("sluicegate.1"), "both are the same page");
    std::fs::write(dir.path().join("file"), "").unwrap();
    let mut man = sluicegate();
    let refused = man.args(["man", "--dir"]).arg(dir.path().join("file"));
    assert_eq!(refused.output().unwrap().status.code(), Some(2));
}

#[test]
#[ignore = "needs man: .ci/interop"]
fn man_shows_every_page_without_a_warning() {
    let dir = tempfile::tempdir().unwrap();
    let mut man = sluicegate();
    text(&man.args(["man", "--dir"]).arg(dir.path()).output().unwrap());
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let path = entry.unwrap().path();
        let output = Command::new("man")
            .args(["--warnings=all", "--local-file"])
            .arg(&path)
            .env("MANWIDTH", "100")
            .output()
            .unwrap();
        assert!(output.stderr.is_empty(), "{}: {output:?}", path.display());
        let shown = text(&output);
        assert!(shown.contains("SYNOPSIS"), "{}: {shown}", path.display());
    }
}

#[test]
fn the_version_names_the_build() {
    let version = text(&sluicegate().arg("--version").output().unwrap());
    let number = env!("CARGO_PKG_VERSION");
    let (name, build) = version.trim_end().split_once(" (").unwrap();
    assert_eq!(name, format!("sluicegate {number}"));
    assert!(build.ends_with(" build)"), "{version}");
    if cfg!(debug_assertions) {
        assert_eq!(build, "debug build)");
    }
}

#[test]
fn the_dockerfile_copies_what_exists_and_its_context_has_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = std::fs::read_to_string(root.join("Dockerfile")).unwrap();
    let context = std::fs::read_to_string(root.join(".dockerignore")).unwrap();
    let mut copied = 0;
    for line in file.lines().filter_map(|line| line.strip_prefix("COPY ")) {
        let words: Vec<&str> = line.split_whitespace().collect();
        if words[0].starts_with("--from") {
            continue;
        }
        for source in &words[..words.len() - 1] {
            assert!(root.join(source).exists(), "{source}");
            let first = source.split('/').next().unwrap();
            let is_let_in = context.lines().any(|line| line == format!("!{first}"));
            assert!(is_let_in, "{source} is left out by .dockerignore");
            copied += 1;
        }
    }
    assert!(copied >= 5, "{copied}");
    assert!(file.contains("\nUSER 10001\n") && file.contains("\nHEALTHCHECK "));
}

/// All files below a folder, as their paths in it.
fn files(folder: &Path, below: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder.join(below)).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{below}{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            files(folder, &format!("{path}/"), found);
        } else {
            found.push(path);
        }
    }
}

/// `cargo deb` packs the files that `assets/deb/tree` lists, as `assets/make-deb` does.
#[cfg(target_os = "linux")]
#[test]
fn the_metadata_of_cargo_deb_takes_every_file_of_the_package() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dir = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_sluicegate");
    let mut tree = Command::new(root.join("assets/deb/tree"));
    text(&tree.arg(program).arg(dir.path()).output().unwrap());
    let mut all = Vec::new();
    files(dir.path(), "", &mut all);
    for name in [
        "usr/bin/sluicegate",
        "usr/share/man/man1/sluicegate-audit.1.gz",
        "usr/lib/systemd/system/sluicegate-audit.timer",
        "etc/sluicegate/sluicegate.toml",
    ] {
        assert!(all.iter().any(|file| file == name), "{name}: {all:?}");
    }
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let deb = &manifest["package"]["metadata"]["deb"];
    let assets: Vec<[&str; 3]> = deb["assets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|asset| std::array::from_fn(|at| asset[at].as_str().unwrap()))
        .collect();
    for file in &all {
        let takes = |[from, to, _]: &&[&str; 3]| {
            let from = from.strip_prefix("target/deb/").unwrap();
            match from.strip_suffix("**/*") {
                // What is below the folder keeps its place there.
                Some(folder) => folder == *to && file.starts_with(folder),
                None => from == file && file.starts_with(to),
            }
        };
        let count = assets.iter().filter(takes).count();
        assert_eq!(count, 1, "{file}");
    }
    let scripts = root.join(deb["maintainer-scripts"].as_str().unwrap());
    for name in ["postinst", "prerm", "postrm"] {
        assert!(scripts.join(name).exists(), "{name}");
    }
    for file in deb["conf-files"].as_array().unwrap() {
        let file = file.as_str().unwrap().trim_start_matches('/').to_owned();
        assert!(all.contains(&file), "{file}");
    }
}
