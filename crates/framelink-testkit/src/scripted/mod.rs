//! A stream in memory that follows a script.

mod script;
mod step;
mod stream;
#[cfg(feature = "tokio")]
mod tokio;

pub use self::script::{Calls, Script};
pub use self::step::{ReadStep, WriteStep};
pub use self::stream::ScriptedStream;
