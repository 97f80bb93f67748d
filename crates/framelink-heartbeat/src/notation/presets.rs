//! The presets of heartbeats.

use framelink_codec::notation::Preset;

/// The heartbeats with a name.
///
/// ```
/// use framelink_heartbeat::{Heartbeat, PRESETS};
///
/// for preset in PRESETS {
///     assert_eq!(preset.name.parse::<Heartbeat>()?.to_string(), preset.notation);
/// }
/// # Ok::<(), framelink_codec::notation::NotationError>(())
/// ```
pub const PRESETS: &[Preset] = &[
    Preset::new(
        "smpp",
        "pattern:00000010000000150000000000000000,mark=4:00000015,answer=4:80000015,number=12:4,by=both",
        "SMPP 3.4 section 4.11: enquire_link and enquire_link_resp, with the framing smpp; either side may send it",
    ),
    Preset::new(
        "mqtt",
        "literal:c000..d000",
        "MQTT 3.1.1 sections 3.12 and 3.13: PINGREQ and PINGRESP, with the framing mqtt",
    ),
    Preset::new(
        "iec104",
        "literal:43000000..83000000,by=both,interval=20s,timeout=15s",
        "IEC 60870-5-104 section 5.2: TESTFR act and con after t3 of 20 s, answered within t1 of 15 s, with the framing iec104",
    ),
];
