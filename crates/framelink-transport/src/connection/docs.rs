//! The documentation of methods whose bodies differ from driver to driver.

macro_rules! docs {
    (stream) => {
        "Returns the stream, to inspect it or to set options of its own. Returns `None` after an error has closed the connection."
    };
    (recv) => {
        "Receives the next message. Returns `None` if the peer has closed its side between two messages.\n\nOn tokio, dropping the \
         future loses no message.\n\n# Errors\nFails if the received bytes are not a frame, if the stream ended inside a frame, or \
         if the connection failed. Whole messages that arrived before the error are returned first."
    };
    (recv_ref) => {
        "Receives the next message like [`recv`](Self::recv), and lends it from the read buffer: without an allocation and without a \
         copy. The message can be used until the next call of this value.\n\nOn tokio, dropping the future loses no message.\n\n\
         # Errors\nFails like [`recv`](Self::recv)."
    };
    (try_recv_ref) => {
        "Returns the next message like [`try_recv`](Self::try_recv), and lends it from the read buffer: without an allocation and \
         without a copy. The message can be used until the next call of this value.\n\n# Errors\nFails like \
         [`try_recv`](Self::try_recv)."
    };
    (recv_within) => {
        "Receives the next message, or reports that none arrived within `limit`. A part of a message that has arrived is kept for \
         the next call.\n\n# Errors\nFails like [`recv`](Self::recv)."
    };
    (recv_incoming) => {
        "Receives the next message that answers no call in flight. Returns `None` if the peer has closed its side between two \
         messages.\n\nOn tokio, dropping the future loses no message.\n\n# Errors\nFails if the received bytes are not a frame, if \
         the stream ended inside a frame, if the connection failed, or if the connection was closed because a reply did not \
         arrive. Whole messages that arrived before the error are returned first. The exception is a missing reply where replies \
         are matched by order: then they are not returned, because they cannot be told from late replies."
    };
    (send_with_outcome) => {
        "Sends one message within `limit`, like [`send_within`](Self::send_within). The error also says what the peer may have \
         seen of the message.\n\n# Errors\nFails like [`send_within`](Self::send_within)."
    };
    (flush_within) => {
        "Writes everything that is queued, within `limit`. After a timeout the rest stays queued.\n\n# Errors\n\
         Fails if the connection failed, or if the socket did not take the bytes in time."
    };
    (finish_within) => {
        "Writes what is queued, then shuts down writing, within `limit`. The peer can go on sending.\n\n# Errors\n\
         Fails if the connection failed, or if the socket did not take the queued bytes in time."
    };
    (duplex) => {
        "Splits the connection into a caller and a receiver, for many calls at a time. `matching` says how replies find their \
         calls. Messages that answer no call go to the receiver. [`Connection`] has an example.\n\nIf an earlier call was \
         not completed, or a call is in flight, the connection is closed, because the late reply cannot be told from other messages."
    };
    (simplex) => {
        "Joins two connections to one peer: this one only sends, the other one only receives. Together they are one link: when \
         either ends, both end and all calls in flight fail. [`Connection`] has an example.\n\nOn the blocking driver a thread of \
         its own watches this connection for its end. If the system has no thread left, the link ends with an error that says so."
    };
    (call) => {
        "Sends a request and receives its reply. One deadline covers all of it: waiting for room among the calls in flight, \
         writing the request, and the reply. (Replies that have arrived by the deadline are still accepted for 10 ms.)\n\n\
         # Errors\nFails if the request was not accepted, for example because its key is in flight; if no reply arrived in time; \
         or if the connection was lost. The error says what the peer may have seen of the request."
    };
    (send) => {
        "Sends a message that is not a request, and returns when the socket has taken all of it.\n\n# Errors\n\
         Fails if the message cannot be sent with this framing, or if the connection was lost."
    };
    (send_of_caller) => {
        "Sends a message that is not a request, within a limit that includes the wait for other messages that are being sent. \
         After a timeout, either the message is not accepted at all, or the rest of it is written before anything else. The error \
         says what the peer may have seen of the message.\n\n# Errors\nFails like [`send`](Self::send), and if the socket did not \
         take the message in time."
    };
    (finish) => {
        "Writes what is queued, then shuts down writing. Replies that are owed can still arrive.\n\n# Errors\n\
         Fails if the connection was lost."
    };
}
pub(crate) use docs;
