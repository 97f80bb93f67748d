//! A connection that is served as a profile says.

use std::time::Duration;

use framelink_codec::{Decode, Encode};

use super::Connection;
use crate::profile::Side;
use crate::{Cause, Error, Message, Profile};

/// As good as for ever.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 86400);

impl<C: Decode + Encode> Connection<C> {
    /// Answers the messages of a client, as a profile says, until it ends: each with what `answer` says, or with nothing. A short
    /// connection has one. How many were answered.
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
    /// sent in time, and when the connection failed.
    pub fn serve(
        mut self,
        profile: &Profile,
        mut answer: impl FnMut(Message) -> Option<Vec<u8>>,
    ) -> Result<u64, Error<<C as Decode>::Error, <C as Encode>::Error>> {
        let timeouts = profile.timeouts();
        let short = profile.connection().short();
        let mut answered = 0;
        // A preamble goes out though nothing was asked.
        self.flush_within(timeouts.write)?;
        while let Some(message) = self.recv_within(FOREVER)?.into_message() {
            if let Some(reply) = answer(message) {
                self.send_within(&reply, timeouts.write)?;
            }
            answered += 1;
            if short.is_some() {
                break;
            }
        }
        if short.is_some_and(|short| short.closes == Side::Client) {
            // Whatever comes instead of the end is taken by the close.
            match self.recv_within(timeouts.close) {
                Err(error) if matches!(error.cause(), Cause::Reset(_) | Cause::Io(_)) => return Err(error),
                _ => {}
            }
        }
        self.close(timeouts.close)?;
        Ok(answered)
    }
}
