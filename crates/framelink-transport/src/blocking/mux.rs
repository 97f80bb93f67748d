//! The sending half that the callers and the receiver of one connection share.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Arc, Condvar, PoisonError};
use std::thread;
use std::time::Duration;

use framelink_codec::{Decode, Encode};

use super::port::SLICE;
use super::stream::Closer;
use super::turn::Turn;
use super::{SendHalf, WriteStream};
use crate::LateReply;
use crate::calls::{self, CallTable, CauseOf, GRACE, Outcome, Over, Refusal, RefusalOf, SendSide, sent_of};
use crate::drive::Clock as _;
use crate::error::{Cause, Error};
use crate::net::clock::Clock;
use crate::net::lock::Lock;
use crate::session::{ByteCount, LivenessHandle, Matching, NotBegun, Sent, Ticket};

pub(super) type Mux<C, W> = calls::Mux<C, SyncSender<Outcome<C>>, SharedSender<C, W>>;
type Begun<C> = calls::Begun<mpsc::Receiver<Outcome<C>>>;
type NotSent<C> = (Sent, CauseOf<C>);

/// A sending half that callers share, and what their waits need.
///
/// One thread at a time holds the sending half and writes. The table of calls is never locked across a wait.
pub(crate) struct SharedSender<C: Encode, W> {
    half: Turn<SendHalf<C, W>>,
    /// Whether bytes were left to write when the sending half was last given back.
    has_rest: AtomicBool,
    /// Whether a thread has announced that it takes the sending half next and writes what is queued.
    has_writer: AtomicBool,
    is_given_up: AtomicBool,
    overs: Lock<Overs>,
    /// Notified when a call is over: there may be room for another.
    room: Condvar,
    /// Notified when a call is over: its key may be free.
    keys: Condvar,
    /// End the waits of the receiver, and of the thread that watches the other connection of a pair.
    closers: Vec<Closer>,
    written: ByteCount,
    pub(super) clock: Clock,
}

#[derive(Default)]
struct Overs {
    /// Counts the calls that are over, so that a thread that waits for one sees whether it has missed one.
    calls: u64,
    /// How many threads wait. If none does, a notification would be a system call for nothing.
    waiting: usize,
}

/// How often the receiver, while nothing arrives, checks for the unwritten rest of a message whose sending was given
/// up. Such a rest does not wake the receiver.
pub(super) const LOOK: Duration = Duration::from_millis(250);

impl<C: Decode + Encode, W: WriteStream> Mux<C, W> {
    pub(super) fn new(half: SendHalf<C, W>, matching: Matching, clock: Clock, closers: Vec<Closer>) -> Arc<Self> {
        let (peer, written, half) = (half.peer_addr(), half.byte_count(), Turn::new(half, clock));
        let (has_rest, has_writer, is_given_up, overs, room, keys) = Default::default();
        let send = SharedSender { half, has_rest, has_writer, is_given_up, overs, room, keys, closers, written, clock };
        Self::with(matching, send, peer)
    }

    /// Writes a heartbeat that is due, and the rest of a message whose sending was given up. If another thread is
    /// sending, that thread writes them. Returns true if this is to be called again.
    pub(super) fn maintain(&self, liveness: Option<&LivenessHandle>) -> bool {
        let has_due = || liveness.is_some_and(LivenessHandle::has_due);
        let has_rest = self.send.has_rest.load(Ordering::Relaxed) && !self.send.has_writer.load(Ordering::Relaxed);
        if !has_rest && !has_due() {
            return false;
        }
        let until = self.send.clock.within(SLICE);
        self.send.with(Some(Duration::ZERO), |half| self.write_rest(half, until)).unwrap_or_else(has_due)
    }

    /// Writes the requests that callers have only queued. One thread at a time does so, after the threads that are about
    /// to run have queued their requests too. If its time is over while another thread has the sending half, the other
    /// thread writes them, because it looks here when it has given the half back. Returns whether this thread has tried.
    pub(super) fn share_write(&self, deadline: Duration) -> bool {
        if !self.send.has_rest.load(Ordering::Acquire) || self.send.has_writer.swap(true, Ordering::SeqCst) {
            return false;
        }
        thread::yield_now();
        // The other requests may have more time than this one.
        let until = deadline.saturating_add(GRACE);
        let write = |half: &mut SendHalf<C, W>| {
            // Before the write, so that a thread that queues a request from now on announces a write of its own.
            self.send.has_writer.store(false, Ordering::SeqCst);
            self.write_rest(half, until);
        };
        if self.send.with(Some(until), write).is_none() {
            self.send.has_writer.store(false, Ordering::SeqCst);
            self.send.with(Some(Duration::ZERO), write);
        }
        true
    }

    /// Returns whether bytes are left that can still be written.
    fn write_rest(&self, half: &mut SendHalf<C, W>, until: Duration) -> bool {
        // A call that has ended the connection reports what the peer may have seen, so nothing is written after it.
        if !half.sending.has_output() || self.look(CallTable::lost).is_some() {
            return false;
        }
        match half.flush_until(Some(until), SLICE) {
            Err(error) if !matches!(error.cause(), Cause::TimedOut { .. }) => {
                self.fail(error.cause());
                false
            }
            _ => half.sending.has_output(),
        }
    }

    /// Begins a call when there is room and writes its request, until `deadline`, which is `within` from now. If the call
    /// has company, its request may be queued only: [`share_write`](Self::share_write) comes next.
    pub(super) fn begin(&self, request: &[u8], deadline: Duration, within: Duration) -> Result<Begun<C>, NotSent<C>> {
        loop {
            let overs = self.send.overs.lock().calls;
            let begun = self.send.with(Some(deadline), |half| self.begin_on(half, request, deadline, within));
            let refusal = match begun.ok_or((Sent::Not, Cause::NoRoom { after: within, queued_bytes: 0 }))? {
                Ok(begun) => return begun,
                Err(refusal) => refusal,
            };
            self.share_write(deadline);
            if !matches!(refusal, Refusal::Later(NotBegun::Full { .. })) {
                // This thread may have used up a notification about room that it cannot use; pass it on.
                self.send.room.notify_one();
            }
            let why = self.refuse(refusal).map_err(|cause| (Sent::Not, cause))?;
            if !self.send.wait_for_over(overs, &why, deadline) {
                return Err((Sent::Not, Cause::NotBegun(why)));
            }
        }
    }

    /// Holds the sending half up to the write, so that requests are sent in the order in which calls begin.
    fn begin_on(
        &self,
        half: &mut SendHalf<C, W>,
        request: &[u8],
        deadline: Duration,
        within: Duration,
    ) -> Result<Result<Begun<C>, NotSent<C>>, RefusalOf<C>> {
        let (slot, answer) = mpsc::sync_channel(1);
        let mut request = Cow::Borrowed(request);
        let entered = self.enter(&mut request, slot, self.send.now(), deadline)?;
        let call = entered.call;
        let written = match entered.share(&mut half.sending, &request) {
            Some(queued) => queued.map_err(|cause| (Sent::Not, cause)),
            None => self.write(half, &request, deadline, within),
        };
        let written = written.inspect_err(|(_, cause)| {
            self.forget(call);
            self.send.on_over(Over::One);
            if !matches!(cause, Cause::Refused(_) | Cause::NoRoom { .. }) {
                self.fail(cause);
            }
        });
        Ok(written.map(|ticket| calls::Begun { call, ticket, answer }))
    }

    fn write(
        &self,
        half: &mut SendHalf<C, W>,
        request: &[u8],
        deadline: Duration,
        within: Duration,
    ) -> Result<Ticket, NotSent<C>> {
        let put = half.put(request, Some(deadline)).map_err(|error| (Sent::Not, error.into_cause()))?;
        let no_room = || (Sent::Not, Cause::NoRoom { after: within, queued_bytes: half.unwritten_bytes() });
        let ticket = put.ok_or_else(no_room)?;
        match half.flush_until(Some(deadline), Duration::ZERO).map_err(Error::into_cause) {
            // The unwritten rest is sent before anything else. The call then fails because its reply is late.
            Ok(()) | Err(Cause::TimedOut { .. }) => Ok(ticket),
            Err(cause) => Err((sent_of(ticket, self.send.written(), &cause, false), cause)),
        }
    }
}

impl<C: Decode + Encode, W: WriteStream> SharedSender<C, W> {
    /// Waits for the sending half and runs `work` on it. Returns `None` if the half is not free before the deadline.
    pub(super) fn with<T>(&self, deadline: Option<Duration>, work: impl FnOnce(&mut SendHalf<C, W>) -> T) -> Option<T> {
        let mut half = self.half.take(deadline)?;
        let done = work(&mut half);
        // Stored before another thread can take the half.
        self.has_rest.store(half.sending.has_output(), Ordering::Relaxed);
        Some(done)
    }

    /// Waits until more than `seen` calls are over. Returns false if that does not happen before the deadline.
    fn wait_for_over(&self, seen: u64, why: &NotBegun, deadline: Duration) -> bool {
        let notified = if *why == NotBegun::DuplicateKey { &self.keys } else { &self.room };
        let mut overs = self.overs.lock();
        loop {
            let left = deadline.saturating_sub(self.clock.now());
            if left.is_zero() {
                // The notification may have been meant for another thread.
                notified.notify_one();
                return false;
            }
            if overs.calls != seen {
                return true;
            }
            overs.waiting += 1;
            overs = notified.wait_timeout(overs, left).unwrap_or_else(PoisonError::into_inner).0;
            overs.waiting -= 1;
        }
    }
}

impl<C: Decode + Encode, W: WriteStream> SendSide<C> for SharedSender<C, W> {
    type Slot = SyncSender<Outcome<C>>;
    type Answer = mpsc::Receiver<Outcome<C>>;

    const FAILURE_ENDS_READS: bool = true;

    fn fill(slot: Self::Slot, outcome: Outcome<C>) -> Option<LateReply> {
        // The channel holds one outcome, and this is the only one.
        slot.send(outcome).err().and_then(|unsent| unsent.0.ok())
    }

    fn last(answer: &mut Self::Answer) -> Option<Outcome<C>> {
        // Another thread is about to fill the slot.
        answer.recv().ok()
    }

    fn now(&self) -> Duration {
        self.clock.now()
    }

    fn written(&self) -> u64 {
        self.written.get()
    }

    fn may_write(&self) -> bool {
        !self.is_given_up.load(Ordering::Acquire) || self.half.is_taken()
    }

    fn give_up<T>(&self, end: impl FnOnce() -> T) -> T {
        let ended = end();
        self.is_given_up.store(true, Ordering::Release);
        self.on_failed();
        ended
    }

    fn on_failed(&self) {
        self.closers.iter().for_each(|close| close());
    }

    fn on_over(&self, calls: Over) {
        let mut overs = self.overs.lock();
        overs.calls += 1;
        let is_waited_for = overs.waiting > 0;
        drop(overs);
        if !is_waited_for {
            return;
        }
        match calls {
            Over::One => self.room.notify_one(),
            Over::All => self.room.notify_all(),
        }
        self.keys.notify_all();
    }
}
