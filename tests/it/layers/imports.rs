//! The paths that each module of a crate names, found with a parser of Rust.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Item, ItemMod, ItemUse, Macro, UseTree,
    visit::{Visit, visit_item_mod},
};

/// The segments of a path: `["crate", "reading", "Fault"]`.
pub(super) type Segments = Vec<String>;

/// A file of a crate.
pub(super) struct Module {
    pub(super) file: PathBuf,
    /// The paths that it names outside of tests; absolute if they begin with `crate`, `self` or `super`, or with a module
    /// below it.
    pub(super) names: BTreeSet<Segments>,
    /// The paths that its tests name.
    pub(super) named_in_tests: BTreeSet<Segments>,
    /// The paths that it imports or re-exports, by their names in this module.
    aliases: BTreeMap<String, Segments>,
}

/// The modules of a crate, by their paths.
pub(super) struct Crate(pub(super) BTreeMap<Segments, Module>);

impl Crate {
    /// Parses all files below `root`, the directory of `lib.rs` or `main.rs`.
    pub(super) fn parse(root: &Path) -> Self {
        let mut files = Vec::new();
        collect(root, &mut files);
        let mut modules = BTreeMap::new();
        for file in files {
            let path = module_path(file.strip_prefix(root).unwrap());
            let text = fs::read_to_string(&file).unwrap();
            let parsed = syn::parse_file(&text)
                .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            let mut visitor = Visitor {
                path: path.clone(),
                in_tests: path.iter().any(|segment| segment == "tests"),
                children: children(&parsed.items),
                found: Module {
                    file,
                    names: BTreeSet::new(),
                    named_in_tests: BTreeSet::new(),
                    aliases: BTreeMap::new(),
                },
            };
            visitor.visit_file(&parsed);
            modules.insert(path, visitor.found);
        }
        Self(modules)
    }

    /// The module of this crate that defines the item of a path: re-exports are followed.
    pub(super) fn owner(&self, path: &[String]) -> Option<Segments> {
        let mut path: Segments = path.strip_prefix(&["crate".to_owned()])?.to_vec();
        // A limit, as re-exports might form a cycle.
        for _ in 0..8 {
            let mut at = 0;
            while at < path.len() && self.0.contains_key(&path[..=at]) {
                at += 1;
            }
            let module = &path[..at];
            let alias = path
                .get(at)
                .and_then(|name| self.0.get(module)?.aliases.get(name));
            match alias.and_then(|alias| alias.strip_prefix(&["crate".to_owned()])) {
                Some(target) if target != &path[..target.len().min(path.len())] => {
                    path = target.iter().chain(&path[at + 1..]).cloned().collect();
                }
                _ => return self.0.contains_key(module).then(|| module.to_vec()),
            }
        }
        None
    }
}

/// The path of the module in a file.
fn module_path(file: &Path) -> Segments {
    let mut path: Segments = file
        .with_extension("")
        .iter()
        .map(|part| part.to_str().unwrap().to_owned())
        .collect();
    if path.last().is_some_and(|last| last == "mod") || ["lib", "main"].contains(&&*path[0]) {
        path.pop();
    }
    path
}

fn children(items: &[Item]) -> BTreeSet<String> {
    let modules = items.iter().filter_map(|item| match item {
        Item::Mod(module) => Some(module.ident.to_string()),
        _ => None,
    });
    modules.collect()
}

struct Visitor {
    path: Segments,
    in_tests: bool,
    children: BTreeSet<String>,
    found: Module,
}

impl Visitor {
    /// Records a path; returns it as an absolute path.
    fn record(&mut self, path: &[String]) -> Segments {
        let root = || std::iter::once("crate".to_owned());
        let full: Segments = match &*path[0] {
            "self" => root()
                .chain(self.path.clone())
                .chain(path[1..].to_vec())
                .collect(),
            "super" => {
                let supers = path.iter().take_while(|part| *part == "super").count();
                let ancestor = &self.path[..self.path.len().saturating_sub(supers)];
                root()
                    .chain(ancestor.to_vec())
                    .chain(path[supers..].to_vec())
                    .collect()
            }
            first if self.children.contains(first) => root()
                .chain(self.path.clone())
                .chain(path.to_vec())
                .collect(),
            _ => path.to_vec(),
        };
        match self.in_tests {
            true => self.found.named_in_tests.insert(full.clone()),
            false => self.found.names.insert(full.clone()),
        };
        full
    }

    fn record_tree(&mut self, before: &[String], tree: &UseTree) {
        let with = |name: &syn::Ident| {
            let name = (*name != "self").then(|| name.to_string());
            before.iter().cloned().chain(name).collect::<Segments>()
        };
        match tree {
            UseTree::Path(path) if before.is_empty() => {
                self.record_tree(&[path.ident.to_string()], &path.tree);
            }
            UseTree::Path(path) => self.record_tree(&with(&path.ident), &path.tree),
            UseTree::Name(name) => {
                let full = self.record(&with(&name.ident));
                let name = full.last().unwrap().clone();
                self.add_alias(name, full);
            }
            UseTree::Rename(rename) => {
                let full = self.record(&with(&rename.ident));
                self.add_alias(rename.rename.to_string(), full);
            }
            UseTree::Glob(_) if !before.is_empty() => {
                self.record(before);
            }
            UseTree::Glob(_) => {}
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.record_tree(before, tree);
                }
            }
        }
    }

    fn add_alias(&mut self, name: String, full: Segments) {
        if !self.in_tests {
            self.found.aliases.insert(name, full);
        }
    }

    /// Records the paths in the tokens of a macro, which are not parsed.
    fn record_tokens(&mut self, tokens: TokenStream) {
        let mut path = Segments::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.record_qualified(&path);
                        path.clear();
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                other => {
                    self.record_qualified(&path);
                    path.clear();
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.record_tokens(group.stream());
                    }
                }
            }
        }
        self.record_qualified(&path);
    }

    fn record_qualified(&mut self, path: &[String]) {
        if path.len() > 1 {
            self.record(path);
        }
    }
}

impl<'ast> Visit<'ast> for Visitor {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.record_tree(&[], &item.tree);
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if module.content.is_none() {
            return;
        }
        let before = self.in_tests;
        self.in_tests |= module.ident == "tests";
        self.path.push(module.ident.to_string());
        visit_item_mod(self, module);
        self.path.pop();
        self.in_tests = before;
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string());
        self.record_qualified(&names.collect::<Segments>());
        syn::visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, found: &'ast Macro) {
        self.record_tokens(found.tokens.clone());
        syn::visit::visit_macro(self, found);
    }
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
