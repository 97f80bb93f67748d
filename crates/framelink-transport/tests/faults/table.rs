//! All rows.

use crate::cell::BOTH;
use crate::row::{Elsewhere, Row, cells};

pub(crate) const ROWS: &[Row] = &[
    Row {
        number: 1,
        fault: "frames arrive in two or three pieces, cut at every byte",
        behaviour: "the messages are the same as from one piece",
        here: cells!(BOTH, pieces::cut_anywhere),
        elsewhere: &[],
    },
    Row {
        number: 2,
        fault: "1 to 10000 frames arrive in one piece",
        behaviour: "all are delivered, in order",
        here: cells!(BOTH, pieces::many_at_once),
        elsewhere: &[Elsewhere {
            file: "crates/framelink-transport/tests/fairness.rs",
            test: "ten_thousand_frames_of_one_read_come_in_order_and_others_have_their_turn",
            shows: "others have their turn meanwhile",
            cells: 0,
        }],
    },
    Row {
        number: 3,
        fault: "one byte at a time",
        behaviour: "the message is delivered; bytes that trickle in do not extend the time of a call or of a frame",
        here: cells!(BOTH, pieces::a_byte_at_a_time),
        elsewhere: &[],
    },
    Row {
        number: 4,
        fault: "a header that is none",
        behaviour: "an error that names the bytes and blames the peer; it stays, whatever comes behind it",
        here: cells!(BOTH, headers::garbage),
        elsewhere: &[],
    },
    Row {
        number: 5,
        fault: "a header that announces more than the limit",
        behaviour: "refused at the header, before any byte of the payload; the error names both numbers",
        here: cells!(BOTH, headers::oversize),
        elsewhere: &[],
    },
    Row {
        number: 6,
        fault: "the stream ends at each byte of a frame",
        behaviour: "between frames that is an end in good order; inside a frame it is an error with the bytes that came and that were owed",
        here: cells!(BOTH, truncated::at_each_byte),
        elsewhere: &[],
    },
    Row {
        number: 7,
        fault: "a reset inside a frame",
        behaviour: "a reset, never an end in good order; the part of the message is not delivered",
        here: cells!(BOTH, resets::inside_a_frame),
        elsewhere: &[],
    },
    Row {
        number: 8,
        fault: "a reset behind whole messages that were not read yet",
        behaviour: "the messages are delivered first, then the reset is told",
        here: cells!(BOTH, resets::behind_whole_messages),
        elsewhere: &[],
    },
    Row {
        number: 9,
        fault: "the peer closes without having read the request",
        behaviour: "a reset, and the request was *perhaps sent*",
        here: cells!(BOTH, resets::with_unread_data),
        elsewhere: &[],
    },
    Row {
        number: 10,
        fault: "writing to a peer that has closed",
        behaviour: "an error at the second write at the latest, which stays; every write asks for no signal",
        here: cells!(BOTH, resets::writing_after_the_close),
        elsewhere: &[Elsewhere {
            file: "crates/framelink-transport/src/blocking/stream.rs",
            test: "write_parts",
            shows: "no `SIGPIPE` for a program that embeds us; a test in Rust cannot see it, because Rust programs ignore that signal",
            cells: 0,
        }],
    },
    Row {
        number: 11,
        fault: "the peer closes its side while a reply is owed",
        behaviour: "the reply is still sent, whole, and then our end",
        here: cells!(BOTH, truncated::half_closed_with_a_reply_owed),
        elsewhere: &[],
    },
    Row {
        number: 49,
        fault: "the system interrupts a read or write, refuses it, takes one byte, or takes none",
        behaviour: "no byte is lost or sent twice, and no loop spins; a write that takes nothing is an error",
        here: cells!(BOTH, scripted::reads_and_writes),
        elsewhere: &[],
    },
];
