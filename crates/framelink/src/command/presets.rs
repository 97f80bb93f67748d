//! `framelink presets`: lists named framings and heartbeats.

use framelink_transport::{Preset, heartbeat, presets};

use crate::failure::Failure;
use crate::output::Output;

pub(crate) fn run() -> Result<(), Failure> {
    let framings: Vec<_> = presets().collect();
    let mut output = Output::new();
    output.line("Framings, for --framing; options may follow, as in tpkt,max=4KiB:")?;
    list(&mut output, &framings)?;
    output.line("\nHeartbeats, for --heartbeat; options may follow, as in smpp,interval=1m:")?;
    list(&mut output, heartbeat::PRESETS)?;
    output.flush()
}

/// Prints each name with its meaning, and below it the notation that it stands for.
fn list(output: &mut Output, presets: &[Preset]) -> Result<(), Failure> {
    for preset in presets {
        let Preset { name, notation, source, .. } = preset;
        output.line(format_args!("  {name:<11} {source}"))?;
        output.line(format_args!("  {:<11} {notation}", ""))?;
    }
    Ok(())
}
