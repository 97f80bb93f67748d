//! The presets of heartbeats.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use framelink_codec::notation::{Item, NotationError, Preset};
use framelink_template::Place;

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
        "pattern:'hex:000000100000001500000000{number:4,binary}',probe='4:4=hex:00000015',answer='hex:000000108000001500000000{request:12:4}',answered-by='4:4=hex:80000015|hex:80000000,12:4=request',by=both",
        "SMPP 3.4 section 4.11: enquire_link and enquire_link_resp or generic_nack, with the framing smpp; either side may send it",
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
    Preset::new(
        "iso8583",
        "pattern:'text:080082200000000000000400000000000000{utc:%m%d%H%M%S}{number:6}301',probe='0:36=text:080082200000000000000400000000000000,52:3=text:301',answer='text:081082200000020000000400000000000000{request:36:16}00301',answered-by='0:8=text:08108220,46:6=request'",
        "ISO 8583:1987 network management: 0800 and 0810 in ASCII with hex bitmaps, fields 7 (time), 11 (trace number), 39 (00) and 70 (301, echo test)",
    ),
    Preset::new(
        "kannel",
        "pattern:'hex:0000000000000000',probe='0:4=hex:00000000,len=8',by=client",
        "Kannel gw/msg-decl.h and gw/msg.c: the message heartbeat (type 0, load 0) of a box to bearerbox, every 30 s, with the framing net:4",
    ),
    Preset::new(
        "diameter",
        "pattern:'hex:01{length:3,binary,of=all}8000011800000000{number:4,binary}{random:4,binary}{part:host}0000010840{length:3,binary,of=host}{env:DIAMETER_ORIGIN_HOST}{end}{pad:4}{part:realm}0000012840{length:3,binary,of=realm}{env:DIAMETER_ORIGIN_REALM}{end}{pad:4}',probe='0:1=hex:01,4:4&80ffffff=hex:80000118',answer='hex:01{length:3,binary,of=all}0000011800000000{request:12:8}0000010c4000000c000007d1{part:host}0000010840{length:3,binary,of=host}{env:DIAMETER_ORIGIN_HOST}{end}{pad:4}{part:realm}0000012840{length:3,binary,of=realm}{env:DIAMETER_ORIGIN_REALM}{end}{pad:4}',answered-by='0:1=hex:01,4:4&80ffffff=hex:00000118,12:8=request',by=both",
        "RFC 6733 section 5.5: Device-Watchdog-Request and -Answer, with the framing diameter; the names of this node are the variables DIAMETER_ORIGIN_HOST and DIAMETER_ORIGIN_REALM",
    ),
];

/// The preset that also takes `code=DIGITS` and `at=OFFSET`: the code of the test, and where the peer's messages have it.
const WITH_CODE: &str = "iso8583";
/// Where our messages have the code, after the fields 7 and 11.
const CODE_AT: usize = 52;

/// Returns the notation of a preset with the options that only this preset takes, and the other options.
pub(super) fn expand<'t>(preset: &Preset, options: &[Item<'t>]) -> Result<(String, Vec<Item<'t>>), NotationError> {
    let (mut notation, mut others) = (preset.notation.to_owned(), Vec::new());
    for option in options {
        match option.name.text {
            "code" if preset.name == WITH_CODE => {
                let code = option.value("three digits")?;
                if code.text.len() != 3 || !code.text.bytes().all(|digit| digit.is_ascii_digit()) {
                    return Err(code.mismatch("a code of three digits, such as `301`"));
                }
                notation = notation.replace("301'", &format!("{}'", code.text));
            }
            "at" if preset.name == WITH_CODE => {
                let at = option.value("an offset")?.number(CODE_AT..=Place::MOST_OFFSET, "bytes before the code")?;
                // Fields of the peer between the trace number and the code have bits in the bitmaps.
                notation = notation
                    .replace("0:36=text:080082200000000000000400000000000000,52:3", &format!("0:4=text:0800,{at}:3"))
                    .replace("0:8=text:08108220", "0:4=text:0810");
            }
            _ => others.push(*option),
        }
    }
    Ok((notation, others))
}
