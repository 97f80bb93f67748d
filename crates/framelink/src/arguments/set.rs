//! Single keys of a profile as options.

use std::str::FromStr;

use crate::arguments::{MESSAGES, PEER};
use clap::Args;
use framelink_transport::profile::ConnectionKind;
use toml::{Table, Value};

/// Keys that replace those of the profile.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Sets {
    /// Use TLS: `on`, or keys of `[tls]` in the profile, such as roots=ca.pem,server-name=a.example.
    ///
    /// A server needs certificate=FILE,key=FILE. client-certificates=required,roots=FILE asks clients for theirs.
    #[arg(long, value_name = "WORDS", value_parser = tls_words, help_heading = PEER)]
    pub(crate) tls: Option<Words>,

    /// Use the PROXY protocol: v1 or v2 to send a header, accept or accept=NETWORK to require one; repeatable.
    ///
    /// accept takes headers from the networks of the profile, or else from this machine.
    #[arg(long, value_name = "WORD", value_parser = proxy_word, help_heading = PEER)]
    pub(crate) proxy: Vec<Words>,

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
    /// Whether a value that the profile has stays.
    is_default: bool,
}

/// The keys that the words of an option stand for.
#[derive(Clone, Debug)]
pub(crate) struct Words(Vec<Set>);

impl Sets {
    pub(crate) const fn said_by(flag: &'static str, sets: Vec<Set>) -> Self {
        Self { sets, tls: None, proxy: Vec::new(), flag: Some(flag) }
    }

    /// Uses TLS and the PROXY protocol as these words say.
    pub(crate) fn with(self, tls: Option<Words>, proxy: Vec<Words>) -> Self {
        Self { tls, proxy, ..self }
    }

    /// Returns the words about headers that are sent, or about those that are accepted.
    pub(crate) fn proxy_words(&self, is_sent: bool) -> Vec<Words> {
        self.proxy.iter().filter(|words| words.sends() == is_sent).cloned().collect()
    }

    pub(crate) fn flag(&self) -> &'static str {
        self.flag.unwrap_or("--set")
    }

    /// Returns the name of the heartbeat option for these connections.
    pub(crate) fn heartbeat_flag(&self) -> &'static str {
        if self.flag() == "--to-set" { "--to-heartbeat" } else { "--heartbeat" }
    }

    pub(crate) const fn are_said(&self) -> bool {
        !self.sets.is_empty() || self.tls.is_some() || !self.proxy.is_empty()
    }

    /// Returns all keys, first those of options.
    fn all(&self) -> impl Iterator<Item = &Set> {
        self.tls.iter().chain(&self.proxy).flat_map(|words| &words.0).chain(&self.sets)
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
        for set in self.all() {
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
        if !self.is_default || !table.contains_key(last) {
            table.insert(last.clone(), self.value.clone());
        }
    }

    /// A key that has this value unless the profile says otherwise.
    fn default(path: &[&str], value: Value) -> Self {
        Self { path: path.iter().map(|&name| name.to_owned()).collect(), value, is_default: true }
    }

    /// A key with one word or file; some keys of `[tls]` are lists.
    fn list(mut self) -> Self {
        const LISTS: [&str; 4] = ["alpn", "allow-names", "allow-sha256", "accept-from"];
        if self.path.last().is_some_and(|name| LISTS.contains(&&**name)) && !self.value.is_array() {
            self.value = Value::Array(vec![self.value]);
        }
        self
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
        Ok(Self { path, value, is_default: false })
    }
}

impl Words {
    /// Returns whether the words are about a header that is sent.
    fn sends(&self) -> bool {
        self.0.iter().any(|set| set.path.last().is_some_and(|name| name == "send"))
    }
}

/// Reads the words of `--tls`.
pub(crate) fn tls_words(text: &str) -> Result<Words, String> {
    // An empty table is TLS with all defaults.
    let mut sets = vec![Set::default(&["tls"], Value::Table(Table::new()))];
    for word in text.split(',').filter(|word| *word != "on") {
        let expected =
            || format!("expected `on`, or KEY=VALUE with commas between them, such as roots=ca.pem, found `{word}`");
        let set: Set = format!("tls.{word}").parse().map_err(|_| expected())?;
        sets.push(set.list());
    }
    Ok(Words(sets))
}

/// Reads a word of `--proxy`.
pub(crate) fn proxy_word(text: &str) -> Result<Words, String> {
    let networks = |networks: &[&str]| Value::Array(networks.iter().map(|&network| network.into()).collect());
    let set = match text {
        "v1" | "v2" => format!("proxy-protocol.send={text}").parse::<Set>()?,
        "accept" => Set::default(&["proxy-protocol", "accept-from"], networks(&["127.0.0.0/8", "::1"])),
        _ => match text.strip_prefix("accept=") {
            Some(network) => {
                Set { is_default: false, ..Set::default(&["proxy-protocol", "accept-from"], networks(&[network])) }
            }
            None => return Err("expected one of v1, v2, accept, accept=NETWORK".to_owned()),
        },
    };
    Ok(Words(vec![set]))
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
    fn words_stand_for_keys() {
        let merged = |text: &str, tls: &str, proxy: &[&str]| {
            let proxy = proxy.iter().map(|word| proxy_word(word).unwrap()).collect();
            let sets = Sets::said_by("--set", Vec::new()).with(Some(tls_words(tls).unwrap()), proxy);
            sets.in_toml(text, None).unwrap().trim_end().to_owned()
        };
        assert_eq!(merged("", "on", &[]), "[tls]");
        assert_eq!(merged("tls.key = 'a'", "on,certificate=b", &[]), "[tls]\ncertificate = \"b\"\nkey = \"a\"");
        assert_eq!(merged("", "alpn=echo", &[]), "[tls]\nalpn = [\"echo\"]");
        let of_profile = "[proxy-protocol]\naccept-from = [\"10.0.0.0/8\"]\n\n[tls]";
        assert_eq!(merged("proxy-protocol.accept-from = ['10.0.0.0/8']", "on", &["accept"]), of_profile);
        assert_eq!(merged("", "on", &["accept=10.0.0.0/8"]), of_profile);
        assert_eq!(merged("", "on", &["v2"]), "[proxy-protocol]\nsend = \"v2\"\n\n[tls]");
        assert!(tls_words("yes").unwrap_err().contains("found `yes`"));
        assert!(proxy_word("v3").unwrap_err().contains("one of v1, v2, accept"));
    }

    #[test]
    fn wrong_keys_are_refused() {
        for wrong in ["", "a", "=1", "a..b=1", "a b=1", "[a]=1", "a.=1"] {
            assert!(wrong.parse::<Set>().unwrap_err().starts_with("expected KEY=VALUE"), "{wrong}");
        }
    }
}
