//! How long a connection stays, and what tells it to end.

mod activity;
mod notice;
mod tenure;

pub(crate) use activity::Activity;
pub use activity::{Tallied, Tally};
pub use notice::{Ending, Notice, Stage};
pub(crate) use tenure::Standing;
pub use tenure::Tenure;
