//! One file per command.

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

/// Why there is no connection, with the name that was given where the error knows no address yet.
fn connect_failed(to: &str, error: &ConnectError) -> String {
    match error {
        ConnectError::Resolve(error) => format!("resolving {to}: {error}"),
        ConnectError::NoAddress { .. } => format!("connecting to {to}: {error}"),
        _ => error.to_string(),
    }
}
