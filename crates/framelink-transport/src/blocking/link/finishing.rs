//! Closing several connections of a link side by side.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::member::Member;
use crate::blocking::port::SLICE;
use crate::error::Cause;
use crate::profile::Sign;

/// A connection whose sign-off, or the end of whose side, is still to be written.
struct Finishing<'m> {
    member: &'m Member,
    /// The message to sign off with, until it is accepted.
    sign_off: Option<&'m Sign>,
}

/// Signs off and ends our side of all connections, and waits until their peers have ended theirs, for `within` at most. A connection
/// that has not ended by then is given up.
///
/// One thread writes to all of them in turn, so that a peer that does not read holds up no other connection, and so that closing needs
/// no thread that the system might not have.
pub(super) fn finish_all(members: &[Arc<Member>], within: Duration) {
    let began = Instant::now();
    let left = || within.saturating_sub(began.elapsed());
    members.iter().for_each(|member| member.tenancy.vacate());
    let mut all: Vec<_> = members.iter().map(|member| Finishing::new(member)).collect();
    // What the sockets take at once leaves before any of them is waited for.
    let mut slice = Duration::ZERO;
    loop {
        all.retain_mut(|finishing| !finishing.advance(slice.min(left())));
        if all.is_empty() || left().is_zero() {
            break;
        }
        slice = SLICE;
    }
    for member in members {
        member.tenancy.wait_until_over(left());
    }
    members.iter().for_each(|member| member.caller.abort());
}

impl<'m> Finishing<'m> {
    fn new(member: &'m Member) -> Self {
        Self { member, sign_off: member.sign_off() }
    }

    /// Writes what the socket takes in that time. True when our side has ended, or the connection has failed.
    fn advance(&mut self, slice: Duration) -> bool {
        let caller = &self.member.caller;
        if let Some(sign) = self.sign_off {
            match caller.send_with_outcome(sign.send(), slice) {
                Err(failed) if matches!(failed.error().cause(), Cause::NoRoom { .. }) => return false,
                // What is left of it is written together with the end.
                _ => self.sign_off = None,
            }
        }
        match caller.finish_within(slice) {
            Err(error) => !matches!(error.cause(), Cause::NoRoom { .. } | Cause::TimedOut { .. }),
            Ok(()) => true,
        }
    }
}
