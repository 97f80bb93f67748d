//! The program of `.ci/structure`.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const DRIVERS: &str = "crates/framelink-transport/src";
/// The most lines of each driver.
const MOST_LINES: [(&str, usize); 3] = [("tokio", 3750), ("blocking", 3500), ("nonblocking", 2000)];
/// The most lines of the whole workspace without its unit tests. The lines with unit tests are shown and have no limit.
/// The command `load` has about 4300 of them: a generator with its schedule, checks, search, report and plots.
/// The comparison with other servers has about 1300, and the ways of a message without a copy (borrowed messages, replies
/// in place, forwarding, shared writes) about 1700. TLS and the PROXY protocol have about 3000, the recording of a host
/// about 1200.
const MOST_LINES_WITHOUT_TESTS: usize = 83_500;
/// The longest run of equal lines that two files of drivers may share.
const MOST_SHARED: usize = 12;
/// The most files beside `lib.rs` or `main.rs`.
const MOST_LOOSE: usize = 6;
/// The crates whose modules import by module path.
const BY_MODULE: [&str; 4] = ["framelink", "framelink-profile", "framelink-session", "framelink-transport"];
/// Circles that are named for each crate, and runs that are named for each pair of files.
const MOST_NAMED: usize = 12;

fn main() -> ExitCode {
    let names_all = std::env::args().nth(1).is_some_and(|argument| argument == "--all");
    let mut verdicts = Verdicts::default();
    lines(&mut verdicts);
    shared_runs(&mut verdicts, names_all);
    loose_files(&mut verdicts);
    circles(&mut verdicts, names_all);
    if verdicts.broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[derive(Default)]
struct Verdicts {
    broken: usize,
}

impl Verdicts {
    /// A count and the most that it may be; the greatest number is no limit.
    fn row(&mut self, what: &str, count: usize, most: usize) {
        if most == usize::MAX {
            return println!("  {what:<60} {count:>6}");
        }
        let verdict = if count > most { "  TOO MANY" } else { "" };
        self.broken += usize::from(count > most);
        println!("  {what:<60} {count:>6}  at most {most:>6}{verdict}");
    }
}

fn lines(verdicts: &mut Verdicts) {
    println!("lines of Rust");
    for (driver, most) in MOST_LINES {
        let folder = Path::new(DRIVERS).join(driver);
        verdicts.row(driver, lines_under(&folder) + lines_of(&folder.with_extension("rs")), most);
    }
    let files: Vec<_> = crates().iter().flat_map(|folder| rust_files(&folder.join("src"))).collect();
    verdicts.row("the src of all crates", files.iter().map(|file| lines_of(file)).sum(), usize::MAX);
    let untested = files.iter().map(|file| lines_before_tests(file)).sum();
    verdicts.row("the src of all crates without its unit tests", untested, MOST_LINES_WITHOUT_TESTS);
}

/// The lines of a file that belong to no unit test.
fn lines_before_tests(file: &Path) -> usize {
    if file.iter().any(|part| part == "tests" || part == "tests.rs") {
        return 0;
    }
    let text = fs::read_to_string(file).unwrap_or_default();
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    first_test(&lines)
}

fn lines_under(folder: &Path) -> usize {
    rust_files(folder).iter().map(|file| lines_of(file)).sum()
}

fn lines_of(file: &Path) -> usize {
    fs::read_to_string(file).map_or(0, |text| text.lines().count())
}

fn loose_files(verdicts: &mut Verdicts) {
    println!("loose files beside lib.rs or main.rs");
    for folder in crates() {
        let files = fs::read_dir(folder.join("src")).into_iter().flatten().flatten().map(|entry| entry.path());
        let is_loose = |file: &PathBuf| file.extension().is_some_and(|kind| kind == "rs") && !is_root(file);
        verdicts.row(&name_of(&folder), files.filter(is_loose).count(), MOST_LOOSE);
    }
}

fn is_root(file: &Path) -> bool {
    file.ends_with("src/lib.rs") || file.ends_with("src/main.rs")
}

fn crates() -> Vec<PathBuf> {
    let mut crates: Vec<_> = fs::read_dir("crates").expect("a workspace").flatten().map(|entry| entry.path()).collect();
    crates.sort();
    crates
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

// ---- Runs of equal lines ----

/// A line that is compared, and its number in the file.
type Line = (usize, String);

/// Two files, and the longest runs that they share: how many lines, and where each run begins.
type Shared = BTreeMap<(usize, usize), Vec<(usize, usize, usize)>>;

fn shared_runs(verdicts: &mut Verdicts, names_all: bool) {
    println!("runs of equal lines that two files of drivers share");
    let files: Vec<_> =
        MOST_LINES.iter().flat_map(|(driver, _)| rust_files(&Path::new(DRIVERS).join(driver))).collect();
    let text = |file: &PathBuf| fs::read_to_string(file).unwrap_or_default();
    let lines: Vec<_> = files.iter().enumerate().map(|(at, file)| compared(at, &text(file))).collect();
    let shared = shared(&lines);
    let mut rows: Vec<_> =
        shared.iter().map(|(pair, runs)| (runs.iter().map(|run| run.0).sum::<usize>(), pair, runs)).collect();
    rows.sort_by(|one, other| other.cmp(one));
    let short = |file: usize| files[file].strip_prefix(DRIVERS).unwrap_or(&files[file]).display().to_string();
    for (_, (one, other), runs) in rows.iter().take(if names_all { usize::MAX } else { MOST_NAMED }) {
        let longest = runs.iter().map(|run| run.0).max().unwrap_or(0);
        println!("    {} and {}: {} runs, the longest of {longest} lines", short(*one), short(*other), runs.len());
        for (count, in_one, in_other) in runs.iter().filter(|_| names_all) {
            println!("      {count} lines from {in_one} and {in_other}");
        }
    }
    if !names_all && rows.len() > MOST_NAMED {
        println!("    and {} pairs more: --all names them", rows.len() - MOST_NAMED);
    }
    let lines: usize = rows.iter().map(|row| row.0).sum();
    verdicts.row(&format!("pairs with a run of more than {MOST_SHARED} lines ({lines} lines)"), rows.len(), 0);
}

fn shared(files: &[Vec<Line>]) -> Shared {
    let window = MOST_SHARED + 1;
    let mut places: HashMap<Vec<&str>, Vec<(usize, usize)>> = HashMap::new();
    for (file, lines) in files.iter().enumerate() {
        for (at, window) in lines.windows(window).enumerate() {
            places.entry(window.iter().map(|line| line.1.as_str()).collect()).or_default().push((file, at));
        }
    }
    // Windows that follow each other in both files are one run.
    let mut windows: BTreeMap<(usize, usize), BTreeSet<(usize, usize)>> = BTreeMap::new();
    for places in places.values() {
        for one in places {
            for other in places.iter().filter(|other| one.0 < other.0) {
                windows.entry((one.0, other.0)).or_default().insert((one.1, other.1));
            }
        }
    }
    let mut shared = Shared::new();
    for (pair, windows) in windows {
        for &(one, other) in &windows {
            if one > 0 && other > 0 && windows.contains(&(one - 1, other - 1)) {
                continue;
            }
            let more = (1..).take_while(|step| windows.contains(&(one + step, other + step))).count();
            let run = (window + more, files[pair.0][one].0, files[pair.1][other].0);
            shared.entry(pair).or_default().push(run);
        }
    }
    shared
}

/// The lines of a file without comments, imports, attributes and blank lines, and without the words in which drivers differ. A public
/// method of one expression equals nothing.
fn compared(file: usize, text: &str) -> Vec<Line> {
    let written: Vec<_> = text.lines().map(without_comment).collect();
    let mut compared = Vec::new();
    let mut at = 0;
    while at < written.len() {
        let line = written[at].trim();
        let end = if line.starts_with("#[") || line.starts_with("#![") {
            end_of_attribute(&written, at)
        } else if is_import(line) {
            end_of_import(&written, at)
        } else if let Some(end) = end_of_method(&written, at) {
            if is_one_expression(&written[at..end]) {
                compared.push((at + 1, format!("a method of one expression, {file}:{at}")));
            } else {
                compared.extend((at..end).map(|at| (at + 1, plain(&written[at]))).filter(|line| !line.1.is_empty()));
            }
            end
        } else {
            let plain = plain(line);
            compared.extend((!plain.is_empty()).then_some((at + 1, plain)));
            at + 1
        };
        at = end;
    }
    compared
}

fn end_of_attribute(lines: &[String], mut at: usize) -> usize {
    let mut open = 0;
    loop {
        open += balance(&lines[at], '[', ']');
        at += 1;
        if open <= 0 || at == lines.len() {
            return at;
        }
    }
}

fn end_of_import(lines: &[String], at: usize) -> usize {
    let last = lines[at..].iter().position(|line| line.ends_with(';'));
    last.map_or(lines.len(), |last| at + last + 1)
}

/// Behind the closing brace at the indent of a public method's first line.
fn end_of_method(lines: &[String], at: usize) -> Option<usize> {
    let first = &lines[at];
    if !is_public_method(first.trim()) {
        return None;
    }
    let indent = first.len() - first.trim_start().len();
    let is_last = |line: &String| line.len() - line.trim_start().len() == indent && line.ends_with(['}', ';']);
    lines[at..].iter().position(is_last).map(|last| at + last + 1)
}

fn is_import(line: &str) -> bool {
    let line = line.strip_prefix("pub").unwrap_or(line).trim_start();
    let line =
        if line.starts_with('(') { line.split_once(')').map_or("", |(_, rest)| rest).trim_start() } else { line };
    line.starts_with("use ")
}

fn is_public_method(line: &str) -> bool {
    let line = line.strip_prefix("pub ").unwrap_or_default();
    ["fn ", "async fn ", "const fn "].iter().any(|word| line.starts_with(word))
}

fn is_one_expression(method: &[String]) -> bool {
    let body = method.iter().position(|line| line.ends_with('{')).map_or(0, |at| at + 1);
    let words = ["match ", "if ", "loop ", "while ", "for ", "let "];
    let is_branching = |line: &String| words.iter().any(|word| line.trim().starts_with(word));
    let body = &method[body..];
    body.len() <= 7 && !body.iter().any(|line| line.ends_with(';') || is_branching(line))
}

/// Without the words in which the drivers differ.
fn plain(line: &str) -> String {
    let line = line.replace("async move ", "move ").replace("async ", "").replace(".await", "");
    line.replace("pub(super) ", "").replace("pub(crate) ", "").trim().to_owned()
}

fn without_comment(line: &str) -> String {
    let (mut is_text, mut before) = (false, ' ');
    for (at, char) in line.char_indices() {
        match char {
            '"' if before != '\\' && before != '\'' => is_text = !is_text,
            '/' if !is_text && line[at..].starts_with("//") => return line[..at].trim_end().to_owned(),
            _ => {}
        }
        before = if before == '\\' { ' ' } else { char };
    }
    line.trim_end().to_owned()
}

fn balance(line: &str, open: char, close: char) -> isize {
    let count = |wanted| line.chars().filter(|&char| char == wanted).count().cast_signed();
    count(open) - count(close)
}

// ---- Circles of imports ----

/// Names from the crate's root down to a module; none for the root.
type Module = Vec<String>;

struct Modules {
    /// The text of each module without its comments and its tests.
    sources: BTreeMap<Module, String>,
    /// What each module imports or re-exports, by the name that it has there.
    names: BTreeMap<Module, BTreeMap<String, Module>>,
}

fn circles(verdicts: &mut Verdicts, names_all: bool) {
    println!("circles of imports between modules (tests apart)");
    let mut through_root = Vec::new();
    for folder in crates() {
        let name = name_of(&folder);
        let (edges, imports) = Modules::read(&folder.join("src")).edges();
        let mut count = 0;
        for (parent, edges) in &edges {
            for circle in circles_of(edges) {
                count += 1;
                if count <= MOST_NAMED || names_all {
                    let place = if parent.is_empty() { "its root".to_owned() } else { parent.join("/") };
                    println!("    {name}, in {place}:");
                    for (from, to) in circle.iter().zip(circle.iter().cycle().skip(1)) {
                        println!("      {from} → {to}, by {}", edges[&(from.clone(), to.clone())]);
                    }
                }
            }
        }
        verdicts.row(&name, count, 0);
        through_root.push((name, imports));
    }
    println!("imports through a crate's root of an item whose module could be named");
    for (name, imports) in through_root {
        imports.iter().filter(|_| names_all).for_each(|import| println!("    {import}"));
        // In a small crate whose root is a list of all its items, either is right.
        let most = if BY_MODULE.contains(&name.as_str()) { 0 } else { usize::MAX };
        verdicts.row(&name, imports.len(), most);
    }
}

/// Which of the modules in one folder need which others, and an import that shows it.
type Edges = BTreeMap<(String, String), String>;

impl Modules {
    fn read(folder: &Path) -> Self {
        let mut sources = BTreeMap::new();
        for file in rust_files(folder) {
            let module = module_of(file.strip_prefix(folder).expect("a file of the folder"));
            if !module.iter().any(|name| name == "tests") {
                let text = fs::read_to_string(&file).unwrap_or_default();
                sources.entry(module).or_insert_with(String::new).push_str(&without_tests(&text));
            }
        }
        let mut modules = Self { names: BTreeMap::new(), sources };
        for (module, text) in &modules.sources {
            let mut names = BTreeMap::new();
            for path in imports(text) {
                if let (Some(name), Some(path)) = (path.name.clone(), modules.absolute(module, &path.path)) {
                    names.insert(name, path);
                }
            }
            modules.names.insert(module.clone(), names);
        }
        modules
    }

    /// A path from the root, where it leads into this crate.
    fn absolute(&self, of: &Module, path: &[String]) -> Option<Module> {
        let (first, rest) = path.split_first()?;
        let begin = match first.as_str() {
            "crate" | "$crate" => Vec::new(),
            "self" => of.clone(),
            "super" => of[..of.len().checked_sub(1)?].to_vec(),
            name => {
                let child = [of.as_slice(), &[name.to_owned()]].concat();
                let known = self.names.get(of).and_then(|names| names.get(name)).cloned();
                return Some(
                    [if self.sources.contains_key(&child) { child } else { known? }.as_slice(), rest].concat(),
                );
            }
        };
        let supers = rest.iter().take_while(|name| *name == "super").count();
        Some([&begin[..begin.len().checked_sub(supers)?], &rest[supers..]].concat())
    }

    /// The module in which an item stands that is named by a path from the root.
    fn module_of(&self, path: &[String], depth: usize) -> Module {
        let mut module = Module::new();
        for (at, name) in path.iter().enumerate() {
            let child = [module.as_slice(), std::slice::from_ref(name)].concat();
            if self.sources.contains_key(&child) {
                module = child;
                continue;
            }
            if let Some(known) = self.names.get(&module).and_then(|names| names.get(name))
                && depth < 8
                && known != path
            {
                return self.module_of(&[known.as_slice(), &path[at + 1..]].concat(), depth + 1);
            }
            break;
        }
        module
    }

    /// By the folder in which the modules lie; and the imports of items through the root.
    fn edges(&self) -> (BTreeMap<Module, Edges>, Vec<String>) {
        let (mut edges, mut through_root) = (BTreeMap::<Module, Edges>::new(), Vec::new());
        for (module, text) in &self.sources {
            let imported = imports(text).into_iter().map(|import| import.path);
            for path in imported.chain(inline_paths(text)).collect::<BTreeSet<_>>() {
                let Some(absolute) = self.absolute(module, &path) else { continue };
                let target = self.module_of(&absolute, 0);
                let is_crate = path[0] == "crate";
                if is_crate
                    && path.len() > 1
                    && !target.is_empty()
                    && !self.sources.contains_key(&absolute[..1].to_vec())
                {
                    through_root.push(format!(
                        "{} has {}, which is in {}",
                        module.join("/"),
                        path.join("::"),
                        target.join("/")
                    ));
                }
                let common = module.iter().zip(&target).take_while(|(one, other)| one == other).count();
                if common < module.len() && common < target.len() {
                    let edge = (module[common].clone(), target[common].clone());
                    let shown = format!("{} in {}", path.join("::"), module.join("/"));
                    edges.entry(module[..common].to_vec()).or_default().entry(edge).or_insert(shown);
                }
            }
        }
        (edges, through_root)
    }
}

fn module_of(file: &Path) -> Module {
    let mut names: Module = file.with_extension("").iter().map(|name| name.to_string_lossy().into_owned()).collect();
    if names.last().is_some_and(|name| ["mod", "lib", "main"].contains(&name.as_str())) {
        names.pop();
    }
    names
}

/// Without comments, text in quotes, and all from the first module of tests on.
fn without_tests(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(without_comment).collect();
    let code: Vec<_> = lines[..first_test(&lines)].iter().map(|line| without_text(line)).collect();
    code.join("\n")
}

/// The number of lines before the first module of tests.
fn first_test(lines: &[String]) -> usize {
    let is_tests = |pair: &[String]| {
        let of_tests = ["#[cfg(test)]", "#[cfg(all(test,"].iter().any(|start| pair[0].trim().starts_with(start));
        of_tests && pair[1].trim().starts_with("mod ") && pair[1].ends_with('{')
    };
    lines.windows(2).position(is_tests).unwrap_or(lines.len())
}

fn without_text(line: &str) -> String {
    line.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Import {
    path: Module,
    /// What the item is called here.
    name: Option<String>,
}

/// All that a text imports, one path each.
fn imports(text: &str) -> Vec<Import> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("use ") {
        let before = rest[..at].trim_end_matches(' ');
        let is_statement =
            before.is_empty() || before.ends_with(['\n', ';', '{', '}', ')', ']']) || before.ends_with("pub");
        rest = &rest[at + 4..];
        if is_statement && let Some(end) = rest.find(';') {
            expand(&rest[..end], &[], &mut found);
            rest = &rest[end..];
        }
    }
    found
}

/// Writes out the braces of an import.
fn expand(tree: &str, prefix: &[String], into: &mut Vec<Import>) {
    let tree = tree.trim();
    if let Some(open) = tree.find('{') {
        let prefix = [prefix, &segments(&tree[..open])].concat();
        let inner = tree[open + 1..].trim_end().trim_end_matches('}');
        let inner = if tree.trim_end().ends_with('}') { &tree[open + 1..tree.trim_end().len() - 1] } else { inner };
        let (mut depth, mut start) = (0, 0);
        for (at, char) in inner.char_indices() {
            match char {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    expand(&inner[start..at], &prefix, into);
                    start = at + 1;
                }
                _ => {}
            }
        }
        if !inner[start..].trim().is_empty() {
            expand(&inner[start..], &prefix, into);
        }
        return;
    }
    let (path, alias) =
        tree.split_once(" as ").map_or((tree, None), |(path, alias)| (path, Some(alias.trim().to_owned())));
    let mut path = [prefix, &segments(path)].concat();
    if path.len() > 1 && path.last().is_some_and(|name| name == "self") {
        path.pop();
    }
    let is_glob = path.last().is_some_and(|name| name == "*");
    if is_glob {
        path.pop();
    }
    let name = if is_glob { None } else { alias.or_else(|| path.last().cloned()) };
    if !path.is_empty() {
        into.push(Import { path, name });
    }
}

fn segments(path: &str) -> Vec<String> {
    path.split("::").map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Paths from `crate` or `super` in code.
fn inline_paths(text: &str) -> Vec<Module> {
    let mut found = Vec::new();
    for word in ["crate::", "super::"] {
        for (at, _) in text.match_indices(word) {
            let before = text[..at].chars().next_back().unwrap_or(' ');
            if before.is_alphanumeric() || before == '_' || before == ':' {
                continue;
            }
            let end = text[at..].find(|char: char| !(char.is_alphanumeric() || char == '_' || char == ':'));
            let path = segments(&text[at..end.map_or(text.len(), |end| at + end)]);
            if path.len() > 1 {
                found.push(path);
            }
        }
    }
    found
}

/// A shortest circle of each set of modules that need each other.
fn circles_of(edges: &Edges) -> Vec<Vec<String>> {
    let mut after: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (from, to) in edges.keys() {
        after.entry(from).or_default().insert(to);
    }
    let (mut circles, mut seen) = (Vec::new(), BTreeSet::new());
    for start in after.keys() {
        if let Some(circle) = circle_from(start, &after) {
            let mut members = circle.clone();
            members.sort();
            if seen.insert(members) {
                circles.push(circle);
            }
        }
    }
    circles
}

fn circle_from(start: &str, after: &BTreeMap<&str, BTreeSet<&str>>) -> Option<Vec<String>> {
    let (mut before, mut next) = (BTreeMap::<&str, &str>::new(), VecDeque::from([start]));
    while let Some(module) = next.pop_front() {
        for to in after.get(module).into_iter().flatten() {
            if *to == start {
                let mut circle = vec![module.to_owned()];
                while let Some(module) = before.get(circle[circle.len() - 1].as_str()) {
                    circle.push((*module).to_owned());
                }
                circle.reverse();
                return Some(circle);
            }
            if !before.contains_key(to) {
                before.insert(to, module);
                next.push_back(to);
            }
        }
    }
    None
}
