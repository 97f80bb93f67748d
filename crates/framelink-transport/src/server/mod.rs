//! Serving connections, and servers of many connections, whatever the driver.
//!
//! ```text
//!   ServerControl, run    accept, admit, drain, count: over ServerListener
//!     │
//!   ServedMachine         one connection in one task or loop     in_turn    one request after the other in one thread
//!     │                                                    in_place   a handler that writes into the send queue
//!     ├─ ServedRequests   which request is read, when it is handled
//!     └─ ServedOutput     replies, and pushed messages between them
//!   end_served            the close
//! ```

mod answer;
mod control;
mod drain;
mod ending;
mod guard;
mod in_place;
mod in_turn;
mod methods;
mod output;
mod pause;
mod requests;
mod rules;
mod run;
mod served;
mod service;
mod stats;
mod step_clock;
#[cfg(test)]
mod tests;

pub use answer::{Answer, HandlerResult};
pub(crate) use control::ServerControl;
pub(crate) use ending::{ServedConnection, ServedOutcome, end_served, open_served, served_connection};
pub(crate) use guard::ServedGuard;
pub(crate) use in_place::{ServeInPlace, WrittenReply, serve_in_place};
pub(crate) use in_turn::{handled, serve_in_turn};
pub(crate) use methods::{join_method, run_server, serve_in_place_method, serve_many_method, serve_method, server};
pub(crate) use output::ServedOutput;
pub(crate) use requests::{NextRequest, PlacedRequest, ServedRequests};
pub use rules::{RuleHandler, RuledAnswer};
pub(crate) use run::{ServerListener, run};
pub(crate) use served::{Handled, KEPT_FOR, ServedMachine};
pub(crate) use service::Service;
pub use stats::{ClosedCounts, DrainReport, ServerCounts};
pub(crate) use step_clock::StepClock;
