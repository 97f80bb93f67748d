//! The bodies of the fuzz targets hold on inputs that are alike at every run.

use framelink_codec::check;
use framelink_profile::fuzz::notation;
#[cfg(feature = "toml")]
use framelink_profile::fuzz::profile;

#[cfg(feature = "toml")]
#[test]
fn any_profile() {
    check::pseudo_random(20_000, |_, _, byte| byte, profile);
    for text in ["", "framing = 'line'", "framing = 'é'", "framing = [", "\n\nx = 1\r\n", "template = 'long-sync'"] {
        profile(text.as_bytes());
    }
    profile(b"template = 'short-until-close'\n[timeouts]\nreply = '8s'\n[socket]\nlinger = 'reset'");
}

#[test]
fn any_text() {
    check::pseudo_random(20_000, |_, _, byte| byte, notation);
    for text in ["net:2", "ascii:4,max=9KiB", "tpkt,at=4", "line,lf", "mllp,max=0", "quiet:90s", "net:2,", "é:1"] {
        notation(text.as_bytes());
    }
}
