//! Loads profiles: a TOML file, a template or a name, with the options that replace parts of it.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use framelink_codec::notation::Token;
use framelink_transport::profile::{
    ConnectionKind, Duplex, ExchangeKind, Reach, ReplyRule, Side, Simplex, TEMPLATES, Template, TomlError,
};
use framelink_transport::{Framing, FramingPair, Profile, ProfileBuilder, ProfileError};

use crate::arguments::Calls;
use crate::arguments::limits::Limits;
use crate::arguments::liveness::Liveness;
use crate::arguments::named::{ProfileFolder, is_path};
use crate::arguments::set::Sets;
use crate::arguments::values::Addresses;
use crate::failure::Failure;
use crate::output::bytes_text::Line;

/// The options that replace parts of a profile.
#[derive(Debug, Default)]
pub(crate) struct Overrides {
    pub(crate) send: Option<Framing>,
    pub(crate) receive: Option<Framing>,
    pub(crate) reply_within: Option<Duration>,
    pub(crate) connect_within: Option<Duration>,
    pub(crate) calls: Calls,
    pub(crate) liveness: Liveness,
    pub(crate) sets: Sets,
    /// The TOML that a profile starts from if it is built from options alone.
    pub(crate) start: String,
    pub(crate) limits: Limits,
    /// The rules of a server, in place of those of the profile.
    pub(crate) replies: Option<Vec<ReplyRule>>,
}

impl Overrides {
    /// Reads a TOML text, with the keys of `--set` in it.
    fn builder(&self, text: &str) -> Result<ProfileBuilder, Failure> {
        let text = self.sets.in_toml(text, self.calls.connection).map_err(Failure::usage)?;
        let flag = self.sets.flag();
        ProfileBuilder::from_toml(&text).map_err(|error| Failure::usage(format!("{flag}: {}", error.message())))
    }

    fn apply(&self, mut builder: ProfileBuilder) -> ProfileBuilder {
        tell! { builder:
            self.send => send_framing,
            self.receive => receive_framing,
            self.reply_within => reply_timeout,
            // `--set timeouts.connect` takes precedence over an option about all times.
            self.connect_within.filter(|_| !self.sets.say("timeouts.connect")) => connect_timeout,
            self.calls.connection.filter(|_| !self.sets.are_said()) => connection,
            self.calls.reply_rule.clone() => reply_rule,
            self.replies.clone() => server_replies,
        }
        self.limits.apply(self.liveness.apply(builder)).map_exchange(|exchange| self.calls.exchange_from(exchange))
    }

    /// Builds a profile from options alone.
    pub(crate) fn profile(&self) -> Result<Profile, Failure> {
        if let (Some(send), Some(receive)) = (self.send, self.receive) {
            self.liveness.check(FramingPair { send, receive }, self.sets.heartbeat_flag())?;
        }
        self.apply(self.builder(&self.start)?).build().map_err(Failure::usage)
    }
}

impl Calls {
    /// Returns whether any of the options is given.
    pub(crate) const fn are_said(&self) -> bool {
        self.exchange.is_some() || self.connection.is_some() || self.are_many() || self.has_pair()
    }

    const fn are_many(&self) -> bool {
        self.key.is_some() || self.assign.is_some() || self.reply_rule.is_some() || self.in_flight.is_some()
    }

    const fn has_pair(&self) -> bool {
        self.receive_from.is_some() || self.receive_at.is_some()
    }

    /// Returns the exchange that the options name or imply, or else `before`.
    fn exchange_from(&self, before: ExchangeKind) -> ExchangeKind {
        let mut exchange = self.exchange.unwrap_or(before);
        let is_shared = matches!(self.connection, Some(ConnectionKind::Shared(_)));
        if self.exchange.is_none() {
            exchange = match exchange {
                ExchangeKind::Simplex(_) => exchange,
                _ if self.has_pair() => Simplex::new(exchange.duplex().unwrap_or_default()).into(),
                ExchangeKind::Sync if self.are_many() || is_shared => Duplex::new().into(),
                _ => exchange,
            };
        }
        let calls = |mut duplex: Duplex| {
            duplex.key = self.key.or(duplex.key);
            duplex.assigned = self.assign.or(duplex.assigned);
            duplex.in_flight = self.in_flight.unwrap_or(duplex.in_flight);
            duplex
        };
        match exchange {
            ExchangeKind::Duplex(duplex) => calls(duplex).into(),
            ExchangeKind::Simplex(mut simplex) => {
                simplex.calls = calls(simplex.calls);
                if self.has_pair() {
                    simplex.receive = if self.receive_at.is_some() { Reach::Accept } else { Reach::Dial };
                }
                simplex.into()
            }
            other => other,
        }
    }

    /// Refuses options that do not fit the exchange.
    pub(crate) fn check(&self, exchange: ExchangeKind) -> Result<(), Failure> {
        let is_simplex = matches!(exchange, ExchangeKind::Simplex(_));
        match () {
            () if self.are_many() && exchange.duplex().is_none() => Err(Failure::usage(format!(
                "--key, --assign, --reply-rule and --in-flight are about many messages in flight, and the exchange is {}",
                exchange.name()
            ))),
            () if self.has_pair() && !is_simplex => Err(Failure::usage(format!(
                "--receive-from and --receive-at are for a pair of connections, and the exchange is {}",
                exchange.name()
            ))),
            () if is_simplex && !self.has_pair() => Err(Failure::usage(
                "simplex needs the address of the connection to receive on: --receive-from ADDR to dial it, or --receive-at \
                 ADDR to wait for the peer there",
            )),
            () => Ok(()),
        }
    }
}

/// Loads the profile with this name, and applies the options. An error of the file is a fault, of an option bad usage.
pub(crate) fn load(name: &str, overrides: &Overrides) -> Result<Profile, Failure> {
    if Template::named(name).is_some() {
        return load_template(name, overrides);
    }
    // A folder in the working directory is no profile, and does not hide a name.
    let is_here = || Path::new(name).exists() && !Path::new(name).is_dir();
    if is_path(name) || is_here() {
        return load_file(Path::new(name), overrides);
    }
    let folder = ProfileFolder::of_environment();
    match folder.as_ref().and_then(|folder| folder.file_of(name)) {
        Some(file) => load_file(&file, overrides),
        None => Err(unknown(name, folder.as_ref())),
    }
}

/// Returns the addresses that an option names, or else those of the profile. `missing` says how to give one.
pub(crate) fn peer_of(
    said: Option<&Addresses>,
    profile: Option<&Profile>,
    missing: &str,
) -> Result<Addresses, Failure> {
    let of_profile = || profile.filter(|profile| !profile.addresses().is_empty()).map(Addresses::of);
    said.cloned().or_else(of_profile).ok_or_else(|| Failure::usage(missing))
}

/// Returns the address of `--listen`, or else of the profile.
pub(crate) fn listen_at(said: Option<&String>, profile: Option<&Profile>) -> Result<String, Failure> {
    let of_profile = || profile.and_then(Profile::listen).map(ToString::to_string);
    said.cloned().or_else(of_profile).ok_or_else(|| {
        Failure::usage("the address is missing: give --listen ADDR, or a profile that has `listen = \"ADDR\"`")
    })
}

/// Warns if a lost reply can make later replies answer the wrong requests.
pub(crate) fn warn_of_mismatch(profile: &Profile) {
    if let Some(caution) = profile.mismatch_caution() {
        tracing::warn!("careful: {caution}");
    }
}

/// Refuses a profile that this side cannot use.
pub(crate) fn fits(profile: &Profile, side: Side) -> Result<(), Failure> {
    let unfit = match (side, profile.exchange()) {
        (Side::Client, ExchangeKind::ReceiveOnly) => Some("the profile only receives, so there is nothing to send"),
        (Side::Server, ExchangeKind::SendOnly) => Some("the profile only sends, so there is nothing to answer"),
        (Side::Server, ExchangeKind::Simplex(_)) => Some(
            "the profile has a connection for each direction, but a server replies on the connection of the request",
        ),
        _ => None,
    };
    match unfit {
        Some(reason) => Err(Failure::usage(reason)),
        None => profile.check_for(side).map_err(Failure::usage),
    }
}

/// Returns the error for a name that no template and no profile of the folder has.
fn unknown(name: &str, folder: Option<&ProfileFolder>) -> Failure {
    let templates: Vec<_> = TEMPLATES.iter().map(|template| template.name).collect();
    let named = folder.map(ProfileFolder::names).unwrap_or_default();
    let expected = format!("one of {}", templates.join(", "));
    let known = templates.into_iter().chain(named.iter().map(String::as_str));
    let error = Token { text: name, column: 1 }.unknown(&expected, known);
    let folder = folder.map_or_else(|| "the folder FRAMELINK_PROFILES".to_owned(), ToString::to_string);
    Failure::usage(format!(
        "profile: {} (a profile is a template, a TOML file, or a name from {folder})",
        error.message()
    ))
}

fn load_template(name: &str, overrides: &Overrides) -> Result<Profile, Failure> {
    let template = overrides.builder(&format!("template = \"{name}\""))?;
    overrides.apply(template).build().map_err(|error| match error {
        ProfileError::Missing { .. } => Failure::usage(format!("the template {name} needs --framing")),
        error => Failure::usage(error),
    })
}

fn load_file(path: &Path, overrides: &Overrides) -> Result<Profile, Failure> {
    let text = read_file(path)?;
    let shown = Line(path.as_os_str().as_encoded_bytes());
    let at = |error: &TomlError| Failure::fault(format!("{shown}: {error}"));
    let mut builder = ProfileBuilder::from_toml(&text).map_err(|error| at(&error))?;
    if overrides.sets.are_said() {
        // An error in the file itself is already reported.
        builder = overrides.builder(&text)?;
    }
    overrides.apply(builder).build().map_err(|error| match Profile::from_toml(&text) {
        // The file is wrong without the options too, and this error has a position.
        Err(located) if located.profile_error() == Some(&error) => at(&located),
        _ => Failure::usage(format!("{shown}, with the options that were given: {error}")),
    })
}

/// The largest profile: 1 MiB.
const MOST_BYTES: u64 = 1024 * 1024;

/// Reads a file as text. It may be the wrong file, so its size is limited, and an error repeats nothing of it.
fn read_file(path: &Path) -> Result<String, Failure> {
    let shown = Line(path.as_os_str().as_encoded_bytes());
    let cannot = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::IsADirectory | io::ErrorKind::PermissionDenied => {
            Failure::usage(format!("{shown}: {error}"))
        }
        _ => Failure::fault(format!("{shown}: {error}")),
    };
    let mut text = Vec::new();
    File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut text)).map_err(cannot)?;
    if text.len() as u64 > MOST_BYTES {
        return Err(Failure::fault(format!("{shown}: the file is larger than 1MiB, the limit for a profile")));
    }
    String::from_utf8(text).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        Failure::fault(format!("{shown}: the file is not UTF-8 text, from byte {offset} on"))
    })
}
