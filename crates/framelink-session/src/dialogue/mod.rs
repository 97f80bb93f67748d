//! What both sides exchange on a new connection before its first message.
//!
//! ```text
//!   preamble ─► first steps ─► greeting ─► sign-on ─► heartbeats and messages
//! ```

mod error;
mod kept;
mod machine;
mod relayed;
mod rules;
mod sign;
mod step;

pub use error::{DialogueError, DialoguePart, Unexpected};
pub use machine::{Ask, Dialogue, Heard};
pub use relayed::Relayed;
pub use rules::{DialogueRules, Greeting, Meanwhile};
pub use sign::{OnRefusal, Sign};
pub use step::{Cut, Step, StepFraming, StepMessage};
