//! The commands, one file each.

pub(crate) mod bridge;
pub(crate) mod check;
pub(crate) mod demo;
pub(crate) mod hostile;
pub(crate) mod inspect;
pub(crate) mod listen;
#[cfg(feature = "load")]
pub(crate) mod load;
pub(crate) mod presets;
pub(crate) mod send;
pub(crate) mod serve;

use framelink_transport::tokio::ConnectError;

/// Returns why there is no connection. If the error has no address yet, the text names `to`.
fn connect_failed(to: &str, error: &ConnectError) -> String {
    match error {
        ConnectError::Resolve(error) => format!("resolving {to}: {error}"),
        ConnectError::NoAddress { .. } => format!("connecting to {to}: {error}"),
        _ => error.to_string(),
    }
}
