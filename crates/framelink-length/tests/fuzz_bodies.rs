//! The bodies of the fuzz targets hold on inputs that are alike at every run.

use framelink_codec::check;
use framelink_length::fuzz::{header, notation, round_trip};

/// Half of the bytes are small, so that lengths are often possible.
fn run(body: fn(&[u8])) {
    check::pseudo_random(20_000, |_, _, byte| if byte & 1 == 0 { byte % 11 } else { byte }, body);
}

#[test]
fn any_bytes_by_any_framing() {
    run(header);
}

#[test]
fn any_payloads_by_any_framing() {
    run(round_trip);
}

#[test]
fn any_text() {
    run(notation);
    for text in ["net:2", "ascii:4,max=9KiB", "tpkt,at=4", "net:2,", "bcd:10", "é:1", "net:2,mask=7fff"] {
        notation(text.as_bytes());
    }
}
