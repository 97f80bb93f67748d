//! Serving a connection while waiting for its one socket.

use std::future;
use std::time::Duration;

use framelink_codec::{Decode, Encode};

use super::{Connection, Served};
use crate::connection::ErrorOf;
use crate::driver::{plain, ready};
use crate::profile::Profile;
use crate::server::{
    Answer, HandlerResult, ServeInPlace, ServedOutcome, end_served, serve_in_place, serve_in_place_method,
    serve_in_turn, serve_method, served_connection,
};
use framelink_session::Message;

impl<C: Decode + Encode> Connection<C> {
    serve_method! {
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
        ready, A: Answer, serve_in_turn
    }

    serve_in_place_method!(ready, "nonblocking", "fn", "");

    /// Serves the connection with a handler that writes into the send queue, and closes it.
    async fn serve_in_place_to_end<H: HandlerResult>(
        &mut self,
        how: impl ServeInPlace<H>,
    ) -> ServedOutcome<ErrorOf<C>> {
        self.has_unseen |= self.mailbox.is_some();
        serve_in_place(self, how).await
    }
}

impl<C: Decode + Encode> Served<C> {
    /// Closes the connection in good order after [`TryRecv::Closed`](crate::TryRecv::Closed). Waits for the peer to
    /// close too, as long as the profile says. Returns how many requests were answered.
    ///
    /// # Errors
    /// When queued bytes could not be written in that time, and when the connection was reset.
    pub fn close(mut self, profile: &Profile) -> Result<u64, ErrorOf<C>> {
        let answered = self.answered();
        ready!(end_served(&mut self.connection, profile, answered, Ok(()))).into_answered()
    }
}

served_connection!(plain, limit => flush_within(limit), |connection: &mut Self, step| future::ready(connection.served(step)));
