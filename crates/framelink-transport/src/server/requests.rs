//! The requests of a connection that is served.

use std::collections::VecDeque;
use std::time::Duration;

use framelink_codec::{Decode, Encode};

use crate::drive;
use crate::error::Error;
use crate::profile::{ExchangeKind, Profile};
use crate::session::memory::Held;
use crate::session::{Concurrency, LivenessHandle, MessagePlace, Receiving, Replies, ReplySlot, Sending};
use framelink_session::Message;

/// Decides which requests of a connection are read, when each is handled, and when the connection has been served.
///
/// ```text
///   may_read ─► on_received ─┬─ a place is free ───────────────► handled ─► answer ─► replies, in their order
///                            │                                      ▲
///                            ├─ none is free ─► read ahead ─ next ──┘
///                            └─ no more requests ─► all are answered ─► ended
/// ```
///
/// [`ServedOutput`](super::ServedOutput) sends the replies.
pub(crate) struct ServedRequests<D, E, R> {
    pub(crate) replies: Replies<R>,
    /// With heartbeats, requests are read ahead, so that probes behind them are answered while all handlers are busy.
    reads_ahead: bool,
    ahead: VecDeque<Message>,
    ahead_bytes: usize,
    ahead_memory: Held,
    /// How many requests were taken since this was last asked.
    taken: u64,
    /// A short connection has one request.
    is_short: bool,
    /// Set if the peer has one request at a time: the peer is not probed while it waits for the reply.
    held: Option<LivenessHandle>,
    /// How reading has ended, once there are no more requests. The error is boxed, because most connections have none.
    end: Option<Result<(), Box<Error<D, E>>>>,
}

/// How many requests of an endless sequence are read ahead: as many as our clients have in flight by default.
const MOST_AHEAD: usize = 64;
/// How many bytes are read ahead; the request that crosses this limit is still read.
const MOST_BYTES_AHEAD: usize = 256 * 1024;

pub(crate) type PlacedRequest = (ReplySlot, Message);

/// A request to handle.
pub(crate) enum NextRequest {
    Placed(PlacedRequest),
    /// A request in the read buffer that needs no place, because nothing else is owed.
    Passing(MessagePlace),
}

impl<D, E, R: AsRef<[u8]>> ServedRequests<D, E, R> {
    /// Begins to take the messages of the connection as requests.
    pub(crate) fn begin<C: Decode, S: Encode>(
        receiving: &mut Receiving<C>,
        sending: &Sending<S>,
        profile: &Profile,
        concurrency: Concurrency,
    ) -> Self {
        let one_at_a_time = profile.exchange() == ExchangeKind::Sync;
        if one_at_a_time {
            receiving.one_at_a_time();
        }
        receiving.take_requests(true);
        Self {
            replies: Replies::new(concurrency).count_memory(sending.memory(), profile.limits().handled()),
            reads_ahead: receiving.liveness().is_some(),
            ahead: VecDeque::new(),
            ahead_bytes: 0,
            ahead_memory: sending.memory().another(),
            taken: 0,
            is_short: profile.connection().short().is_some(),
            held: receiving.liveness().filter(|_| one_at_a_time).cloned(),
            end: None,
        }
    }

    pub(crate) fn may_read(&self) -> bool {
        let has_room = self.ahead.len() < MOST_AHEAD && self.ahead_bytes < MOST_BYTES_AHEAD;
        self.end.is_none() && (self.replies.room() > 0 || (self.reads_ahead && has_room))
    }

    pub(crate) const fn has_read_all(&self) -> bool {
        self.end.is_some()
    }

    /// Returns whether no further request will get a place.
    pub(crate) fn are_all_placed(&self) -> bool {
        self.end.is_some() && self.ahead.is_empty()
    }

    /// Takes a message, the peer's close, or an error. Returns the request that is to be handled now.
    ///
    /// Messages that arrived whole before an error are answered first; then [`ended`](Self::ended) returns the error.
    ///
    /// # Errors
    /// When the connection is lost, so that no reply can be sent.
    pub(crate) fn on_received(
        &mut self,
        received: Result<Option<Message>, Error<D, E>>,
    ) -> Result<Option<PlacedRequest>, Error<D, E>> {
        match received {
            Ok(Some(request)) => return Ok(self.on_request(request)),
            Ok(None) => self.on_end(Ok(()))?,
            Err(error) => self.on_end(Err(error))?,
        }
        Ok(None)
    }

    /// Takes a message. Returns the request that is to be handled now.
    pub(crate) fn on_request(&mut self, request: Message) -> Option<PlacedRequest> {
        self.taken += 1;
        if self.is_short {
            self.end = Some(Ok(()));
        }
        self.place(request)
    }

    /// Takes a message that was received. Returns the request that is to be handled now.
    #[inline]
    pub(crate) fn take<C: Decode>(&mut self, receiving: &mut Receiving<C>, place: MessagePlace) -> Option<NextRequest> {
        if self.may_pass() {
            return Some(NextRequest::Passing(place));
        }
        self.on_request(receiving.take_at(place)).map(NextRequest::Placed)
    }

    /// Returns whether [`next`](Self::next) returns a request, or another message may be read and handled.
    pub(crate) fn may_go_on(&self, has_message: impl FnOnce() -> bool) -> bool {
        self.replies.room() > 0 && (!self.ahead.is_empty() || (self.end.is_none() && has_message()))
    }

    /// Notes that there are no more requests.
    ///
    /// # Errors
    /// When the connection is lost, so that no reply can be sent.
    pub(crate) fn on_end(&mut self, end: Result<(), Error<D, E>>) -> Result<(), Error<D, E>> {
        match end {
            Err(error) if drive::is_lost(error.cause()) => Err(error),
            end => {
                self.end = Some(end.map_err(Box::new));
                Ok(())
            }
        }
    }

    /// Returns whether the next request can be handled and answered without a place, because nothing else is owed.
    #[inline]
    pub(crate) fn may_pass(&self) -> bool {
        self.end.is_none() && self.ahead.is_empty() && self.replies.is_clear()
    }

    /// Returns how many requests were taken since the last call.
    pub(super) const fn newly_taken(&mut self) -> u64 {
        std::mem::replace(&mut self.taken, 0)
    }

    /// Returns whether no requests were taken since the last call of [`newly_taken`](Self::newly_taken).
    #[inline]
    pub(super) const fn has_counted(&self) -> bool {
        self.taken == 0
    }

    /// Reads no request before the one before it is answered.
    pub(crate) const fn read_in_turn(&mut self) {
        self.reads_ahead = false;
    }

    /// Notes that requests are handled at once, without places. [`on_taken`](Self::on_taken) counts them.
    #[inline]
    pub(crate) fn on_begun(&mut self) {
        if let Some(liveness) = &self.held {
            liveness.hold();
        }
        if self.is_short {
            self.end = Some(Ok(()));
        }
    }

    /// Counts requests that were handled at once.
    #[inline]
    pub(crate) const fn on_taken(&mut self, count: u64) {
        self.taken += count;
    }

    /// Returns whether the connection has one request.
    pub(crate) const fn is_short(&self) -> bool {
        self.is_short
    }

    /// Returns the next request that was read ahead, if a place is free for it.
    pub(crate) fn next(&mut self) -> Option<PlacedRequest> {
        let place = self.take_place(self.ahead.front()?.len())?;
        let request = self.ahead.pop_front()?;
        self.count_ahead(self.ahead_bytes - request.len());
        Some((place, request))
    }

    /// Answers a request, with a reply or with nothing. Returns false if it was answered before.
    pub(crate) fn answer(&mut self, place: ReplySlot, reply: Option<R>, now: Duration) -> bool {
        self.replies.answer(place, reply, now)
    }

    /// Returns whether all requests were read and answered, with their replies written.
    pub(crate) fn is_over(&self) -> bool {
        self.end.is_some() && self.replies.is_empty() && self.ahead.is_empty()
    }

    /// Returns whether nothing is owed and another request may arrive.
    pub(super) fn is_idle(&self) -> bool {
        self.end.is_none() && self.replies.is_empty() && self.ahead.is_empty()
    }

    /// Returns how reading has ended, once all requests are answered. It returns an error only once.
    pub(crate) fn ended(&mut self) -> Option<Result<(), Error<D, E>>> {
        if self.is_over() { self.end.replace(Ok(())).map(|end| end.map_err(|error| *error)) } else { None }
    }

    /// Drops all requests that have no place yet.
    pub(crate) fn give_up(&mut self) {
        self.ahead.clear();
        self.count_ahead(0);
        self.end.get_or_insert(Ok(()));
    }

    fn place(&mut self, request: Message) -> Option<PlacedRequest> {
        if self.ahead.is_empty()
            && let Some(place) = self.take_place(request.len())
        {
            return Some((place, request));
        }
        self.count_ahead(self.ahead_bytes + request.len());
        self.ahead.push_back(request);
        None
    }

    fn count_ahead(&mut self, bytes: usize) {
        self.ahead_bytes = bytes;
        self.ahead_memory.note(bytes);
        if self.ahead.is_empty() {
            // An idle connection holds no buffer.
            self.ahead = VecDeque::new();
        }
    }

    fn take_place(&mut self, len: usize) -> Option<ReplySlot> {
        let place = self.replies.take_request(len)?;
        if let Some(liveness) = &self.held {
            liveness.hold();
        }
        Some(place)
    }
}
