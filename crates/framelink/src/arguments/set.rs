//! Single keys of a profile as options.

use std::str::FromStr;

use crate::arguments::MESSAGES;
use clap::Args;
use framelink_transport::profile::ConnectionKind;
use toml::{Table, Value};

/// Keys that replace those of the profile.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Sets {
    /// Set any key of a profile, such as limits.connections=50 or timeouts.idle=5m; repeatable.
    #[arg(long = "set", value_name = "KEY=VALUE", help_heading = MESSAGES)]
    pub(crate) sets: Vec<Set>,

    /// The name of the option, if it is not `--set`.
    #[arg(skip)]
    flag: Option<&'static str>,
}

/// One key and its value.
#[derive(Clone, Debug)]
pub(crate) struct Set {
    path: Vec<String>,
    value: Value,
}

impl Sets {
    pub(crate) const fn said_by(flag: &'static str, sets: Vec<Set>) -> Self {
        Self { sets, flag: Some(flag) }
    }

    pub(crate) fn flag(&self) -> &'static str {
        self.flag.unwrap_or("--set")
    }

    /// Returns the name of the heartbeat option for these connections.
    pub(crate) fn heartbeat_flag(&self) -> &'static str {
        if self.flag() == "--to-set" { "--to-heartbeat" } else { "--heartbeat" }
    }

    pub(crate) const fn are_said(&self) -> bool {
        !self.sets.is_empty()
    }

    /// Returns whether this key is set.
    pub(crate) fn say(&self, key: &str) -> bool {
        self.sets.iter().any(|set| set.path.iter().map(String::as_str).eq(key.split('.')))
    }

    /// Returns the TOML text with these keys set. The kind of connection goes first: keys may add to it.
    pub(crate) fn in_toml(&self, text: &str, connection: Option<ConnectionKind>) -> Result<String, toml::de::Error> {
        let mut table: Table = toml::from_str(text)?;
        if let Some(connection) = connection {
            table.insert("connection".to_owned(), Value::Table(table_of(connection)));
        }
        for set in &self.sets {
            set.put(&mut table);
        }
        Ok(table.to_string())
    }
}

/// Returns the table for a kind of connection that an option has set.
fn table_of(connection: ConnectionKind) -> Table {
    let mut table = Table::from_iter([("kind".to_owned(), Value::String(connection.name().to_owned()))]);
    let count = match connection {
        ConnectionKind::Shared(_) => "connections",
        ConnectionKind::Pooled(_) => "max",
        _ => return table,
    };
    table.insert(count.to_owned(), Value::Integer(connection.count().into()));
    table
}

impl Set {
    /// Sets the key. If a word stands in place of the table of the key, the word becomes the `kind` of that table.
    fn put(&self, table: &mut Table) {
        let Some((last, tables)) = self.path.split_last() else { return };
        let mut table = table;
        for name in tables {
            let inner = table.entry(name).or_insert_with(|| Value::Table(Table::new()));
            if let Value::String(word) = inner {
                let kind = Table::from_iter([("kind".to_owned(), Value::String(word.clone()))]);
                *inner = Value::Table(kind);
            }
            if !inner.is_table() {
                // The reader of the TOML reports that a table does not belong here.
                *inner = Value::Table(Table::new());
            }
            let Value::Table(inner) = inner else { return };
            table = inner;
        }
        table.insert(last.clone(), self.value.clone());
    }
}

impl FromStr for Set {
    type Err = String;

    /// Reads KEY=VALUE. Numbers and words become strings, which all keys accept: `timeouts.idle=5m`,
    /// `sign-on=text:0800`.
    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "expected KEY=VALUE, such as limits.connections=50".to_owned();
        let (key, value) = text.split_once('=').ok_or_else(expected)?;
        let path: Vec<_> = key.trim().split('.').map(str::to_owned).collect();
        let is_bare =
            |name: &String| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if !path.iter().all(is_bare) {
            return Err(expected());
        }
        let parsed = toml::from_str::<Table>(&format!("value = {value}")).ok();
        let parsed = parsed.filter(|table| table.len() == 1).and_then(|mut table| table.remove("value"));
        let value = match parsed {
            Some(typed @ (Value::Boolean(_) | Value::Array(_) | Value::Table(_) | Value::String(_))) => typed,
            _ => Value::String(value.to_owned()),
        };
        Ok(Self { path, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(text: &str, sets: &[&str]) -> String {
        let sets = sets.iter().map(|set| set.parse().unwrap()).collect();
        Sets::said_by("--set", sets).in_toml(text, None).unwrap().trim_end().to_owned()
    }

    #[test]
    fn keys_are_added_and_replaced() {
        for (text, sets, merged_text) in [
            ("", &["limits.connections=50"][..], "[limits]\nconnections = \"50\""),
            ("framing = 'line'", &["framing=ascii:4"], "framing = \"ascii:4\""),
            ("timeouts.idle = '1m'", &["timeouts.idle=5m"], "[timeouts]\nidle = \"5m\""),
            ("connection = 'pooled'", &["connection.max=2"], "[connection]\nkind = \"pooled\"\nmax = \"2\""),
            ("", &["connection.replace=true", "connection.replace=false"], "[connection]\nreplace = false"),
            ("", &["access.allow=[\"10.0.0.0/8\"]"], "[access]\nallow = [\"10.0.0.0/8\"]"),
            ("", &["sign-on=\"text:0800\""], "sign-on = \"text:0800\""),
            ("", &["sign-on=text:0800"], "sign-on = \"text:0800\""),
            ("access.allow = ['::1']", &["access.allow.x=1"], "[access.allow]\nx = \"1\""),
            ("", &["a=1\nb=2"], "a = \"\"\"\n1\nb=2\"\"\""),
        ] {
            assert_eq!(merged(text, sets), merged_text, "{text} {sets:?}");
        }
    }

    #[test]
    fn wrong_keys_are_refused() {
        for wrong in ["", "a", "=1", "a..b=1", "a b=1", "[a]=1", "a.=1"] {
            assert!(wrong.parse::<Set>().unwrap_err().starts_with("expected KEY=VALUE"), "{wrong}");
        }
    }
}
