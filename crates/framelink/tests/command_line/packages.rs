//! The metadata of each published crate, for crates.io and docs.rs.

use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// The categories of <https://crates.io/category_slugs> that fit here. crates.io drops unknown ones silently.
const CATEGORIES: &[&str] = &[
    "asynchronous",
    "command-line-utilities",
    "development-tools::debugging",
    "development-tools::testing",
    "encoding",
    "network-programming",
    "no-std",
    "no-std::no-alloc",
    "parser-implementations",
];

/// Returns the folder of each crate, or none if this package is not in the workspace.
fn crates() -> Vec<PathBuf> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folders = fs::read_dir(all).into_iter().flatten().flatten().map(|entry| entry.path());
    folders.filter(|folder| folder.join("src").is_dir() && folder.join("README.md").is_file()).collect()
}

fn manifest(folder: &Path) -> Table {
    let text = fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
    text.parse().expect("a manifest in TOML")
}

/// Returns a text of the package, its own or the one of the workspace.
fn text(package: &Table, key: &str) -> Option<String> {
    match package.get(key)? {
        Value::String(text) => Some(text.clone()),
        inherited => {
            assert_eq!(inherited.get("workspace"), Some(&Value::Boolean(true)), "{key}");
            let workspace = manifest(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."));
            Some(workspace["workspace"]["package"].get(key)?.as_str()?.to_owned())
        }
    }
}

fn texts(package: &Table, key: &str) -> Vec<String> {
    let list = package.get(key).and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

#[test]
fn each_crate_has_its_addresses_keywords_and_categories() {
    for folder in crates() {
        let manifest = manifest(&folder);
        let package = manifest["package"].as_table().expect("a package");
        let name = package["name"].as_str().expect("a name");
        for key in ["repository", "homepage", "documentation"] {
            let address = text(package, key);
            assert!(address.is_some_and(|address| address.starts_with("https://")), "{name}: {key}");
        }
        let keywords = texts(package, "keywords");
        assert!((1..=5).contains(&keywords.len()), "{name}: {keywords:?}");
        let is_fit = |word: &String| word.len() <= 20 && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        assert!(keywords.iter().all(is_fit), "{name}: {keywords:?}");
        let categories = texts(package, "categories");
        assert!((1..=5).contains(&categories.len()), "{name}: {categories:?}");
        assert!(categories.iter().all(|slug| CATEGORIES.contains(&&**slug)), "{name}: {categories:?}");
    }
}

#[test]
fn each_crate_points_to_the_one_changelog() {
    for folder in crates() {
        let readme = fs::read_to_string(folder.join("README.md")).expect("a README");
        assert!(readme.contains("/blob/main/CHANGELOG.md)"), "{}", folder.display());
        assert!(!folder.join("CHANGELOG.md").exists(), "{}: there is one for all", folder.display());
    }
}

#[test]
fn bodies_of_fuzz_targets_are_not_in_the_docs() {
    for folder in crates() {
        let Ok(root) = fs::read_to_string(folder.join("src/lib.rs")) else { continue };
        let lines: Vec<_> = root.lines().collect();
        for pair in lines.windows(2) {
            let is_hidden = !pair[1].starts_with("pub mod fuzz") || pair[0].starts_with("#[doc(hidden)]");
            assert!(is_hidden, "{}: {}", folder.display(), pair[1]);
        }
    }
}
