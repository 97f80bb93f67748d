//! What a server owes a connection: replies to its requests, and messages that are pushed.

mod outbox;
mod replies;

pub use outbox::{Backlog, Offered, Outbox, PushCounts, SlowRule};
pub use replies::{Concurrency, Replies, ReplyOrder, ReplySlot};
