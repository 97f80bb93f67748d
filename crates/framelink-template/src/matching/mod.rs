//! What a message is expected to be.

mod holds;
mod matching;
mod mismatch;
mod parse;
mod request;
mod show;
mod test;

pub use matching::Match;
pub use mismatch::Mismatch;
