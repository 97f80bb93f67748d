//! Profiles as the command line names them: a TOML file, or a template.

use std::fs;
use std::path::Path;
use std::time::Duration;

use framelink_transport::profile::{ExchangeKind, Side, Template, TomlError};
use framelink_transport::{Framing, Profile, ProfileBuilder, ProfileError};

use crate::failure::Failure;

/// What flags say instead of the profile.
#[derive(Debug, Default)]
pub(crate) struct Overrides {
    pub(crate) send: Option<Framing>,
    pub(crate) receive: Option<Framing>,
    pub(crate) reply_within: Option<Duration>,
}

impl Overrides {
    fn apply(&self, mut builder: ProfileBuilder) -> ProfileBuilder {
        if let Some(framing) = self.send {
            builder = builder.send_framing(framing);
        }
        if let Some(framing) = self.receive {
            builder = builder.receive_framing(framing);
        }
        if let Some(within) = self.reply_within {
            builder = builder.reply_timeout(within);
        }
        builder
    }
}

/// The profile of this name, with what the flags say. What is wrong with a file is a fault, with the flags bad usage.
pub(crate) fn load(name: &str, overrides: &Overrides) -> Result<Profile, Failure> {
    if is_file(name) { load_file(name, overrides) } else { load_template(name, overrides) }
}

/// Whether the side can use it for this at all.
pub(crate) fn fits(profile: &Profile, side: Side) -> Result<(), Failure> {
    let unfit = match (side, profile.exchange()) {
        (Side::Client, ExchangeKind::ReceiveOnly) => Some("the profile only receives, so there is nothing to send"),
        (Side::Server, ExchangeKind::SendOnly) => Some("the profile only sends, so there is nothing to answer"),
        _ => None,
    };
    match unfit {
        Some(reason) => Err(Failure::usage(reason)),
        None => profile.check_for(side).map_err(Failure::usage),
    }
}

/// A template's name is one, and so is what looks like no path and is not there.
fn is_file(name: &str) -> bool {
    Template::named(name).is_none() && (name.contains(['/', '\\', '.']) || Path::new(name).exists())
}

fn load_template(name: &str, overrides: &Overrides) -> Result<Profile, Failure> {
    let template = ProfileBuilder::new().template(name).map_err(|error| match error {
        ProfileError::Unreadable { error, .. } => {
            Failure::usage(format!("profile: {}, or a TOML file", error.message()))
        }
        error => Failure::usage(error),
    })?;
    overrides.apply(template).build().map_err(|error| match error {
        ProfileError::Missing { .. } => Failure::usage(format!("the template {name} needs --framing")),
        error => Failure::usage(error),
    })
}

fn load_file(name: &str, overrides: &Overrides) -> Result<Profile, Failure> {
    let text = fs::read_to_string(name).map_err(|error| Failure::fault(format!("{name}: {error}")))?;
    let builder = ProfileBuilder::from_toml(&text).map_err(|error| point_at(name, &text, &error))?;
    overrides.apply(builder).build().map_err(|error| match Profile::from_toml(&text) {
        // The file is wrong by itself, and knows where.
        Err(located) if located.profile_error() == Some(&error) => point_at(name, &text, &located),
        _ => Failure::usage(format!("{name}, with what the flags say: {error}")),
    })
}

/// The error, and below it the line with a mark under what is wrong.
fn point_at(name: &str, text: &str, error: &TomlError) -> Failure {
    let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
    // A tab is as wide in the line below.
    let before = line.chars().take(error.column().saturating_sub(1));
    let indent: String = before.map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    let mark = "^".repeat(error.len().max(1));
    Failure::fault(format!("{name}: {error}\n    {line}\n    {indent}{mark}"))
}
