//! The bodies of the fuzz targets hold on inputs that are alike at every run.

use framelink_codec::check::any_steps;
#[cfg(feature = "tls")]
use framelink_transport::fuzz::tls;
use framelink_transport::fuzz::{admission, lending, proxy_header, upstream};

#[test]
fn any_steps_of_a_pool() {
    any_steps(100_000, lending);
}

#[test]
fn any_steps_of_an_admission() {
    any_steps(100_000, admission);
}

#[test]
fn any_bytes_of_a_proxy_header() {
    any_steps(200_000, proxy_header);
}

#[test]
fn any_steps_of_an_upstream() {
    any_steps(200_000, upstream);
}

#[cfg(feature = "tls")]
#[test]
fn any_bytes_in_a_tls_handshake() {
    any_steps(20_000, tls);
}
