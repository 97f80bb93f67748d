//! What every connection has, and the rules that follow from that.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use framelink_codec::{Decode, Encode, Ends};

use super::{CallErrorOf, CauseOf, ErrorOf, ends_reading};
use crate::drive::{self, Call, Came, Clock as _, Close, CloseReport, Delivery, LayersBox, Port, Wants};
use crate::error::{CallError, Cause, Error, Operation};
use crate::profile::ExchangeKind;
use crate::session::{self, Exchange, Matching, Message, Receiving, Sending, Sent};

/// The progress of an operation: done, or what to wait for.
pub(crate) type Step<T, E> = Result<Result<T, Wants>, E>;

/// The deadline has passed.
pub(crate) struct Elapsed;

/// The session of a connection.
pub(crate) struct Parts<'p, C: Decode + Encode> {
    pub(crate) receiving: &'p mut Receiving<Arc<C>>,
    pub(crate) sending: &'p mut Sending<Arc<C>>,
    pub(crate) exchange: &'p mut Exchange,
}

/// The session and the open socket of a connection.
pub(crate) type Open<'p, C, P, K> = drive::Open<'p, Arc<C>, Arc<C>, P, K>;

type OpenOf<'p, E, P> = Open<'p, <E as SessionParts>::Codec, P, <E as SessionParts>::Clock>;

/// A connection with a session, on any kind of socket.
pub(crate) trait SessionParts {
    type Codec: Decode + Encode;
    type Clock: drive::Clock + Copy;

    fn parts(&mut self) -> Parts<'_, Self::Codec>;
    fn receiving(&self) -> &Receiving<Arc<Self::Codec>>;
    fn sending(&self) -> &Sending<Arc<Self::Codec>>;
    fn exchange_state(&self) -> &Exchange;

    fn clock(&self) -> Self::Clock;
    fn peer(&self) -> Option<SocketAddr>;

    /// Returns whether the socket is open in both directions.
    fn has_socket(&self) -> bool;

    /// Closes the socket: nothing more is sent or received.
    fn close_socket(&mut self);

    /// Closes the reading side: nothing more is received.
    fn close_reading(&mut self);

    /// Uses `clock` from now on, so that two connections that share their heartbeats count time alike.
    fn count_like(&mut self, clock: Self::Clock);

    /// Returns the layers between socket and session that received bytes pass, if there are any.
    fn layers(&self) -> Option<&LayersBox> {
        None
    }

    /// Returns whether there is a PROXY protocol header or a TLS handshake that is not over.
    #[inline]
    fn is_shaking_hands(&self) -> bool {
        self.layers().is_some_and(|layers| layers.handshake_until().is_some())
    }

    /// Returns whether a PROXY protocol header is awaited, which has the address of the client.
    fn owes_header(&self) -> bool {
        self.layers().is_some_and(|layers| !layers.is_tls_handshake())
    }

    /// Returns whether something has to be exchanged before the first message.
    fn owes_opening(&self) -> bool {
        self.receiving().dialogue().is_some() || self.is_shaking_hands()
    }

    /// Returns whether a call is in flight whose reply another operation receives (`poll_reply`).
    fn is_calling(&self) -> bool {
        false
    }

    /// Checks that messages may be sent and received.
    #[inline]
    fn check(&self, operation: Operation) -> Result<(), ErrorOf<Self::Codec>> {
        if self.is_calling() {
            return Err(self.error(operation, Cause::UnderWay));
        }
        self.exchange_state().check().map_err(|unclean| self.error(operation, Cause::Unclean(unclean)))
    }

    fn error(&self, operation: Operation, cause: CauseOf<Self::Codec>) -> ErrorOf<Self::Codec> {
        Error::new(operation, self.peer(), cause)
    }

    fn call_error(&self, sent: Sent, cause: CauseOf<Self::Codec>) -> CallErrorOf<Self::Codec> {
        CallError::new(sent, self.error(Operation::Call, cause))
    }

    /// Builds the error of a failed receive, and closes the reading side if nothing more can be received.
    fn receive_failed(&mut self, cause: CauseOf<Self::Codec>) -> ErrorOf<Self::Codec> {
        if ends_reading(&cause) {
            self.close_reading();
        }
        self.error(Operation::Receive, cause)
    }

    fn timed_out(&self, after: Duration) -> CauseOf<Self::Codec> {
        let unwritten_bytes = self.sending().queued_len();
        Cause::TimedOut { after, unwritten_bytes, unfinished: self.receiving().unfinished() }
    }
}

/// The connection of a driver, with its socket.
pub(crate) trait Endpoint: SessionParts {
    /// How the socket may wait: the task to wake, a deadline for a blocking wait, or nothing for no wait.
    type Wait<'w>;

    /// Whether reads wait for data.
    const READS_WAIT: bool = false;

    /// The value of `Wait` for operations that do not wait.
    const AT_ONCE: Self::Wait<'static>;

    /// Opens the session with its socket. Fails with [`Cause::Closed`] after the connection was closed on this side.
    fn open<'p, 'w: 'p>(
        &'p mut self,
        wait: Self::Wait<'w>,
    ) -> Result<OpenOf<'p, Self, impl Port>, CauseOf<Self::Codec>>;

    /// The value of `Wait` for a look at the socket without waiting for the peer. A blocking socket may take a moment.
    fn briefly(&self) -> Self::Wait<'static> {
        Self::AT_ONCE
    }

    /// Returns whether the connection has ended since its last use. With `is_heard` false, messages are discarded.
    fn look_for_end(&mut self, is_heard: bool) -> bool {
        self.open(Self::AT_ONCE).and_then(|mut open| open.inbound(true).has_ended(is_heard)).unwrap_or(true)
    }

    /// Receives as far as the socket allows, and writes what is due meanwhile.
    #[inline]
    fn attend<M: Delivery>(&mut self, wait: Self::Wait<'_>) -> Result<Came<M>, ErrorOf<Self::Codec>> {
        attend(self, wait)
    }

    /// Returns the next message that has been read already, unless there is something to do first.
    #[inline]
    fn at_hand<M: Delivery>(&mut self) -> Option<M> {
        if !self.has_socket() || self.sending().owes_beat() {
            return None;
        }
        drive::at_hand(self.parts().receiving, Self::READS_WAIT)
    }

    /// Returns whether [`at_hand`](Self::at_hand) has a message, apart from one that silence ends. A caller that takes
    /// that message next may write what is queued after that.
    fn has_at_hand(&mut self) -> bool {
        if !self.has_socket() || self.sending().owes_beat() || matches!(self.sending().framing().ends(), Ends::Quiet(_))
        {
            return false;
        }
        let receiving = self.parts().receiving;
        receiving.is_inside_message() && receiving.has_started() && matches!(receiving.take_heartbeats(), Ok(true))
    }

    /// Like `attend`, as one step: returns the message, `None` at the end of the stream, or what to wait for.
    #[inline]
    fn receive_step<M: Delivery>(&mut self, wait: Self::Wait<'_>) -> Step<Option<M>, ErrorOf<Self::Codec>> {
        Ok(match self.attend(wait)? {
            Came::Message(message) => Ok(Some(message)),
            Came::Closed => Ok(None),
            Came::Wait(until) if self.sending().has_output() => Err(Wants::Both(until)),
            Came::Wait(until) => Err(Wants::Read(until)),
            Came::Beat => Err(Wants::Both(drive::AT_ONCE)),
        })
    }

    /// Handles heartbeats between two exchanges of this kind. Returns how soon to do it again.
    fn maintain_between(&mut self, exchange: ExchangeKind) -> Result<Option<Duration>, ErrorOf<Self::Codec>> {
        self.check(Operation::Receive)?;
        let maintained = self.open(self.briefly()).and_then(|mut open| match exchange.sends() {
            true => open.maintain(!exchange.receives()),
            false => open.listen(),
        });
        let until = maintained.map_err(|cause| self.receive_failed(cause))?;
        Ok(until.map(|at| at.saturating_sub(self.clock().now())))
    }

    /// Checks for a pool that the connection is clean. On tokio, bytes that arrive later wake the task of `wait`.
    fn inspect_for_pool(
        &mut self,
        wait: Self::Wait<'_>,
        discard_unsolicited: bool,
    ) -> Result<Option<Duration>, CauseOf<Self::Codec>> {
        self.exchange_state().check().map_err(Cause::Unclean)?;
        crate::connection::inspect(self.open(wait)?, discard_unsolicited)
    }

    /// Begins a call. With `half_close`, writing is shut down after the request.
    #[inline]
    fn begin_call<P: AsRef<[u8]>>(
        &mut self,
        request: P,
        half_close: bool,
    ) -> Result<Call<P>, CallErrorOf<Self::Codec>> {
        if self.is_calling() {
            return Err(self.call_error(Sent::Not, Cause::UnderWay));
        }
        let Parts { sending, exchange, .. } = self.parts();
        Call::begin(exchange, sending, request, half_close).map_err(|cause| self.call_error(Sent::Not, cause))
    }

    /// Advances a call as far as the socket allows. Check the clock only afterwards, because a reply that has arrived
    /// counts. After an error, call [`call_failed`](Self::call_failed), which ends the connection.
    #[inline]
    fn advance_call<P: AsRef<[u8]>>(
        &mut self,
        call: &mut Call<P>,
        wait: Self::Wait<'_>,
    ) -> Step<Message, CauseOf<Self::Codec>> {
        let advanced = self.open(wait).and_then(|mut open| call.advance(&mut open));
        if let Ok(Ok(_)) = advanced {
            self.parts().exchange.settle();
        }
        advanced
    }

    fn time_out<P: AsRef<[u8]>>(&mut self, call: &Call<P>, after: Duration) -> CallErrorOf<Self::Codec> {
        let cause = self.timed_out(after);
        self.call_failed(call, cause)
    }

    /// Ends the connection because a call failed.
    fn call_failed<P: AsRef<[u8]>>(&mut self, call: &Call<P>, cause: CauseOf<Self::Codec>) -> CallErrorOf<Self::Codec> {
        let sent = call.sent(self.sending(), &cause);
        self.abandon();
        self.call_error(sent, cause)
    }

    /// Advances what is exchanged before the first message as far as the socket allows.
    fn advance_opening(&mut self, wait: Self::Wait<'_>) -> Step<(), CauseOf<Self::Codec>> {
        self.open(wait).and_then(|mut open| open.advance_opening())
    }

    /// Advances the TLS handshake as far as the socket allows.
    fn advance_handshake(&mut self, wait: Self::Wait<'_>) -> Step<(), CauseOf<Self::Codec>> {
        self.open(wait).and_then(|mut open| open.shake_hands())
    }

    /// Ends a connection that could not be opened for messages in time.
    fn opening_timed_out(&mut self, within: Duration) -> ErrorOf<Self::Codec> {
        let layers = self.layers().filter(|layers| layers.handshake_until().is_some());
        let cause = match layers {
            Some(layers) => Cause::of_io(layers.timed_out(within)),
            None => self.timed_out(within),
        };
        self.opening_failed(cause)
    }

    /// Ends a connection that could not be opened for messages.
    fn opening_failed(&mut self, cause: CauseOf<Self::Codec>) -> ErrorOf<Self::Codec> {
        self.abandon();
        self.error(Operation::Receive, cause)
    }

    fn begin_close(&mut self, within: Duration) -> Close {
        let clock = self.clock();
        Close::begin(self.parts().sending, &clock, within)
    }

    /// Advances the close as far as the socket allows. Returns the report, or what to wait for until its deadline.
    fn advance_close(&mut self, close: &mut Close, wait: Self::Wait<'_>) -> Step<CloseReport, ErrorOf<Self::Codec>> {
        let advanced = self.open(wait).and_then(|open| close.advance(open));
        advanced.map_err(|cause| self.error(Operation::Close, cause))
    }

    /// Closes the connection without waiting. Messages that have arrived go to [`OnUnread`](session::OnUnread). The
    /// exchange stays open, so that the next operation returns the reason.
    fn abandon(&mut self) {
        if let Ok(mut open) = self.open(Self::AT_ONCE) {
            open.inbound(true).give_unread();
        }
        self.close_socket();
    }

    /// Closes the connection if an earlier call was not completed, because the late reply could not be told from other
    /// messages. Called before the connection is taken apart.
    fn abandon_unclean(&mut self) {
        if let Some(layers) = self.layers() {
            layers.end_handshake();
        }
        if self.check(Operation::Call).is_err() {
            self.abandon();
        }
    }

    /// Prepares the connection for many calls in both directions. The next message may then arrive at any time.
    /// Returns how replies are matched, with the connection's numbers.
    fn begin_duplex(&mut self, matching: Matching) -> Matching {
        self.abandon_unclean();
        let receiving = self.parts().receiving;
        receiving.unlimit_first();
        session::leave_out_numbers(receiving, matching.or_numbers(receiving.numbers()))
    }

    /// Prepares a simplex pair: this connection sends, `receiving` receives. The two share their heartbeats.
    fn begin_simplex(&mut self, receiving: &mut Self, matching: Matching) -> Matching {
        let matching = self.begin_duplex(matching);
        let matching = receiving.begin_duplex(matching);
        let clock = receiving.clock();
        self.count_like(clock);
        let (ours, theirs) = (self.parts(), receiving.parts());
        session::join(theirs.receiving, ours.sending, ours.receiving, theirs.sending, clock.now());
        session::leave_out_numbers(theirs.receiving, matching)
    }
}

/// The default of [`Endpoint::attend`], for drivers that have a shorter way in some cases.
#[inline]
pub(crate) fn attend<M: Delivery, E: Endpoint + ?Sized>(
    endpoint: &mut E,
    wait: E::Wait<'_>,
) -> Result<Came<M>, ErrorOf<E::Codec>> {
    if let Some(message) = endpoint.at_hand() {
        return Ok(Came::Message(message));
    }
    let came = endpoint.open(wait).and_then(|mut open| open.attend());
    came.map_err(|cause| endpoint.receive_failed(cause))
}

/// Implements the accessors of [`SessionParts`] from the paths of the fields.
macro_rules! session_parts {
    ($($receiving:ident).+, $($sending:ident).+, $($exchange:ident).+, $($clock:ident).+, $($peer:ident).+) => {
        type Codec = C;
        type Clock = Clock;

        fn parts(&mut self) -> $crate::connection::Parts<'_, C> {
            $crate::connection::Parts {
                receiving: &mut self.$($receiving).+,
                sending: &mut self.$($sending).+,
                exchange: &mut self.$($exchange).+,
            }
        }

        fn receiving(&self) -> &$crate::session::Receiving<std::sync::Arc<C>> {
            &self.$($receiving).+
        }

        fn sending(&self) -> &$crate::session::Sending<std::sync::Arc<C>> {
            &self.$($sending).+
        }

        fn exchange_state(&self) -> &$crate::session::Exchange {
            &self.$($exchange).+
        }

        fn clock(&self) -> Clock {
            self.$($clock).+
        }

        fn peer(&self) -> Option<std::net::SocketAddr> {
            self.$($peer).+.get()
        }
    };
}
pub(crate) use session_parts;

/// Implements [`SessionParts`] for a connection that consists of two halves.
macro_rules! session_parts_in_halves {
    () => {
        $crate::connection::session_parts!(receiver.receiving, sender.sending, exchange, receiver.clock, receiver.peer);

        #[inline]
        fn has_socket(&self) -> bool {
            self.receiver.reader.is_some() && self.sender.writer.is_some()
        }

        fn close_socket(&mut self) {
            self.receiver.give_up();
            self.sender.give_up();
        }

        fn close_reading(&mut self) {
            self.receiver.give_up();
        }

        fn count_like(&mut self, clock: Clock) {
            self.sender.clock = clock;
        }

        #[inline]
        fn layers(&self) -> Option<&$crate::drive::LayersBox> {
            self.receiver.layers.as_ref()
        }
    };
}
pub(crate) use session_parts_in_halves;
