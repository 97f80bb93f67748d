//! Readers and writers of messages on a stream.

mod buffer;
#[cfg(feature = "std")]
mod reader;
#[cfg(feature = "std")]
mod writer;

pub use buffer::ReadBuffer;
#[cfg(feature = "std")]
pub use reader::{FrameReader, ReadError, read_message};
#[cfg(feature = "std")]
pub use writer::{FrameWriter, WriteError, write_message};
