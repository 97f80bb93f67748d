//! A connection that is served as a profile says.

use std::time::Duration;

use framelink_codec::{Decode, Encode};

use super::{Connection, Served};
use crate::drive;
use crate::error::Operation;
use crate::profile::Side;
use crate::{Answer, Error, Message, Profile};

/// As good as for ever.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 86400);

impl<C: Decode + Encode> Connection<C> {
    /// Answers the messages of a client, as a profile says, until it ends: each with what `answer` says, or with nothing. A short
    /// connection has one. How many were answered.
    ///
    /// All of it in this thread, one after the other. What is pushed to the connection does not go out: that takes
    /// [`serve_many`](Self::serve_many).
    ///
    /// ```no_run
    /// # fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::Arc;
    /// use framelink_transport::{Framing, Profile, nonblocking::Listener};
    ///
    /// let profile = Arc::new(Profile::template("short-sync", "ascii:4".parse::<Framing>()?)?);
    /// let mut listener = Listener::bind_profile("0.0.0.0:7000", &profile)?;
    /// while let Some(connection) = listener.try_accept()? {
    ///     let profile = Arc::clone(&profile);
    ///     std::thread::spawn(move || connection.serve(&profile, |message| Some(message.to_vec())));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When something came that is no message, when a message began too late or took too long, when an answer could not be
    /// sent in time, when `answer` panicked or [failed](Answer), when the connection failed, and when its time was over
    /// ([`Cause::Ended`](crate::Cause::Ended): it was closed in good order then).
    pub fn serve<A: Answer>(
        mut self,
        profile: &Profile,
        answer: impl FnMut(Message) -> A,
    ) -> Result<u64, Error<<C as Decode>::Error, <C as Encode>::Error>> {
        self.session.receiving.take_requests(true);
        let mut answered = 0;
        match self.answer_all(profile, answer, &mut answered) {
            Ok(()) => self.end_served(profile).map(|()| answered),
            Err(error) if drive::ends_in_order(error.cause()) => {
                // What was answered before is not to be destroyed by a reset.
                let _ = self.close(profile.timeouts().close);
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    fn answer_all<A: Answer>(
        &mut self,
        profile: &Profile,
        mut answer: impl FnMut(Message) -> A,
        answered: &mut u64,
    ) -> Result<(), Error<<C as Decode>::Error, <C as Encode>::Error>> {
        let timeouts = profile.timeouts();
        // A preamble goes out though nothing was asked.
        self.flush_within(timeouts.write)?;
        while let Some(message) = self.recv_within(FOREVER)?.into_message() {
            let reply = drive::answered(|| answer(message));
            if let Some(reply) = reply.map_err(|cause| self.error(Operation::Serve, cause))? {
                self.send_within(&reply, timeouts.write)?;
            }
            *answered += 1;
            self.session.sending.on_answered(*answered, drive::Clock::now(&self.clock));
            if profile.connection().short().is_some() {
                break;
            }
        }
        Ok(())
    }

    /// Whoever closes first does, and the other follows.
    fn end_served(mut self, profile: &Profile) -> Result<(), Error<<C as Decode>::Error, <C as Encode>::Error>> {
        let close = profile.timeouts().close;
        self.session.receiving.take_requests(false);
        if profile.connection().short().is_some_and(|short| short.closes == Side::Client) {
            // Whatever comes instead of the end is taken by the close.
            match self.recv_within(close) {
                Err(error) if drive::is_lost(error.cause()) => return Err(error),
                _ => {}
            }
        }
        self.close(close).map(drop)
    }
}

impl<C: Decode + Encode> Served<C> {
    /// Closes the connection in good order, as the profile says: for after [`TryRecv::Closed`](crate::TryRecv::Closed). How many
    /// requests were answered.
    ///
    /// It waits for the peer to close too, so long as the profile says.
    ///
    /// # Errors
    /// When what was queued could not be written in that time, and when the connection was reset.
    pub fn close(self, profile: &Profile) -> Result<u64, Error<<C as Decode>::Error, <C as Encode>::Error>> {
        let answered = self.answered();
        self.connection.end_served(profile)?;
        Ok(answered)
    }
}
