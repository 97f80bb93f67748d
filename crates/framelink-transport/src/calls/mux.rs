//! One call table for many tasks or threads.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use framelink_codec::{Decode, Encode};

use super::table::sent_of;
use super::{CallErrorOf, CallTable, CauseOf, ErrorOf, Outcome, Refusal, Taken};
use crate::drive::{Came, TryRecv};
use crate::error::{CallError, Cause, Error, Operation};
use crate::session::{CallId, Matching, NotBegun, Sending, Sent, Ticket};
use crate::{Incoming, LateReply, Message};

pub(crate) type RefusalOf<C> = Refusal<<C as Decode>::Error, <C as Encode>::Error>;

/// What a driver adds to the call table: the sending half, and how its tasks or threads are woken.
pub(crate) trait SendSide<C: Decode + Encode> {
    /// Where the receiver puts the outcome of a call.
    type Slot;
    /// Where a call waits for its outcome.
    type Answer;

    /// Whether a failure of the sending half also ends reading. Then a later error of reading is its consequence.
    const FAILURE_ENDS_READS: bool;

    /// Puts the outcome into the slot. Returns the reply if the call no longer waits.
    fn fill(slot: Self::Slot, outcome: Outcome<C>) -> Option<LateReply>;
    /// Takes the outcome of a call that has been answered, or is about to get the reason of the connection's end.
    /// `None` closes the slot: a later outcome goes back to the receiver.
    fn last(answer: &mut Self::Answer) -> Option<Outcome<C>>;

    fn now(&self) -> Duration;
    /// Returns how many bytes the socket has taken in total.
    fn written(&self) -> u64;
    /// Returns whether more bytes may be written: another thread is writing, or the connection is open on this side.
    fn may_write(&self) -> bool;
    /// Closes the connection: nothing more is sent, and the receiver is woken. `end` runs before the receiver is woken.
    fn give_up<T>(&self, end: impl FnOnce() -> T) -> T;
    /// Wakes the receiver after a failure of sending. The receiver first returns what has arrived.
    fn on_failed(&self);
    /// Notifies the waiting callers: after one call, there may be room and its key may be free.
    fn on_over(&self, calls: Over);
    /// Wakes the receiver after a call has handed its reply back.
    fn on_reclaimed(&self) {}
}

/// Which calls are over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    One,
    All,
}

/// A call that has begun, and whose request is about to be sent.
pub(crate) struct Entered {
    pub(crate) call: CallId,
    /// Whether other tasks or threads are likely to have requests ready, so that this request should share a write.
    has_company: bool,
}

impl Entered {
    /// Queues the request, if it should share a write. The driver then lets other tasks or threads run before it writes
    /// the queue. Returns `None` if the request is to be written now.
    pub(crate) fn share<D, E: Encode>(
        &self,
        sending: &mut Sending<E>,
        request: &[u8],
    ) -> Option<Result<Ticket, Cause<D, E::Error>>> {
        /// Above this many bytes, copying costs as much as the system call that it saves.
        const SHARED: usize = 16 * 1024;
        if !self.has_company || !sending.has_room() || sending.queued_len() + request.len() > SHARED {
            return None;
        }
        let queued = sending.queue(request).map_err(Cause::Refused);
        sending.on_queued();
        Some(queued)
    }
}

/// The calls in flight of one connection, and its sending half. The receiving half belongs to the receiver.
///
/// The table is locked only briefly: never while a task waits, while a message is decoded, or while a task is woken.
/// Code that needs both locks takes the one of the sending half first.
pub(crate) struct Mux<C: Decode + Encode, T, S> {
    calls: Mutex<Calls<C, T>>,
    /// How many calls have begun and have not returned to their tasks or threads.
    pub(super) pending: AtomicUsize,
    pub(crate) send: S,
    pub(crate) peer: Option<SocketAddr>,
}

struct Calls<C: Decode + Encode, T> {
    table: CallTable<T, <C as Decode>::Error, <C as Encode>::Error>,
    /// Replies of calls that were dropped before they returned them. The receiver returns them; one per call at most.
    late: VecDeque<LateReply>,
    /// Whether a call has begun since the receiver last took a message.
    has_begun: bool,
}

impl<C: Decode + Encode, T, S> Mux<C, T, S> {
    pub(crate) fn with(matching: Matching, send: S, peer: Option<SocketAddr>) -> Arc<Self> {
        let calls = Mutex::new(Calls { table: CallTable::new(matching), late: VecDeque::new(), has_begun: false });
        Arc::new(Self { calls, pending: AtomicUsize::new(0), send, peer })
    }

    pub(crate) fn look<R>(
        &self,
        look: impl FnOnce(&CallTable<T, <C as Decode>::Error, <C as Encode>::Error>) -> R,
    ) -> R {
        look(&self.calls().table)
    }

    /// Returns why nothing more can be sent. May be called with the sending half locked.
    pub(crate) fn failed(&self) -> Option<CauseOf<C>> {
        self.lock().table.failed().map(Cause::again)
    }

    /// Returns what the receiver has to return before it reads on: a late reply, or why the connection was closed.
    pub(crate) fn before_reading(&self) -> Result<Option<LateReply>, CauseOf<C>> {
        let mut calls = self.calls();
        match calls.late.pop_front() {
            Some(late) => Ok(Some(late)),
            None => calls.table.lost().map_or(Ok(None), Err),
        }
    }

    pub(crate) fn call_error(&self, (sent, cause): (Sent, CauseOf<C>)) -> CallErrorOf<C> {
        CallError::new(sent, self.error(Operation::Call, cause))
    }

    pub(crate) fn error(&self, operation: Operation, cause: CauseOf<C>) -> ErrorOf<C> {
        Error::new(operation, self.peer, cause)
    }

    fn calls(&self) -> MutexGuard<'_, Calls<C, T>> {
        #[cfg(all(test, feature = "tokio"))]
        crate::simulated::turn();
        self.lock()
    }

    /// Locks the table. May be called with the sending half locked; therefore no test switches tasks here.
    fn lock(&self) -> MutexGuard<'_, Calls<C, T>> {
        // The lock is used even after a panic, because no step leaves the state inconsistent.
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Decode + Encode, S: SendSide<C>> Mux<C, S::Slot, S> {
    /// Begins a call. The caller has locked the sending half and sends the request next, so requests keep this order.
    ///
    /// A call has company in two cases: another call has been answered, and its task or thread is about to run; or
    /// another call has begun and nothing was received since. So a lone call has none, and neither has a call that
    /// begins after its own reply, while the other calls wait for theirs.
    pub(crate) fn enter(
        &self,
        request: &mut Cow<'_, [u8]>,
        slot: S::Slot,
        now: Duration,
        deadline: Duration,
    ) -> Result<Entered, RefusalOf<C>> {
        let mut calls = self.lock();
        let (pending, in_flight) = (self.pending.load(Ordering::Relaxed), calls.table.in_flight().len());
        let call = calls.table.begin(request, slot, now, deadline)?;
        let has_begun = std::mem::replace(&mut calls.has_begun, true);
        Ok(Entered { call, has_company: pending > in_flight || (pending > 0 && has_begun) })
    }

    /// Removes a call of which no byte was sent. Returns false if the call is over.
    pub(crate) fn forget(&self, call: CallId) -> bool {
        self.lock().table.forget(call).is_some()
    }

    /// Ends the connection if a refused call requires it. Returns what to wait for, where waiting helps.
    pub(crate) fn refuse(&self, refusal: RefusalOf<C>) -> Result<NotBegun, CauseOf<C>> {
        match refusal {
            Refusal::Later(why) => Ok(why),
            Refusal::Never(cause) => Err(cause),
            Refusal::Ends(cause) => {
                self.end(&cause);
                Err(cause)
            }
        }
    }

    /// Handles what the receiver has read. Returns the result for the application, if there is one.
    ///
    /// If the peer closes the receiving connection of a simplex pair, nothing more is sent either. A message that was
    /// read while this side closed the connection goes to `unread`.
    pub(crate) fn on_came(
        &self,
        came: Result<Came, ErrorOf<C>>,
        is_pair: bool,
        unread: impl FnOnce(Message),
    ) -> Result<Option<TryRecv<Incoming>>, CauseOf<C>> {
        match came {
            Ok(Came::Message(message)) => match self.whose(message) {
                Taken::Unread(message) => {
                    unread(message);
                    return Ok(None);
                }
                taken => return Ok(self.hand_over(taken).map(TryRecv::Message)),
            },
            Ok(Came::Beat | Came::Wait(_)) => return Ok(None),
            Ok(Came::Closed) | Err(_) => {}
        }
        let our_doing = self.look(|table| table.lost().or_else(|| table.failure().filter(|_| S::FAILURE_ENDS_READS)));
        if let Some(cause) = our_doing {
            self.end(&cause);
            return Err(cause);
        }
        match came {
            Err(error) => {
                let cause = error.into_cause();
                self.end(&cause);
                Err(cause)
            }
            Ok(_) => {
                if is_pair {
                    self.end(&Cause::NoReply)
                } else {
                    self.end_calls(&Cause::NoReply)
                }
                Ok(Some(TryRecv::Closed))
            }
        }
    }

    /// Finds the call that a message answers.
    pub(crate) fn whose(&self, message: Message) -> Taken<S::Slot> {
        let now = self.send.now();
        let mut calls = self.calls();
        calls.has_begun = false;
        calls.table.take(message, now)
    }

    /// Gives a reply to its call. Holds no lock, because this wakes a task, and waking a task may drop another one.
    pub(crate) fn hand_over(&self, taken: Taken<S::Slot>) -> Option<Incoming> {
        let incoming = match taken {
            Taken::Incoming(Incoming::Message(message)) => return Some(Incoming::Message(message)),
            Taken::Incoming(late) => Some(late),
            Taken::Unread(_) => None,
            Taken::Untold => {
                self.end_if_needed();
                None
            }
            // The call may have been given up since the reply was matched.
            Taken::Reply(slot, reply) => S::fill(slot, Ok(reply)).map(Incoming::Late),
        };
        self.send.on_over(Over::One);
        incoming
    }

    /// Gives a call up: after its time limit `within`, or because it is cancelled (`None`). Returns why the call failed
    /// and what the peer may have seen of it. Returns `None` if the call has been answered or ended.
    pub(crate) fn give_up(&self, call: CallId, ticket: Ticket, within: Option<Duration>) -> Option<(Sent, CauseOf<C>)> {
        let mut calls = self.calls();
        let was_waited_for = match within {
            Some(_) => calls.table.in_flight_mut().give_up(call),
            None => calls.table.in_flight_mut().cancel(call),
        };
        drop(calls);
        self.send.on_over(Over::One);
        self.end_if_needed();
        was_waited_for.then(|| {
            let cause = self.timed_out(ticket, within.unwrap_or_default());
            (self.sent(ticket, &cause), cause)
        })
    }

    /// Returns the outcome of an overdue call that is no longer in the table: its outcome, if there is one, or why the
    /// connection has ended. Otherwise its reply is arriving right now, and is late.
    pub(super) fn last_outcome(&self, answer: &mut S::Answer, ticket: Ticket, within: Duration) -> Outcome<C> {
        let outcome = S::last(answer).or_else(|| self.look(|table| table.over().map(Cause::again)).map(Err));
        outcome.unwrap_or_else(|| Err(self.timed_out(ticket, within)))
    }

    /// Hands the reply of a dropped call to the receiver, if the call had not returned it.
    pub(super) fn reclaim(&self, answer: &mut S::Answer) {
        let Some(Ok(reply)) = S::last(answer) else { return };
        self.calls().late.push_back(reply);
        self.send.on_reclaimed();
    }

    /// Returns what the peer may have seen of the request of a failed call.
    pub(crate) fn sent(&self, ticket: Ticket, cause: &CauseOf<C>) -> Sent {
        // Checked first: once no more bytes can be written, the count below is final.
        let goes_on = self.send.may_write();
        sent_of(ticket, self.send.written(), cause, goes_on)
    }

    fn timed_out(&self, ticket: Ticket, after: Duration) -> CauseOf<C> {
        let unwritten_bytes = ticket.unwritten(self.send.written());
        Cause::TimedOut { after, unwritten_bytes, unfinished: None }
    }

    /// Notes that nothing more can be sent. May be called with the sending half locked.
    pub(crate) fn fail(&self, cause: &CauseOf<C>) {
        self.lock().table.fail(cause);
        self.send.on_failed();
    }

    /// Closes the connection for this reason, unless there was an earlier one.
    pub(crate) fn end(&self, cause: &CauseOf<C>) {
        let slots = self.send.give_up(|| self.lock().table.end(cause));
        self.tell(slots, cause);
    }

    /// Closes the connection if a call that was given up makes that necessary.
    fn end_if_needed(&self) {
        if let Some(cause) = self.look(CallTable::must_end) {
            self.end(&cause);
        }
    }

    /// Closes the connection when the receiver is dropped, unless the peer has closed: then sending can go on.
    pub(crate) fn on_receiver_dropped(&self) {
        if self.look(|table| table.over().is_none()) {
            self.end(&Cause::Unattended);
        }
    }

    /// Fails all calls, because no more replies can arrive.
    fn end_calls(&self, cause: &CauseOf<C>) {
        let slots = self.calls().table.end_calls(cause);
        self.tell(slots, cause);
    }

    fn tell(&self, slots: Vec<S::Slot>, cause: &CauseOf<C>) {
        for slot in slots {
            S::fill(slot, Err(cause.again()));
        }
        self.send.on_over(Over::All);
    }
}
