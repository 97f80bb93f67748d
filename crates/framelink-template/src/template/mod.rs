//! Messages that a program composes.

mod compose;
mod error;
mod example;
mod inputs;
mod parse;
mod part;
mod show;
mod template;
mod time;

pub use error::ComposeError;
pub use inputs::Inputs;
pub use part::NumberField;
pub use template::Template;
