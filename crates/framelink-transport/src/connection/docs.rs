//! The documentation of methods whose bodies differ from driver to driver.

macro_rules! docs {
    (stream) => {
        "The stream, to look at it or to set options of its own; `None` after it was closed because of an error."
    };
    (recv) => {
        "Receives the next message; `None` when the peer has closed its side between two.\n\nOn tokio, dropping the future loses \
         nothing.\n\n# Errors\nWhen what came is no frame, when the stream ended inside one, or when the connection failed. Whole \
         messages that came before that are delivered first."
    };
    (recv_within) => {
        "Receives the next message, or says that none came within that time. What has come of one is kept.\n\n# Errors\n\
         As [`recv`](Self::recv)."
    };
    (recv_incoming) => {
        "Receives the next message that answers no call in flight. Returns `None` when the peer has closed its side between two \
         messages.\n\nOn tokio, dropping the future loses nothing.\n\n# Errors\nWhen the bytes that came are no frame, when the \
         stream ended inside a frame, when the connection failed, or when it was given up because a reply did not come. Whole \
         messages that came before that are delivered first. After a reply in order failed to come they are not, because they \
         cannot be told from late replies."
    };
    (send_with_outcome) => {
        "Sends one message within that time, like [`send_within`](Self::send_within). The error also says what the peer may have \
         seen of the message.\n\n# Errors\nAs [`send_within`](Self::send_within)."
    };
    (flush_within) => {
        "Writes all that is queued within that time. When that is over the rest stays queued.\n\n# Errors\n\
         When the connection failed, and when the socket did not take it in time."
    };
    (finish_within) => {
        "Ends our side within that time: what is queued is written, then writing is shut down. The peer can go on sending.\n\n\
         # Errors\nWhen the connection failed, and when the socket did not take what was queued in time."
    };
    (duplex) => {
        "For many calls at a time: replies find their calls as `matching` says, and a message that answers none is for the one \
         that receives. [`Connection`] has an example.\n\nAfter a call that was given up, or while one is under way, the \
         connection is closed: nothing could be told from its late reply."
    };
    (simplex) => {
        "Two connections with one peer: this one only to send, the other only to receive. Together they are one link: what ends \
         one ends both, and all calls in flight are told. [`Connection`] has an example.\n\nWith the blocking driver a thread of \
         its own watches this one for its end; where the system has no thread left the link has ended, with an error that says so."
    };
    (call) => {
        "Sends a request and receives its reply. One deadline covers all of it: waiting until there is room among the calls in \
         flight, writing the request, and the reply. (What has arrived by then is taken for 10 ms more.)\n\n# Errors\nWhen the \
         request was not accepted, because its key is in flight for example; when no reply came in time; and when the connection \
         was lost. The error says what the peer may have seen of the request."
    };
    (send) => {
        "Sends a message that is no request, and returns when the socket has taken all of it.\n\n# Errors\n\
         When the message cannot be sent with this framing, and when the connection was lost."
    };
    (send_of_caller) => {
        "Sends a message that is no request within that time, which covers waiting for other messages that are being sent. When \
         the time is over, either the message is not accepted at all, or the rest of it leaves before anything else. The error \
         says what the peer may have seen of the message.\n\n# Errors\nAs [`send`](Self::send), and when the socket did not \
         take the message in time."
    };
    (finish) => {
        "Ends our side: writes what is queued, then shuts writing down. Replies that are owed can still come.\n\n# Errors\n\
         When the connection was lost."
    };
}
pub(crate) use docs;
