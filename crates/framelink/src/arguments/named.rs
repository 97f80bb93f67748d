//! Profiles that have a name: the TOML files of a folder.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::output::bytes_text::Line;

/// The variable that names the folder.
const VARIABLE: &str = "FRAMELINK_PROFILES";
/// How many names an error lists.
const SHOWN: usize = 32;

/// The folder of the profiles that have a name. It may be missing.
#[derive(Debug)]
pub(crate) struct ProfileFolder(PathBuf);

impl ProfileFolder {
    /// Returns the folder that the environment names: `$FRAMELINK_PROFILES`, or else `framelink/profiles` in the folder of
    /// the user's settings. `None` if the environment has neither.
    pub(crate) fn of_environment() -> Option<Self> {
        Self::chosen(|name| env::var_os(name).filter(|value| !value.is_empty()))
    }

    fn chosen(variable: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        if let Some(folder) = variable(VARIABLE) {
            return Some(Self(folder.into()));
        }
        // A relative folder in this variable does not count, says the XDG Base Directory Specification.
        let settings = variable("XDG_CONFIG_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute());
        let settings = settings.or_else(|| Some(PathBuf::from(variable("HOME")?).join(".config")))?;
        Some(Self(settings.join("framelink").join("profiles")))
    }

    /// Returns the file of the profile with this name, if there is one.
    pub(crate) fn file_of(&self, name: &str) -> Option<PathBuf> {
        let path = self.0.join(format!("{name}.toml"));
        // If the system does not say whether the file exists, reading it says why.
        (!name.is_empty() && path.try_exists().unwrap_or(true)).then_some(path)
    }

    /// Returns the names in order. If the folder cannot be read, there are none.
    pub(crate) fn names(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(&self.0) else { return Vec::new() };
        let mut names: Vec<_> = entries.flatten().filter_map(|entry| name_of(&entry.path())).collect();
        names.sort();
        names
    }
}

fn name_of(path: &Path) -> Option<String> {
    let is_toml = path.extension().is_some_and(|extension| extension == "toml");
    let stem = path.file_stem()?.to_str()?;
    (is_toml && !is_path(stem)).then(|| stem.to_owned())
}

/// Returns whether this is a path and not a name.
pub(crate) fn is_path(name: &str) -> bool {
    name.contains(['/', '\\', '.'])
}

/// Says where the folder is, and which names it has.
impl fmt::Display for ProfileFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Line(self.0.as_os_str().as_encoded_bytes()))?;
        match fs::metadata(&self.0) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return f.write_str(", which does not exist"),
            Err(error) => return write!(f, ", which cannot be read: {error}"),
        }
        let names = self.names();
        if names.is_empty() {
            return f.write_str(", which has none");
        }
        let shown: Vec<_> = names.iter().take(SHOWN).map(|name| Line(name.as_bytes()).to_string()).collect();
        write!(f, ", which has {}", shown.join(", "))?;
        match names.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_the_folder() {
        let own = "/home/eve/.config/framelink/profiles";
        for (variables, folder) in [
            ("", None),
            ("HOME=/home/eve", Some(own)),
            ("HOME=/home/eve XDG_CONFIG_HOME=/etc/xdg", Some("/etc/xdg/framelink/profiles")),
            ("HOME=/home/eve XDG_CONFIG_HOME=relative", Some(own)),
            ("FRAMELINK_PROFILES=here XDG_CONFIG_HOME=/etc/xdg", Some("here")),
        ] {
            let pairs = variables.split(' ').filter_map(|pair| pair.split_once('='));
            let value = |name: &str| pairs.clone().find(|(known, _)| *known == name).map(|(_, value)| value.into());
            let chosen = ProfileFolder::chosen(value).map(|folder| folder.0);
            if cfg!(unix) {
                assert_eq!(chosen.as_deref(), folder.map(Path::new), "{variables:?}");
            }
        }
    }

    #[test]
    fn a_name_has_no_separators() {
        assert!(["a/b", "a\\b", "a.toml", "."].into_iter().all(is_path));
        assert!(!is_path("switch-2"));
        assert_eq!(name_of(Path::new("/x/switch.toml")).as_deref(), Some("switch"));
        assert_eq!(name_of(Path::new("/x/switch.v2.toml")), None);
        assert_eq!(name_of(Path::new("/x/switch.txt")), None);
    }
}
