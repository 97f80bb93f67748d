//! Compares every public method of each role on each driver, as found in the sources, with a table. Each cell of the
//! table says that the method exists, or why it does not.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const DRIVERS: [&str; 3] = ["blocking", "nonblocking", "tokio"];

/// The public methods, by role and name, with the drivers that have them.
type Methods = BTreeMap<(String, String), BTreeSet<&'static str>>;

/// A file under `src`, and its lines without comments.
struct Source {
    path: PathBuf,
    lines: Vec<String>,
}

struct Sources {
    files: Vec<Source>,
    /// The lines that each of the project's macros expands to, in all its arms, by the macro's name.
    macros: BTreeMap<String, Vec<String>>,
}

impl Sources {
    fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut files = Vec::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let is_tests = path.file_stem().is_some_and(|name| name == "tests" || name == "fuzz");
                if path.is_dir() && !is_tests {
                    folders.push(path);
                } else if path.extension().is_some_and(|kind| kind == "rs") && !is_tests {
                    let text = fs::read_to_string(&path).unwrap();
                    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
                    let lines = lines.map(str::to_owned).collect();
                    files.push(Source { path: path.strip_prefix(&root).unwrap().to_owned(), lines });
                }
            }
        }
        let macros = files.iter().flat_map(macros_of).collect();
        Self { files, macros }
    }

    /// Returns the files of a driver, or the files outside of the drivers' folders.
    fn of(&self, driver: Option<&str>) -> impl Iterator<Item = &Source> {
        let driver_of = |source: &Source| DRIVERS.into_iter().find(|driver| source.path.starts_with(driver));
        self.files.iter().filter(move |source| driver_of(source) == driver)
    }

    /// Returns the public types of a driver, and whether each is defined outside of the driver's folder.
    fn roles(&self, driver: &str) -> BTreeMap<String, bool> {
        let module = self.of(Some(driver)).find(|source| source.path.ends_with("mod.rs")).unwrap();
        let root = self.of(None).find(|source| source.path == Path::new("lib.rs")).unwrap();
        let at_root: BTreeSet<_> = reexported(root).into_iter().map(|(_, name)| name).collect();
        let roles = reexported(module).into_iter().map(|(path, name)| (name, path.starts_with("crate::")));
        // A type that is also public at the crate's root is shared by all drivers.
        roles.filter(|(name, is_shared)| !(*is_shared && at_root.contains(name))).collect()
    }

    fn methods(&self) -> Methods {
        let mut methods = Methods::new();
        for driver in DRIVERS {
            for (role, is_shared) in self.roles(driver) {
                let mut found = self.methods_of(&role, self.of(Some(driver)));
                let is_alias = self.of(Some(driver)).any(|source| is_alias(source, &role));
                if is_shared || is_alias {
                    found.extend(self.methods_of(&role, self.of(None)));
                }
                for method in found {
                    methods.entry((role.clone(), method)).or_default().insert(driver);
                }
            }
        }
        methods
    }

    /// Returns the public methods in all `impl Role` of these files, and in the macros that are called inside them.
    fn methods_of<'a>(&self, role: &str, sources: impl Iterator<Item = &'a Source>) -> BTreeSet<String> {
        let mut methods = BTreeSet::new();
        for source in sources {
            let called = source.lines.iter().filter_map(|line| called_macro(line).filter(|_| indent(line) == 0));
            let made: Vec<_> = called.flat_map(|name| self.macro_lines(name)).collect();
            let lines: Vec<_> = source.lines.iter().chain(made).collect();
            for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.trim_start().starts_with("impl")) {
                // The bounds of an `impl` may take several lines.
                let head: String = lines[at..].iter().take(8).map(|line| line.trim_start()).collect();
                if implemented(head.split(" {").next().unwrap_or(line)) == Some(role) {
                    let is_end = |next: &&&String| next.trim() == "}" && indent(next) == indent(line);
                    let body = lines[at + 1..].iter().take_while(|next| !is_end(next)).copied();
                    self.collect(body, &mut methods, 0);
                }
            }
        }
        methods
    }

    /// Collects the public methods in these lines, and in the macros that are called there.
    fn collect<'a>(&self, lines: impl Iterator<Item = &'a String>, methods: &mut BTreeSet<String>, depth: usize) {
        for line in lines {
            let line = line.trim();
            if let Some(name) = public_method(line) {
                assert!(!name.starts_with('$'), "a macro whose methods' names are arguments cannot be read: {line}");
                methods.insert(name.to_owned());
            } else if let Some(name) = called_macro(line)
                && depth < 4
            {
                self.collect(self.macro_lines(name), methods, depth + 1);
            }
        }
    }

    /// Returns the lines of a macro of the project, or none for another name.
    fn macro_lines(&self, name: &str) -> impl Iterator<Item = &String> {
        self.macros.get(name).into_iter().flatten()
    }
}

/// Returns the path and the name of each `pub use`.
fn reexported(source: &Source) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for statement in source.lines.join(" ").split("pub use ").skip(1) {
        let statement = statement.split(';').next().unwrap();
        let (path, names) = statement.rsplit_once("::").unwrap_or(("", statement));
        let (path, names) = statement.split_once('{').unwrap_or((path, names));
        for name in names.trim_end_matches('}').split(',').map(str::trim).filter(|name| !name.is_empty()) {
            found.push((path.to_owned(), name.rsplit(" as ").next().unwrap().to_owned()));
        }
    }
    found
}

fn macros_of(source: &Source) -> impl Iterator<Item = (String, Vec<String>)> {
    source.lines.iter().enumerate().filter_map(|(at, line)| {
        let name = line.trim_start().strip_prefix("macro_rules! ")?.strip_suffix(" {")?;
        let is_end = |next: &&String| next.trim() == "}" && indent(next) == indent(line);
        let lines = source.lines[at + 1..].iter().take_while(|next| !is_end(next)).cloned();
        Some((name.to_owned(), lines.collect()))
    })
}

/// Returns the name of the macro that a line calls, or `None`.
fn called_macro(line: &str) -> Option<&str> {
    let (path, _) = line.trim_start().split_once('!')?;
    path.rsplit("::").next()
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Returns the type of an inherent `impl`, or `None`.
fn implemented(head: &str) -> Option<&str> {
    let head = head.split(" where").next()?;
    let mut rest = head.strip_prefix("impl")?;
    if rest.starts_with('<') {
        let mut depth = 0;
        let end = rest.char_indices().find(|(at, char)| {
            depth += i32::from(*char == '<') - i32::from(*char == '>' && !rest[..*at].ends_with('-'));
            depth == 0
        })?;
        rest = &rest[end.0 + 1..];
    }
    let rest = rest.trim_start();
    let is_trait = rest.contains(" for ");
    let name = rest.split(['<', ' ']).next()?.rsplit("::").next()?;
    (!is_trait).then_some(name)
}

/// Returns the name after `pub`, and after `const`, `async` or the macro variable for one of them.
fn public_method(line: &str) -> Option<&str> {
    let (qualifiers, method) = line.strip_prefix("pub ")?.split_once("fn ")?;
    let is_qualifier = |word: &str| ["const", "async"].contains(&word) || word.starts_with('$');
    qualifiers.split_whitespace().all(is_qualifier).then(|| method.split(['<', '(']).next())?
}

fn is_alias(source: &Source, role: &str) -> bool {
    let begin = format!("pub type {role}");
    source.lines.iter().any(|line| line.strip_prefix(&begin).is_some_and(|rest| rest.starts_with(['<', ' '])))
}

/// A cell of the table: `yes` or a reason, for each driver.
type Table<'a> = BTreeMap<(String, String), [&'a str; 3]>;

/// Parses the reasons and the rows of the table.
fn table(text: &str) -> (BTreeSet<&str>, Table<'_>) {
    let (mut reasons, mut rows, mut heading) = (BTreeSet::new(), Table::new(), "");
    for line in text.lines().skip(1).filter(|line| !line.is_empty()) {
        let words: Vec<_> = line.split_whitespace().collect();
        if !line.starts_with(' ') {
            heading = line;
        } else if heading == "reasons" {
            assert!(words.len() > 3 && reasons.insert(words[0]), "{line}");
        } else {
            let &[method, blocking, nonblocking, tokio] = &words[..] else { panic!("{line}") };
            let cells = [blocking, nonblocking, tokio];
            let before = rows.insert((heading.to_owned(), method.to_owned()), cells);
            assert!(before.is_none(), "twice: {heading}::{method}");
        }
    }
    (reasons, rows)
}

#[test]
fn each_role_has_the_methods_of_the_table_and_no_others() {
    let (reasons, table) = table(include_str!("methods.txt"));
    let methods = Sources::read().methods();
    let mut wrong = Vec::new();
    for (row @ (role, method), on) in &methods {
        let Some(cells) = table.get(row) else {
            wrong.push(format!("{role}::{method} is on {on:?}, and not in the table"));
            continue;
        };
        for (driver, cell) in DRIVERS.into_iter().zip(cells) {
            if on.contains(driver) != (*cell == "yes") {
                let has = if on.contains(driver) { "has it" } else { "does not have it" };
                wrong.push(format!("{driver} {has}: {role}::{method}, and the table says `{cell}`"));
            }
        }
    }
    for row in table.keys().filter(|row| !methods.contains_key(row)) {
        wrong.push(format!("{}::{} is in the table and on no driver", row.0, row.1));
    }
    assert!(wrong.is_empty(), "change the drivers or tests/parity/methods.txt:\n{}", wrong.join("\n"));
    let used: BTreeSet<_> = table.values().flatten().copied().filter(|cell| *cell != "yes").collect();
    assert_eq!(used, reasons, "every reason is explained and used");
    let cells = methods.values().map(BTreeSet::len).sum::<usize>();
    assert!(cells > 350, "only {cells} methods were found: this test does not understand the form of the sources");
}

#[test]
fn methods_are_found_in_every_form_of_source_text() {
    let heads = [
        ("impl Link {", Some("Link")),
        ("impl<C: Decode + Encode, S> super::Connection<C, S> {", Some("Connection")),
        ("impl<F: Fn(u8) -> Option<u8>> Pool<F> where F: Send {", Some("Pool")),
        ("impl<C> Debug for Caller<C> {", None),
    ];
    for (head, role) in heads {
        assert_eq!(implemented(head.trim_end_matches(" {")), role, "{head}");
    }
    let lines = [
        ("pub fn call(&self) {", Some("call")),
        ("pub const fn profile(&self) -> &Profile {", Some("profile")),
        ("pub async fn send<M: AsRef<[u8]>>(&self, message: M) {", Some("send")),
        ("pub $($async)? fn dial(&self) {", Some("dial")),
        ("pub(crate) fn inner(&self) {", None),
        ("fn with(self) {", None),
    ];
    for (line, method) in lines {
        assert_eq!(public_method(line), method, "{line}");
    }
}
