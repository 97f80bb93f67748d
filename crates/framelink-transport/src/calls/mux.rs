//! One table of calls for many tasks or threads.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use framelink_codec::{Decode, Encode};

use super::table::sent_of;
use super::{CallErrorOf, CallTable, CauseOf, ErrorOf, Outcome, Refusal, Taken};
use crate::drive::{Came, TryRecv};
use crate::error::{CallError, Cause, Error, Operation};
use crate::session::{CallId, Matching, NotBegun, Sent, Ticket};
use crate::{Incoming, LateReply, Message};

pub(crate) type RefusalOf<C> = Refusal<<C as Decode>::Error, <C as Encode>::Error>;

/// What a driver adds to the table of calls: the sending half, and how its tasks or threads are woken.
pub(crate) trait SendSide<C: Decode + Encode> {
    /// Where the receiver leaves the outcome of a call.
    type Slot;
    /// Where a call waits for its outcome.
    type Answer;

    /// Whether a failure of the sending half ends the reads too, so that an end or error that is read afterwards is our own doing.
    const FAILURE_ENDS_READS: bool;

    /// Leaves the outcome. Returns a reply if the call no longer waits.
    fn fill(slot: Self::Slot, outcome: Outcome<C>) -> Option<LateReply>;
    /// Takes the outcome of a call that is answered, or is about to be told why its connection has ended. After `None` the slot is closed:
    /// an outcome that comes later goes back to the receiver.
    fn last(answer: &mut Self::Answer) -> Option<Outcome<C>>;

    fn now(&self) -> Duration;
    /// How many bytes the socket has taken in all.
    fn written(&self) -> u64;
    /// Whether more bytes may leave: another thread is writing, or the connection was not given up.
    fn may_write(&self) -> bool;
    /// Gives the connection up: nothing more is sent, and the receiver is woken. `end` is run when nothing more can be sent, or before
    /// the receiver is woken.
    fn give_up<T>(&self, end: impl FnOnce() -> T) -> T;
    /// Nothing more can be sent: wakes the receiver, which has the last word.
    fn on_failed(&self);
    /// A call is over: there may be room for another one, and its key may be free. Or all calls are over, and no more are possible.
    fn on_over(&self, calls: Over);
    /// A call has handed its reply back: wakes the receiver.
    fn on_reclaimed(&self) {}
}

/// Which calls are over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    One,
    All,
}

/// The calls in flight of one connection, and beside them its sending half. The receiving half belongs to the receiver.
///
/// The table is locked for moments only: never while a task waits or a message is decoded, and never while a task is woken. Who locks
/// both locks the sending half first.
pub(crate) struct Mux<C: Decode + Encode, T, S> {
    calls: Mutex<Calls<C, T>>,
    pub(crate) send: S,
    pub(crate) peer: Option<SocketAddr>,
}

struct Calls<C: Decode + Encode, T> {
    table: CallTable<T, <C as Decode>::Error, <C as Encode>::Error>,
    /// Replies that calls had and did not take before they were dropped: for the receiver. At most one for each call in flight.
    late: VecDeque<LateReply>,
}

impl<C: Decode + Encode, T, S> Mux<C, T, S> {
    pub(crate) fn with(matching: Matching, send: S, peer: Option<SocketAddr>) -> Arc<Self> {
        let calls = Mutex::new(Calls { table: CallTable::new(matching), late: VecDeque::new() });
        Arc::new(Self { calls, send, peer })
    }

    /// Looks at the table of calls.
    pub(crate) fn look<R>(
        &self,
        look: impl FnOnce(&CallTable<T, <C as Decode>::Error, <C as Encode>::Error>) -> R,
    ) -> R {
        look(&self.calls().table)
    }

    /// For a task that has locked the sending half: why nothing more can be sent.
    pub(crate) fn failed(&self) -> Option<CauseOf<C>> {
        self.lock().table.failed().map(Cause::again)
    }

    /// What the receiver has to take before it reads on: a late reply, or why the connection was given up.
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

    pub(crate) const fn error(&self, operation: Operation, cause: CauseOf<C>) -> ErrorOf<C> {
        Error::new(operation, self.peer, cause)
    }

    fn calls(&self) -> MutexGuard<'_, Calls<C, T>> {
        #[cfg(all(test, feature = "tokio"))]
        crate::simulated::turn();
        self.lock()
    }

    /// Locks the table, also for a task that has locked the sending half: then no test lets another task go on here.
    fn lock(&self) -> MutexGuard<'_, Calls<C, T>> {
        // A thread that panicked while it held the lock left nothing half done.
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: Decode + Encode, S: SendSide<C>> Mux<C, S::Slot, S> {
    /// Begins a call whose request is sent next, by a task or thread that has the sending half: requests leave in the order in which their
    /// calls begin.
    pub(crate) fn enter(
        &self,
        request: &mut Cow<'_, [u8]>,
        slot: S::Slot,
        now: Duration,
        deadline: Duration,
    ) -> Result<CallId, RefusalOf<C>> {
        self.lock().table.begin(request, slot, now, deadline)
    }

    /// Forgets a call whose request was not accepted.
    pub(crate) fn forget(&self, call: CallId) {
        self.lock().table.forget(call);
    }

    /// Does what a refused call means for the others. Returns what has to be waited for, where waiting helps.
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

    /// Handles what the receiver has read. Returns what the receiver hands to the application; after `None` it goes on reading.
    ///
    /// On a pair of connections, nothing is sent any more when the peer has closed the one that we receive on.
    pub(crate) fn on_came(
        &self,
        came: Result<Came, ErrorOf<C>>,
        is_pair: bool,
    ) -> Result<Option<TryRecv<Incoming>>, CauseOf<C>> {
        match came {
            Ok(Came::Message(message)) => return Ok(self.hand_over(self.whose(message)).map(TryRecv::Message)),
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

    /// Finds whose a message is.
    pub(crate) fn whose(&self, message: Message) -> Taken<S::Slot> {
        let now = self.send.now();
        self.calls().table.take(message, now)
    }

    /// Gives a reply to its call. No lock is held, because that wakes a task, and waking may drop one.
    pub(crate) fn hand_over(&self, taken: Taken<S::Slot>) -> Option<Incoming> {
        let incoming = match taken {
            Taken::Incoming(Incoming::Message(message)) => return Some(Incoming::Message(message)),
            Taken::Incoming(late) => Some(late),
            Taken::Untold => {
                self.end_if_needed();
                None
            }
            // The call may have been given up since the reply was found to be its own.
            Taken::Reply(slot, reply) => S::fill(slot, Ok(reply)).map(Incoming::Late),
        };
        self.send.on_over(Over::One);
        incoming
    }

    /// The call is no longer waited for: its time, `within`, is over, or without a time it is cancelled. Returns why it failed and what the
    /// peer may have seen of it; `None` if it has been answered, or is told why the connection has ended.
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

    /// Returns the outcome of a call whose time is over and that was not waited for any more: the outcome, if it is there; why the
    /// connection has ended, if so; otherwise its reply comes at this moment, and is late.
    pub(super) fn last_outcome(&self, answer: &mut S::Answer, ticket: Ticket, within: Duration) -> Outcome<C> {
        let outcome = S::last(answer).or_else(|| self.look(|table| table.over().map(Cause::again)).map(Err));
        outcome.unwrap_or_else(|| Err(self.timed_out(ticket, within)))
    }

    /// A call was dropped that was not waited for any more. A reply that it has not taken is for the receiver.
    pub(super) fn reclaim(&self, answer: &mut S::Answer) {
        let Some(Ok(reply)) = S::last(answer) else { return };
        self.calls().late.push_back(reply);
        self.send.on_reclaimed();
    }

    /// What the peer may have seen of a request whose call has failed.
    pub(crate) fn sent(&self, ticket: Ticket, cause: &CauseOf<C>) -> Sent {
        // When no more bytes leave, the number of those that have left is final.
        let goes_on = self.send.may_write();
        sent_of(ticket, self.send.written(), cause, goes_on)
    }

    fn timed_out(&self, ticket: Ticket, after: Duration) -> CauseOf<C> {
        let unwritten_bytes = ticket.unwritten(self.send.written());
        Cause::TimedOut { after, unwritten_bytes, unfinished: None }
    }

    /// Nothing more can be sent. The receiver has the last word: what had arrived before that counts. May be called by a task that has
    /// locked the sending half.
    pub(crate) fn fail(&self, cause: &CauseOf<C>) {
        self.lock().table.fail(cause);
        self.send.on_failed();
    }

    /// Gives the connection up, for this reason unless there was one before.
    pub(crate) fn end(&self, cause: &CauseOf<C>) {
        let slots = self.send.give_up(|| self.lock().table.end(cause));
        self.tell(slots, cause);
    }

    /// Gives the connection up if a call that was given up makes that necessary.
    fn end_if_needed(&self) {
        if let Some(cause) = self.look(CallTable::must_end) {
            self.end(&cause);
        }
    }

    /// The receiver is gone, so that no reply can be received. Where the peer had closed its side in good order, ours can go on sending.
    pub(crate) fn on_receiver_dropped(&self) {
        if self.look(|table| table.over().is_none()) {
            self.end(&Cause::Unattended);
        }
    }

    /// No reply comes any more.
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
