//! Messages that are written directly into the send queue, behind a head that is filled in afterwards.

use std::fmt;
use std::io;
use std::ops::{Deref, DerefMut};

use framelink_codec::{Encode, Envelope, ShortHead};

use super::{SendRefused, SendState, Sending, Ticket};
use crate::append::append;

/// A reply that a handler writes directly into the send queue of a connection.
///
/// A reply is empty at first, and dereferences to the bytes written so far. An empty reply is sent too, as an empty
/// message, unless the handler calls [`skip`](Self::skip). A reply implements [`io::Write`], which never fails.
///
/// ```
/// use std::io::Write;
/// use framelink_session::Reply;
///
/// fn answer(request: &[u8], reply: &mut Reply<'_>) {
///     match request {
///         b"time" => write!(reply, "{:02}:{:02}", 9, 5).expect("a reply takes all bytes"),
///         b"bye" => reply.skip(),
///         other => reply.extend_from_slice(other),
///     }
/// }
///
/// let mut bytes = Vec::new();
/// let mut reply = Reply::new(&mut bytes);
/// answer(b"time", &mut reply);
/// assert_eq!((&reply[..], reply.is_skipped()), (&b"09:05"[..], false));
/// ```
pub struct Reply<'q> {
    queue: &'q mut Vec<u8>,
    /// Where the reply begins.
    start: usize,
    is_skipped: bool,
}

impl<'q> Reply<'q> {
    /// Creates a reply that is written behind the bytes of `bytes`, for example to test a handler.
    pub const fn new(bytes: &'q mut Vec<u8>) -> Self {
        let start = bytes.len();
        Self { queue: bytes, start, is_skipped: false }
    }

    /// Appends bytes.
    #[inline]
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        append(self.queue, bytes);
    }

    /// Appends one byte.
    #[inline]
    pub fn push(&mut self, byte: u8) {
        self.queue.push(byte);
    }

    /// Appends copies of `byte`, or removes bytes from the end, until the reply has `len` bytes.
    pub fn resize(&mut self, len: usize, byte: u8) {
        self.queue.resize(self.start.saturating_add(len), byte);
    }

    /// Removes the bytes from `len` on. Has no effect on a shorter reply.
    pub fn truncate(&mut self, len: usize) {
        self.queue.truncate(self.start.saturating_add(len));
    }

    /// Removes all bytes.
    pub fn clear(&mut self) {
        self.truncate(0);
    }

    /// Reserves memory for `additional` more bytes.
    pub fn reserve(&mut self, additional: usize) {
        self.queue.reserve(additional);
    }

    /// Sends no reply to this request, whatever was or is written.
    pub const fn skip(&mut self) {
        self.is_skipped = true;
    }

    /// Returns whether no reply is sent.
    #[must_use]
    pub const fn is_skipped(&self) -> bool {
        self.is_skipped
    }
}

impl Deref for Reply<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.queue.get(self.start..).unwrap_or_default()
    }
}

impl DerefMut for Reply<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        self.queue.get_mut(self.start..).unwrap_or_default()
    }
}

impl Extend<u8> for Reply<'_> {
    fn extend<I: IntoIterator<Item = u8>>(&mut self, bytes: I) {
        self.queue.extend(bytes);
    }
}

impl io::Write for Reply<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Shows the length only, because payloads may contain card numbers.
impl fmt::Debug for Reply<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("len", &self.len()).field("is_skipped", &self.is_skipped).finish()
    }
}

impl<E: Encode> Sending<E> {
    /// Accepts a message that `write` writes directly into the queue. Returns the result of `write`, and the ticket of
    /// the message, or `None` if `write` [skipped](Reply::skip) it.
    ///
    /// The head goes before the payload when its length is known. The place that is left for it is as long as the head
    /// before; if that is wrong, the payload is moved.
    ///
    /// ```
    /// use framelink_profile::Framing;
    /// use framelink_session::{Sending, Transmit};
    ///
    /// let mut sending = Sending::new("net:2".parse::<Framing>()?);
    /// let ((), ticket) = sending.queue_in_place(|reply| reply.extend_from_slice(b"hi"))?;
    /// assert!(ticket.is_some());
    /// assert!(matches!(sending.poll(), Transmit::Write(b"\x00\x02hi")));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Returns an error if the framing cannot encode the message, or if no message may follow the earlier ones. The
    /// queue is unchanged then.
    #[inline(always)] // A call with a result in memory takes as long as the rest.
    pub fn queue_in_place<T>(
        &mut self,
        write: impl FnOnce(&mut Reply<'_>) -> T,
    ) -> Result<(T, Option<Ticket>), SendRefused<E::Error>> {
        self.check_open()?;
        let head_room = usize::from(self.head_len);
        self.make_room(head_room.max(SHORT));
        let mut draft = Draft { start: self.queue.len(), queue: &mut self.queue, is_whole: false };
        let (returned, is_skipped) = draft.written_by(head_room, write);
        draft.is_whole = true;
        let start = draft.start;
        drop(draft);
        let payload_len = self.queue.len().saturating_sub(start + head_room);
        let ticket = match self.framing.short_head(payload_len) {
            Some(head) if !is_skipped => {
                put_short_head(&mut self.queue, start, head_room, head);
                self.head_len = head.len;
                Some(self.count_draft(start))
            }
            _ => self.wrap_draft(start, head_room, is_skipped)?,
        };
        Ok((returned, ticket))
    }

    /// Puts head and suffix around a draft whose head is not short, or removes it if it is skipped.
    #[inline(never)] // so that `queue_in_place` is short
    fn wrap_draft(
        &mut self,
        start: usize,
        head_room: usize,
        is_skipped: bool,
    ) -> Result<Option<Ticket>, SendRefused<E::Error>> {
        let mut envelope = Envelope::EMPTY;
        let mut draft = Draft { start, queue: &mut self.queue, is_whole: false };
        let payload = draft.queue.get(start + head_room..).unwrap_or_default();
        let wrapped = if is_skipped { Ok(()) } else { self.framing.wrap(payload, &mut envelope) };
        if is_skipped || wrapped.is_err() {
            drop(draft);
            self.forget_draft();
            return wrapped.map(|()| None).map_err(SendRefused::Encode);
        }
        let head = envelope.head.as_ref();
        put_head(draft.queue, start, head_room, head);
        draft.queue.extend_from_slice(envelope.suffix.as_ref());
        draft.is_whole = true;
        drop(draft);
        self.head_len = u8::try_from(head.len()).unwrap_or(0);
        if envelope.ends_stream {
            self.state = SendState::Finishing;
        }
        Ok(Some(self.count_draft(start)))
    }

    /// Counts the frame from `start` to the end of the queue.
    #[inline]
    fn count_draft(&mut self, start: usize) -> Ticket {
        let frame_len = self.queue.len() - start;
        let ticket = self.count_accepted(frame_len);
        if frame_len > 0 {
            self.ends.push(ticket.end);
        }
        ticket
    }

    /// Gives up the memory that a draft took, if nothing else is queued.
    #[cold]
    fn forget_draft(&mut self) {
        if self.is_empty() {
            self.give_up_memory();
        }
    }
}

/// The length of most heads, or more.
const SHORT: usize = 8;

/// A frame at the end of the queue. It is removed again unless it becomes whole, also if the handler panics.
struct Draft<'q> {
    queue: &'q mut Vec<u8>,
    start: usize,
    is_whole: bool,
}

impl Draft<'_> {
    /// Lets `write` write behind the room for the head. Returns its result, and whether it skipped the reply.
    #[inline]
    fn written_by<T>(&mut self, head_room: usize, write: impl FnOnce(&mut Reply<'_>) -> T) -> (T, bool) {
        // Eight bytes are copied faster than a number of bytes that the compiler does not know.
        self.queue.extend_from_slice(&[0; SHORT]);
        match head_room {
            0..=SHORT => self.queue.truncate(self.start + head_room),
            _ => self.queue.resize(self.start + head_room, 0),
        }
        let mut reply = Reply::new(self.queue);
        let returned = write(&mut reply);
        (returned, reply.is_skipped)
    }
}

#[inline]
fn put_short_head(queue: &mut Vec<u8>, start: usize, head_room: usize, head: ShortHead) {
    match (usize::from(head.len), head_room) {
        (2, 2) => fill_head(queue, start, [head.bytes[0], head.bytes[1]]),
        (4, 4) => fill_head(queue, start, [head.bytes[0], head.bytes[1], head.bytes[2], head.bytes[3]]),
        (len, _) => put_head(queue, start, head_room, head.bytes.get(..len).unwrap_or_default()),
    }
}

/// Fills the room for a head of this length. The compiler knows it, which makes the copy cheap.
#[inline]
fn fill_head<const LEN: usize>(queue: &mut [u8], start: usize, head: [u8; LEN]) {
    if let Some(room) = queue.get_mut(start..).and_then(<[u8]>::first_chunk_mut) {
        *room = head;
    }
}

/// Fills the room for a head, or moves the payload if the head has another length.
#[inline(never)]
fn put_head(queue: &mut Vec<u8>, start: usize, head_room: usize, head: &[u8]) {
    let room = start..start + head_room;
    match queue.get_mut(room.clone()) {
        Some(room) if room.len() == head.len() => room.copy_from_slice(head),
        _ => drop(queue.splice(room, head.iter().copied())),
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if !self.is_whole {
            self.queue.truncate(self.start);
        }
    }
}
