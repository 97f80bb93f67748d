//! `framelink check`: explains a profile.

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
    if check.toml {
        output.line(profile.to_toml().trim_end())?;
    } else {
        output.line(profile.explain())?;
    }
    output.flush()
}
