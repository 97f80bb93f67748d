//! A stream in memory that does what a script says.

mod script;
mod step;
mod stream;
#[cfg(feature = "tokio")]
mod tokio;

pub use self::script::{Calls, Script};
pub use self::step::{ReadStep, WriteStep};
pub use self::stream::ScriptedStream;
