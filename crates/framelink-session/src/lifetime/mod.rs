//! How long a connection stays, and what tells it to end.

mod activity;
mod notice;
mod tally;
mod tenure;

pub(crate) use activity::Activity;
pub use notice::{Notice, Stage};
pub use tally::{Tallied, Tally};
pub(crate) use tenure::Standing;
pub use tenure::{Ending, Tenure};
