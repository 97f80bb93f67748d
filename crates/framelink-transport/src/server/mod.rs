//! Serving connections, and servers of many connections, whatever the driver.
//!
//! ```text
//!   ServerRules, run      accept, admit, drain, count: over ServerDriver
//!     │
//!   ServedMachine         one connection in one task or loop     in_turn    one request after the other in one thread
//!     ├─ ServedRequests   which request is read, when it is handled
//!     └─ ServedOutput     replies, and pushed messages between them
//!   end_served            the close
//! ```

mod ending;
mod output;
mod read_ahead;
mod requests;

#[cfg(any(feature = "blocking", feature = "tokio"))]
mod control;
#[cfg(any(feature = "blocking", feature = "tokio"))]
mod drain;
#[cfg(any(feature = "blocking", feature = "tokio"))]
mod guard;
#[cfg(any(feature = "blocking", all(feature = "nonblocking", unix)))]
mod in_turn;
#[cfg(any(feature = "blocking", feature = "tokio", feature = "nonblocking"))]
mod methods;
#[cfg(any(feature = "blocking", feature = "tokio"))]
mod rules;
#[cfg(any(feature = "blocking", feature = "tokio"))]
mod run;
#[cfg(any(feature = "nonblocking", feature = "tokio"))]
mod served;
#[cfg(any(feature = "blocking", feature = "tokio"))]
mod stats;
#[cfg(test)]
#[cfg(any(feature = "blocking", feature = "tokio", feature = "nonblocking"))]
mod tests;

#[cfg(any(feature = "blocking", feature = "tokio"))]
pub(crate) use control::ServerControl;
#[cfg(any(feature = "blocking", feature = "tokio"))]
pub use drain::DrainReport;
#[cfg(any(feature = "blocking", feature = "tokio"))]
pub(crate) use ending::ServedOutcome;
#[cfg(any(feature = "blocking", feature = "tokio", feature = "nonblocking"))]
pub(crate) use ending::{ErrorOf, ServedConnection, end_served};
#[cfg(any(feature = "blocking", all(feature = "nonblocking", unix)))]
pub(crate) use in_turn::{InTurnConnection, in_turn_connection, serve_in_turn};
#[cfg(any(feature = "blocking", feature = "tokio", feature = "nonblocking"))]
pub(crate) use methods::join_method;
#[cfg(any(feature = "blocking", feature = "tokio", all(feature = "nonblocking", unix)))]
pub(crate) use methods::serve_method;
#[cfg(any(feature = "blocking", feature = "tokio"))]
pub(crate) use methods::{serve_many_method, server_debug, server_handle_methods, server_methods};
#[cfg(any(feature = "blocking", feature = "tokio"))]
pub(crate) use requests::PlacedRequest;
#[cfg(any(feature = "blocking", feature = "tokio"))]
pub(crate) use rules::ServerRules;
#[cfg(any(feature = "blocking", feature = "tokio"))]
pub(crate) use run::{ServerDriver, run, server_driver_methods};
#[cfg(any(feature = "nonblocking", feature = "tokio"))]
pub(crate) use served::ServedMachine;
#[cfg(any(feature = "blocking", feature = "tokio"))]
pub use stats::{ClosedCounts, ServerCounts};
#[cfg(feature = "blocking")]
pub(crate) use {in_turn::handled, output::ServedOutput, requests::ServedRequests};
