//! What a server owes a connection: replies to requests, and pushed messages.

mod outbox;
mod replies;
mod rules;

pub use outbox::{Backlog, Offered, Outbox, PushCounts, SlowRule};
pub use replies::{Concurrency, Replies, ReplyOrder, ReplySlot};
pub use rules::{LastBytes, ReplyFault, ReplyHeader, ReplyRule, ReplyRules, RuledReply};
