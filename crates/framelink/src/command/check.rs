//! `framelink check`: explains a profile.

use framelink_transport::Profile;
#[cfg(feature = "tls")]
use framelink_transport::tls::explain_files;

use crate::arguments::Check;
use crate::arguments::profile::{Overrides, load};
use crate::failure::Failure;
use crate::output::Output;

pub(crate) fn run(check: &Check) -> Result<(), Failure> {
    let liveness = check.liveness.clone();
    let overrides = Overrides {
        send: check.framing,
        receive: check.framing,
        liveness,
        sets: check.sets.clone(),
        ..Overrides::default()
    };
    let profile = load(&check.profile, &overrides)?;
    let mut output = Output::new();
    let read = if check.toml {
        output.line(profile.to_toml().trim_end())
    } else {
        output.line(profile.explain())?;
        files(&profile, &mut output)
    };
    // What could be read is printed before the fault of a file.
    output.flush().and(read)
}

/// Prints what is in the files of TLS.
#[cfg(feature = "tls")]
#[expect(clippy::disallowed_types, reason = "certificates end at a time of day")]
fn files(profile: &Profile, output: &mut Output) -> Result<(), Failure> {
    let Some(tls) = profile.tls() else { return Ok(()) };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let lines = explain_files(tls, now).map_err(Failure::fault)?;
    lines.into_iter().try_for_each(|(label, text)| output.line(format_args!("{label:<12} {text}")))
}

#[cfg(not(feature = "tls"))]
#[expect(clippy::unnecessary_wraps, reason = "with TLS it can fail")]
fn files(_: &Profile, _: &mut Output) -> Result<(), Failure> {
    Ok(())
}
