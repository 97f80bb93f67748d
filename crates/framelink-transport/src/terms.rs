//! What a profile says of each connection, from its first byte on.

use std::sync::Arc;

use framelink_codec::{Decode, Encode};

use crate::Profile;
use crate::profile::Side;
use crate::session::{Receiving, Sending};

/// Nothing, or what a profile says of the connections of one side.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terms(Option<(Arc<Profile>, Side)>);

impl Terms {
    pub(crate) const fn of(profile: Arc<Profile>, side: Side) -> Self {
        Self(Some((profile, side)))
    }

    pub(crate) fn apply<D: Decode, E: Encode>(&self, receiving: &mut Receiving<D>, sending: &mut Sending<E>) {
        let Some((profile, side)) = &self.0 else { return };
        sending.queue_preamble(profile.preamble().send());
        receiving.expect_preamble(profile.preamble().expect());
        sending.limit_queue(profile.limits().write_queue);
        if *side == Side::Server {
            receiving.limit_first(profile.timeouts().first_message);
            receiving.limit_frame(profile.timeouts().frame);
        }
    }
}
