//! How long a connection stays open, and what ends it.

mod activity;
mod limits;
mod notice;

pub(crate) use activity::Activity;
pub use activity::{Tallied, Tally};
pub use limits::Lifetime;
pub(crate) use limits::Standing;
pub use notice::{Ending, Notice, NoticeStage};
