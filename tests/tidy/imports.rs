//! Who imports whom, as the source says it: every file, the paths in its code, and the files that these paths lead to.
//!
//! `syn` reads the source, so that no form of a path escapes: trees, aliases, paths without `use`, modules in a file. Unit tests
//! and modules for tests alone count as nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, Macro, Meta, UseTree};

/// The parts of a path from the root of a crate: `["crate", "net", "pen", "Pen"]`, or the name of another crate first.
pub type Parts = Vec<String>;

/// A file of a crate.
#[derive(Debug)]
pub struct Source {
    /// Where it is.
    pub path: PathBuf,
    /// Its module, from the root of its crate: `["net", "pen"]`. The root has no parts.
    pub module: Vec<String>,
    /// All of it.
    pub text: String,
    /// The paths in its code, each with the number of its line.
    pub paths: Vec<(usize, Parts)>,
    /// The names that `use` gives it, and where they lead.
    names: BTreeMap<String, Parts>,
    /// The modules below it that only tests have.
    test_modules: BTreeSet<String>,
}

impl Source {
    /// A file of the crate whose root is the file `root`.
    ///
    /// # Panics
    /// When it is not Rust.
    pub fn new(root: &Path, path: PathBuf, text: String) -> Self {
        let folder = root.parent().expect("the root is a file");
        let inside = path.strip_prefix(folder).expect("below the root").with_extension("");
        let mut module: Vec<_> = inside.iter().map(|part| part.to_str().expect("plain names").to_owned()).collect();
        if path == root || module.last().is_some_and(|last| last == "mod") {
            module.pop();
        }
        let file = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut reader = Reader { place: module.clone(), ..Reader::default() };
        // The names first: a path may use one that stands below it.
        reader.visit_file(&file);
        reader.names_are_known = true;
        reader.paths.clear();
        reader.visit_file(&file);
        let Reader { paths, names, test_modules, .. } = reader;
        Self { path, module, text, paths, names, test_modules }
    }

    /// The code with the numbers of its lines, without comments and unit tests.
    pub fn code(&self) -> Vec<(usize, &str)> {
        let mut code = Vec::new();
        let mut lines = (1..).zip(self.text.lines());
        while let Some((number, line)) = lines.next() {
            if line == "#[cfg(test)]" {
                // An item of one line, or one that ends with a brace of its own.
                let mut first = lines.by_ref().skip_while(|(_, line)| line.starts_with("#["));
                if first.next().is_some_and(|(_, item)| !item.ends_with(';')) {
                    lines.by_ref().find(|(_, line)| *line == "}");
                }
            } else if !line.trim_start().starts_with("//") {
                code.push((number, line));
            }
        }
        code
    }

    /// The room or file of a list that this file belongs to: the entry that is its module or stands above it.
    pub fn entry<'a>(&self, list: &[&'a str]) -> Option<&'a str> {
        list.iter().copied().find(|entry| is_below(&self.module, entry))
    }
}

/// Whether a module is the one of that name, such as `net::pen`, or lies in it.
pub fn is_below(module: &[String], name: &str) -> bool {
    let mut parts = module.iter();
    name.split("::").all(|part| parts.next().is_some_and(|own| own == part))
}

/// All source files below a folder.
pub fn texts_below(root: &Path) -> Vec<(PathBuf, String)> {
    let (mut found, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the source") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("source text");
                found.push((path, text));
            }
        }
    }
    assert!(found.len() > 10, "the source was found");
    found
}

/// Collects what a file names.
#[derive(Default)]
struct Reader {
    /// The module that is being read: that of the file, or one inside it.
    place: Vec<String>,
    paths: Vec<(usize, Parts)>,
    names: BTreeMap<String, Parts>,
    names_are_known: bool,
    test_modules: BTreeSet<String>,
}

impl Reader {
    /// The same path from the root. A path that begins with a name that `use` has given goes on from there; any other one may
    /// begin with a module below this one, or with another crate.
    fn absolute(&self, path: &[String]) -> Option<Parts> {
        let from = |module: &[String], rest: &[String]| [&["crate".to_owned()], module, rest].concat();
        Some(match path.first()?.as_str() {
            "crate" => path.to_vec(),
            "self" => from(&self.place, &path[1..]),
            "super" => {
                let supers = path.iter().take_while(|part| *part == "super").count();
                from(self.place.get(..self.place.len().checked_sub(supers)?)?, &path[supers..])
            }
            name => match self.names.get(name) {
                Some(known) if self.names_are_known => [known, &path[1..]].concat(),
                _ => path.to_vec(),
            },
        })
    }

    fn note(&mut self, line: usize, path: &[String]) {
        self.paths.extend(self.absolute(path).map(|path| (line, path)));
    }

    fn note_tree(&mut self, line: usize, mut path: Vec<String>, tree: &UseTree) {
        let (name, last) = match tree {
            UseTree::Path(inner) => {
                path.push(inner.ident.to_string());
                return self.note_tree(line, path, &inner.tree);
            }
            UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.note_tree(line, path.clone(), tree));
            }
            UseTree::Glob(_) => return self.note(line, &path),
            UseTree::Name(name) => (name.ident.to_string(), name.ident.to_string()),
            UseTree::Rename(rename) => (rename.rename.to_string(), rename.ident.to_string()),
        };
        // `a::{self}` is `a`, and `super` alone is a path.
        let name = if name == "self" { path.last().cloned().unwrap_or(name) } else { name };
        if last != "self" || path.is_empty() {
            path.push(last);
        }
        self.note(line, &path);
        if !self.names_are_known
            && let Some(path) = self.absolute(&path)
        {
            self.names.insert(name, path);
        }
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
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
            _ => return visit::visit_item(self, item),
        };
        if attributes.iter().any(is_for_tests) {
            if let Item::Mod(module) = item {
                self.test_modules.insert(module.ident.to_string());
            }
        } else {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        self.place.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.place.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.note_tree(item.span().start().line, Vec::new(), &item.tree);
    }

    /// `pub(super)` says who may import, not who does.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.note(path.span().start().line, &parts);
        visit::visit_path(self, path);
    }

    /// A macro's arguments may be anything, so they are read word by word.
    fn visit_macro(&mut self, call: &'ast Macro) {
        let text = call.tokens.to_string().replace(" :: ", "::");
        let words = text.split(|c: char| !c.is_alphanumeric() && !"_:".contains(c));
        for word in words.filter(|word| word.contains("::")) {
            let parts: Vec<_> = word.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
            self.note(call.span().start().line, &parts);
        }
        visit::visit_macro(self, call);
    }
}

fn is_for_tests(attribute: &Attribute) -> bool {
    matches!(&attribute.meta, Meta::List(list) if list.path.is_ident("cfg") && list.tokens.to_string() == "test")
}

/// All files of one crate, and where their paths lead.
pub struct Crate {
    /// The files, without those of tests alone.
    pub sources: Vec<Source>,
    /// The files by their modules, as indexes.
    modules: BTreeMap<Vec<String>, usize>,
}

impl Crate {
    /// A crate of these files.
    pub fn new(mut sources: Vec<Source>) -> Self {
        let mut of_tests = Vec::new();
        for source in &sources {
            of_tests
                .extend(source.test_modules.iter().map(|name| [source.module.clone(), vec![name.clone()]].concat()));
        }
        sources.retain(|source| !of_tests.iter().any(|module| source.module.starts_with(module)));
        let modules = sources.iter().enumerate().map(|(index, source)| (source.module.clone(), index)).collect();
        Self { sources, modules }
    }

    /// A crate out of texts: `("net/pen.rs", "use super::gate::Gate;")`.
    pub fn of(texts: &[(&str, &str)]) -> Self {
        let root = Path::new("/lib.rs");
        let source = |(path, text): &(&str, &str)| Source::new(root, root.with_file_name(path), (*text).to_owned());
        Self::new(texts.iter().map(source).collect())
    }

    /// The files of this crate that a file imports, each with the line that does it.
    pub fn imports(&self, source: &Source) -> Vec<(usize, &Source)> {
        let found = source.paths.iter().filter_map(|(line, path)| Some((*line, self.target(source, path, 8)?)));
        found.filter(|(_, target)| target.module != source.module).collect()
    }

    /// The file that a path leads to, also through what others publish under a name of their own.
    fn target(&self, from: &Source, path: &[String], depth: usize) -> Option<&Source> {
        let below = || [&from.module[..], &path[..1]].concat();
        match path.first()?.as_str() {
            "crate" => self.lead(Vec::new(), &path[1..], depth),
            _ if self.modules.contains_key(&below()) => self.lead(from.module.clone(), path, depth),
            _ => None,
        }
    }

    fn lead(&self, mut base: Vec<String>, mut rest: &[String], depth: usize) -> Option<&Source> {
        while let Some(part) = rest.first() {
            base.push(part.clone());
            if !self.modules.contains_key(&base) {
                base.pop();
                break;
            }
            rest = &rest[1..];
        }
        let found = &self.sources[*self.modules.get(&base)?];
        let published = rest.first().filter(|_| depth > 0).and_then(|name| found.names.get(name));
        published.and_then(|path| self.target(found, path, depth - 1)).or(Some(found))
    }

    /// A circle of imports among the files of each folder that has one: `net: ending -> shared -> ending`.
    ///
    /// A folder in a folder counts as one file. A `mod.rs` may name what is beside it, and is not named by it.
    pub fn circles(&self) -> Vec<String> {
        let has_children = |folder: &&Source| {
            let is_child = |source: &Source| source.module.len() > folder.module.len();
            self.sources.iter().any(|source| is_child(source) && source.module.starts_with(&folder.module))
        };
        let mut circles = Vec::new();
        for folder in self.sources.iter().filter(has_children) {
            let depth = folder.module.len();
            let inside = |source: &&Source| source.module.starts_with(&folder.module);
            let child = |source: &Source| source.module.get(depth).cloned().unwrap_or_else(|| "mod".to_owned());
            let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for source in self.sources.iter().filter(inside) {
                for (_, target) in self.imports(source).into_iter().filter(|(_, target)| inside(target)) {
                    if child(source) != child(target) {
                        edges.entry(child(source)).or_default().insert(child(target));
                    }
                }
            }
            if let Some(circle) = circle(&edges) {
                let name = if depth == 0 { "the root".to_owned() } else { folder.module.join("::") };
                circles.push(format!("{name}: {}", circle.join(" -> ")));
            }
        }
        circles
    }
}

/// A circle, if there is one: its nodes in order, the first again at the end.
fn circle(edges: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    fn walk<'a>(
        edges: &'a BTreeMap<String, BTreeSet<String>>,
        node: &'a String,
        way: &mut Vec<&'a String>,
        done: &mut BTreeSet<&'a String>,
    ) -> Option<Vec<String>> {
        if let Some(at) = way.iter().position(|before| *before == node) {
            return Some(way[at..].iter().copied().chain([node]).cloned().collect());
        }
        if done.contains(node) {
            return None;
        }
        way.push(node);
        let found =
            edges.get(node).and_then(|targets| targets.iter().find_map(|target| walk(edges, target, way, done)));
        way.pop();
        done.insert(node);
        found
    }
    let mut done = BTreeSet::new();
    edges.keys().find_map(|node| walk(edges, node, &mut Vec::new(), &mut done))
}
