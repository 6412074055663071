//! The guard of the layout: dependencies between files point down one list, and never in a circle.
//!
//! A dependency is a path in a file's code, outside its tests, that leads to something that another
//! file defines. A re-export is a name and no dependency: who uses it depends on the file behind it.
#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{Attribute, Item, UseTree, Visibility};

/// The order: what stands in a line may use what stands in the same line or below. `lib.rs` says
/// what each of them is for.
const LAYERS: &[&[&str]] = &[
    &["main"],
    &["command"],
    // What a command line may say, which commands take.
    &["cli"],
    &["tui"],
    &["control"],
    // Masks people in what screens draw and in what viewers are sent.
    &["privacy"],
    &["audit"],
    &["pipeline"],
    &["config"],
    &["relay"],
    &["alerting"],
    &["telemetry"],
    &["protocol"],
    &["ledger"],
    &["jetstream"],
    &["delivery"],
    &["feed"],
    &["filter"],
    &["limits"],
    &["customerio"],
    &["amplitude"],
    &[
        "network",
        "blocking",
        "http",
        "browser",
        "descriptors",
        "owner_only",
        "signals",
        "service_manager",
        "sqlite",
        "log_limit",
        "setting_form",
    ],
    &["text"],
];

/// A path as its segments.
type Segments = Vec<String>;

/// What one file holds.
#[derive(Debug, Default)]
struct Source {
    /// The module that it is.
    module: Segments,
    /// Names that it brings in, with where they lead.
    imports: BTreeMap<String, Segments>,
    /// Those of them that it hands on to others.
    handed_on: BTreeSet<String>,
    /// All words of its code.
    words: BTreeSet<String>,
    /// Modules of which it brings in everything.
    globs: Vec<Segments>,
    /// Paths in its code.
    paths: BTreeSet<Segments>,
}

/// All files, by module.
struct Crate(BTreeMap<Segments, Source>);

impl Crate {
    fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut all = Self(BTreeMap::new());
        all.add(&root.join("lib.rs"), Vec::new());
        all.add(&root.join("main.rs"), vec!["main".to_owned()]);
        all
    }

    /// Adds a file, and those of the modules that it declares.
    fn add(&mut self, path: &Path, module: Segments) {
        let text =
            std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let file = syn::parse_file(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let mut source = Source {
            module: module.clone(),
            ..Source::default()
        };
        for item in file.items {
            if attributes(&item).iter().any(is_for_tests) {
                continue;
            }
            match item {
                Item::Use(item) => {
                    let known: BTreeSet<String> = source.imports.keys().cloned().collect();
                    source.bring_in(&item.tree, Vec::new());
                    if !matches!(item.vis, Visibility::Inherited) {
                        let names = source.imports.keys().cloned();
                        let new = names.filter(|name| !known.contains(name));
                        source.handed_on.extend(new);
                    }
                }
                Item::Mod(child) if child.content.is_none() => {
                    if module == ["main"] {
                        continue;
                    }
                    let mut inner = module.clone();
                    inner.push(child.ident.to_string());
                    self.add(&file_of(path, &module, &child.ident.to_string()), inner);
                }
                other => {
                    collect(&other.to_token_stream(), &mut source);
                }
            }
        }
        self.0.insert(module, source);
    }

    /// The module whose file defines what `path`, written in `module`, leads to. Nothing where that
    /// is a module itself, or is not of this crate.
    fn definer(&self, module: &Segments, path: &[String], depth: usize) -> Option<Segments> {
        assert!(depth < 32, "{path:?} in {module:?} leads nowhere");
        let (mut at, mut rest) = match path.first()?.as_str() {
            "crate" | "sluicegate" => (Vec::new(), &path[1..]),
            "self" => (module.clone(), &path[1..]),
            "super" => (
                module[..module.len().saturating_sub(1)].to_vec(),
                &path[1..],
            ),
            first => {
                let mut child = module.clone();
                child.push(first.to_owned());
                if self.0.contains_key(&child) {
                    (module.clone(), path)
                } else {
                    let import = self.0[module].imports.get(first)?;
                    if import.first().map(String::as_str) == Some(first) && import.len() == 1 {
                        return None;
                    }
                    let whole = [import, &path[1..]].concat();
                    return self.definer(module, &whole, depth + 1);
                }
            }
        };
        while rest.first().is_some_and(|segment| segment == "super") {
            at.pop();
            rest = &rest[1..];
        }
        loop {
            let segment = rest.first()?;
            at.push(segment.clone());
            if self.0.contains_key(&at) {
                rest = &rest[1..];
                continue;
            }
            at.pop();
            let source = self.0.get(&at)?;
            if let Some(import) = source.imports.get(segment) {
                let whole = [import, &rest[1..]].concat();
                return self.definer(&at, &whole, depth + 1);
            }
            for glob in &source.globs {
                let whole = [glob, rest].concat();
                if let Some(found) = self.definer(&at, &whole, depth + 1)
                    && found != at
                {
                    return Some(found);
                }
            }
            return Some(at);
        }
    }

    /// For each file, the files that it depends on.
    fn dependencies(&self) -> BTreeMap<&Segments, BTreeSet<Segments>> {
        let of = |source: &Source| {
            let public = |name: &str| name.starts_with(' ');
            let imports = source
                .imports
                .iter()
                .filter(|(name, _)| !public(name))
                .map(|(_, path)| path);
            let paths = imports.chain(&source.globs).chain(&source.paths);
            paths
                .filter_map(|path| self.definer(&source.module, path, 0))
                .filter(|found| *found != source.module)
                .collect()
        };
        self.0
            .iter()
            .map(|(module, source)| (module, of(source)))
            .collect()
    }
}

impl Source {
    fn bring_in(&mut self, tree: &UseTree, mut before: Segments) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.bring_in(&path.tree, before);
            }
            UseTree::Name(name) if name.ident == "self" => {
                let last = before.last().unwrap().clone();
                self.imports.insert(last, before);
            }
            UseTree::Name(name) => {
                before.push(name.ident.to_string());
                self.imports.insert(name.ident.to_string(), before);
            }
            UseTree::Rename(name) => {
                if name.ident != "self" {
                    before.push(name.ident.to_string());
                }
                self.imports.insert(name.rename.to_string(), before);
            }
            UseTree::Glob(_) => self.globs.push(before),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.bring_in(tree, before.clone());
                }
            }
        }
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn is_for_tests(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute
            .meta
            .to_token_stream()
            .to_string()
            .contains("test")
}

/// The file of the module `child`, which `path` declares.
fn file_of(path: &Path, module: &Segments, child: &str) -> PathBuf {
    let folder = path.parent().unwrap();
    let folder = match path.file_stem().unwrap().to_str().unwrap() {
        "mod" | "lib" | "main" => folder.to_owned(),
        _ => folder.join(module.last().unwrap()),
    };
    let flat = folder.join(format!("{child}.rs"));
    if flat.exists() {
        flat
    } else {
        folder.join(child).join("mod.rs")
    }
}

/// Collects the words among tokens, and the paths of two and more segments, inside macros too.
fn collect(tokens: &TokenStream, source: &mut Source) {
    let mut path = Segments::new();
    let mut colons = 0;
    for token in tokens.clone() {
        match token {
            TokenTree::Ident(ident) => {
                if colons != 2 {
                    end(&mut path, &mut source.paths);
                }
                source.words.insert(ident.to_string());
                path.push(ident.to_string());
                colons = 0;
            }
            TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
            TokenTree::Group(group) => {
                end(&mut path, &mut source.paths);
                colons = 0;
                collect(&group.stream(), source);
            }
            _ => {
                end(&mut path, &mut source.paths);
                colons = 0;
            }
        }
    }
    end(&mut path, &mut source.paths);
}

fn end(path: &mut Segments, paths: &mut BTreeSet<Segments>) {
    let path = std::mem::take(path);
    if path.len() > 1 {
        paths.insert(path);
    }
}

fn layer(module: &Segments) -> Option<usize> {
    let top = module.first()?;
    let found = LAYERS
        .iter()
        .position(|layer| layer.contains(&top.as_str()));
    Some(found.unwrap_or_else(|| panic!("{top} stands in no line of LAYERS")))
}

fn name(module: &Segments) -> String {
    if module.is_empty() {
        "lib".to_owned()
    } else {
        module.join("::")
    }
}

#[test]
fn dependencies_point_down_the_list() {
    let all = Crate::read();
    let mut upward = Vec::new();
    for (module, dependencies) in all.dependencies() {
        for dependency in dependencies {
            if layer(module) > layer(&dependency) {
                upward.push(format!("{} uses {}", name(module), name(&dependency)));
            }
        }
    }
    assert!(upward.is_empty(), "dependencies that point up: {upward:#?}");
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let all = Crate::read();
    let dependencies = all.dependencies();
    let reach = |from: &Segments| {
        let mut found: BTreeSet<Segments> = BTreeSet::new();
        let mut left: Vec<Segments> = dependencies[from].iter().cloned().collect();
        while let Some(next) = left.pop() {
            if found.insert(next.clone()) {
                left.extend(dependencies[&next].iter().cloned());
            }
        }
        found
    };
    let reached: BTreeMap<&Segments, BTreeSet<Segments>> = dependencies
        .keys()
        .map(|module| (*module, reach(module)))
        .collect();
    let mut circles: BTreeSet<Vec<String>> = BTreeSet::new();
    for (module, found) in &reached {
        if found.contains(*module) {
            let circle = found
                .iter()
                .filter(|other| reached[other].contains(*module));
            circles.insert(circle.map(name).collect());
        }
    }
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn no_file_has_more_than_400_lines() {
    const MAX_LINES: usize = 400;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<PathBuf> = ["src", "tests", "benches"].map(|f| root.join(f)).into();
    let mut long = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let lines = std::fs::read_to_string(&path).unwrap().lines().count();
                if lines > MAX_LINES {
                    long.push(format!("{}: {lines} lines", path.display()));
                }
            }
        }
    }
    assert!(long.is_empty(), "{long:#?}");
}
