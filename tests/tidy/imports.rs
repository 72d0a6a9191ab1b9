//! Who imports whom, as the source says it: every file, the paths in its code, and the files that these paths lead to.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A file of a crate.
#[derive(Debug)]
pub struct Source {
    /// Where it is.
    pub path: PathBuf,
    /// Its module, from the root of its crate: `["net", "pen"]`. The root has no parts.
    pub module: Vec<String>,
    /// Whether it has modules below it: it is a `mod.rs` or a root.
    pub is_folder: bool,
    /// All of it.
    pub text: String,
}

impl Source {
    /// A file of the crate whose root is the file `root`.
    pub fn new(root: &Path, path: PathBuf, text: String) -> Self {
        let folder = root.parent().expect("the root is a file");
        let inside = path.strip_prefix(folder).expect("below the root").with_extension("");
        let mut module: Vec<_> = inside.iter().map(|part| part.to_str().expect("plain names").to_owned()).collect();
        let is_root = path == root;
        let is_folder = is_root || module.last().is_some_and(|last| last == "mod");
        if is_folder {
            module.pop();
        }
        Self { path, module, is_folder, text }
    }

    /// The code with the numbers of its lines, without comments and unit tests.
    pub fn code(&self) -> Vec<(usize, &str)> {
        let mut code = Vec::new();
        let mut lines = (1..).zip(self.text.lines()).peekable();
        while let Some((number, line)) = lines.next() {
            if line == "#[cfg(test)]" {
                // A module of its own file is one line; the tests in this file are its end.
                if lines.next().is_some_and(|(_, item)| item.ends_with(';')) {
                    continue;
                }
                break;
            }
            if !line.trim_start().starts_with("//") {
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

/// The paths that code names with a path from somewhere: `use` trees, one path for each leaf, and paths in other code.
/// Each comes with the number of its line.
pub fn paths(source: &Source) -> Vec<(usize, Vec<String>)> {
    let (mut found, mut statement) = (Vec::new(), None::<(usize, String)>);
    for (number, line) in source.code() {
        let begins = statement.is_none() && is_use(line);
        if begins {
            let (_, tree) = line.split_once("use ").expect("it was found");
            statement = Some((number, String::new()));
            statement.as_mut().expect("it was begun").1.push_str(tree);
        } else if let Some((_, text)) = &mut statement {
            text.push_str(line);
        } else {
            found.extend(inline(line).into_iter().map(|path| (number, path)));
        }
        if let Some((first, text)) = statement.take_if(|(_, text)| text.contains(';')) {
            let tree = text.split(';').next().expect("a first part");
            found.extend(leaves(tree).into_iter().map(|path| (first, path)));
        }
    }
    found
}

fn is_use(line: &str) -> bool {
    let line = line.trim_start();
    let line = line.strip_prefix("pub").map_or(line, |rest| rest.trim_start_matches(|c: char| "(): ".contains(c)));
    let line = line.split_once(") ").filter(|(scope, _)| !scope.contains(' ')).map_or(line, |(_, rest)| rest);
    line.starts_with("use ")
}

/// `a::{b, c::D}` is `a::b` and `a::c::D`.
fn leaves(tree: &str) -> Vec<Vec<String>> {
    let tree = tree.trim();
    let Some((head, body)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().expect("a first part");
        return vec![path.split("::").map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()];
    };
    let head: Vec<_> = head.split("::").map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let body = body.rsplit_once('}').expect("a closed tree").0;
    let (mut branches, mut depth, mut from) = (Vec::new(), 0, 0);
    for (at, c) in body.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                branches.push(&body[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    branches.push(&body[from..]);
    let branches = branches.into_iter().filter(|branch| !branch.trim().is_empty());
    let below = |branch| leaves(branch).into_iter().map(|leaf| [head.clone(), leaf].concat());
    branches.flat_map(below).collect()
}

/// The paths in a line that begin with `crate`, `super`, `self` or this crate's name.
fn inline(line: &str) -> Vec<Vec<String>> {
    let words = line.split(|c: char| !c.is_alphanumeric() && !"_:".contains(c));
    let paths = words.filter(|word| word.contains("::")).map(|word| word.split("::").map(str::to_owned).collect());
    let starts = ["crate", "super", "self", "peer_process"];
    paths.filter(|path: &Vec<String>| starts.contains(&path[0].as_str())).collect()
}

/// All files of one crate, and where their paths lead.
pub struct Crate {
    /// The files.
    pub sources: Vec<Source>,
    /// The files by their modules, as indexes.
    modules: BTreeMap<Vec<String>, usize>,
}

impl Crate {
    /// A crate of these files.
    pub fn new(sources: Vec<Source>) -> Self {
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
        let found = paths(source).into_iter().filter_map(|(line, path)| Some((line, self.target(source, &path, 8)?)));
        found.filter(|(_, target)| target.module != source.module).collect()
    }

    /// The file that a path leads to, also through what others publish under a name of their own.
    fn target(&self, from: &Source, path: &[String], depth: usize) -> Option<&Source> {
        let mut base = from.module.clone();
        let supers = path.iter().take_while(|part| *part == "super").count();
        match path.first()?.as_str() {
            "crate" => self.lead(Vec::new(), &path[1..], depth),
            "self" => self.lead(base, &path[1..], depth),
            "super" => {
                base.truncate(base.len().checked_sub(supers)?);
                self.lead(base, &path[supers..], depth)
            }
            child => {
                let is_child = self.modules.contains_key(&[&base[..], &[child.to_owned()]].concat());
                (from.is_folder && is_child).then(|| self.lead(base, path, depth))?
            }
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
        let (Some(name), true) = (rest.first(), found.is_folder && depth > 0) else { return Some(found) };
        let published = paths(found).into_iter().find(|(_, path)| path.last() == Some(name) && path.len() > 1);
        let Some((_, path)) = published else { return Some(found) };
        self.target(found, &path, depth - 1).or(Some(found))
    }

    /// The circles of imports among the files of each folder: `net: ending -> shared -> ending`.
    ///
    /// A folder in a folder counts as one file. A `mod.rs` may name what is beside it, and is not named by it.
    pub fn circles(&self) -> Vec<String> {
        let folders = self.sources.iter().filter(|source| source.is_folder);
        let mut circles = Vec::new();
        for folder in folders {
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
