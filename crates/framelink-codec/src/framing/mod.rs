//! What a framing is: how messages are cut out of bytes, and wrapped.

mod affix;
mod decode;
mod encode;
mod guess;

pub use affix::Affix;
pub use decode::{Decode, Decoded, End, EndedBy, Ends, Frame, Need};
pub use encode::{Encode, Envelope, ShortHead};
pub use guess::{Foreign, Guess, Reading};
