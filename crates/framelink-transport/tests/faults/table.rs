//! All rows.

use crate::cell::{BOTH, CLIENT, SERVER};
use crate::row::{Elsewhere, Row, cells};

mod system;

/// All rows, in the order of their numbers.
pub(crate) fn all() -> Vec<&'static Row> {
    let mut all: Vec<_> = ROWS.iter().chain(system::ROWS).collect();
    all.sort_by_key(|row| row.number);
    all
}

/// Those that are run here, or that the tests of other things hold.
const ROWS: &[Row] = &[
    Row {
        number: 1,
        fault: "frames arrive in two or three pieces, cut at every byte",
        behaviour: "the messages are those of a stream in one piece",
        here: cells!(BOTH, pieces::cut_anywhere),
        elsewhere: &[],
    },
    Row {
        number: 2,
        fault: "1 to 10000 frames arrive in one piece",
        behaviour: "all are delivered, in order",
        here: cells!(BOTH, pieces::many_at_once),
        elsewhere: &[beside(
            "crates/framelink-transport/tests/connections/fairness.rs",
            "ten_thousand_frames_of_one_read_arrive_in_order_and_other_tasks_run",
            "other connections have their turn meanwhile",
        )],
    },
    Row {
        number: 3,
        fault: "bytes arrive one at a time",
        behaviour: "the message is delivered; single bytes do not extend the time limit of a call or of a frame",
        here: cells!(BOTH, pieces::a_byte_at_a_time),
        elsewhere: &[],
    },
    Row {
        number: 4,
        fault: "bytes that cannot be a header",
        behaviour: "an error that names the bytes and blames the peer; later bytes do not change the error",
        here: cells!(BOTH, headers::garbage),
        elsewhere: &[],
    },
    Row {
        number: 5,
        fault: "a header that announces more than the limit",
        behaviour: "an error at the header, before any byte of the payload; the error names both numbers",
        here: cells!(BOTH, headers::oversize),
        elsewhere: &[beside(
            "crates/framelink-transport/tests/memory.rs",
            "announced_bytes_are_not_allocated_before_they_arrive",
            "nothing is allocated for the announced bytes",
        )],
    },
    Row {
        number: 6,
        fault: "the stream ends at each byte of a frame",
        behaviour: "an end between frames is orderly; an end inside a frame is an error with the number of bytes received and missing",
        here: cells!(BOTH, truncated::at_each_byte),
        elsewhere: &[],
    },
    Row {
        number: 7,
        fault: "a reset inside a frame",
        behaviour: "a reset is reported, never an orderly end; the part of the message is not delivered",
        here: cells!(BOTH, resets::inside_a_frame),
        elsewhere: &[],
    },
    Row {
        number: 8,
        fault: "a reset after whole messages that were not read yet",
        behaviour: "the messages are delivered first, then the reset is reported",
        here: cells!(BOTH, resets::behind_whole_messages),
        elsewhere: &[],
    },
    Row {
        number: 9,
        fault: "the peer closes without having read the request",
        behaviour: "a reset is reported, and the request was *perhaps sent*",
        here: cells!(BOTH, resets::with_unread_data),
        elsewhere: &[],
    },
    Row {
        number: 10,
        fault: "the program writes to a peer that has closed",
        behaviour: "an error at the second write at the latest, and at every later one; every write tells the system to raise no signal",
        here: cells!(BOTH, resets::writing_after_the_close),
        elsewhere: &[beside(
            "crates/framelink-transport/src/blocking/stream.rs",
            "write_parts",
            "no `SIGPIPE` in a program that uses framelink; a test in Rust cannot see the signal, because Rust programs ignore it",
        )],
    },
    Row {
        number: 11,
        fault: "the peer closes its side while a reply is owed",
        behaviour: "the whole reply is still sent, and then this side ends",
        here: cells!(BOTH, truncated::half_closed_with_a_reply_owed),
        elsewhere: &[],
    },
    Row {
        number: 16,
        fault: "the peer reads nothing, so that the window closes",
        behaviour: "sending and calling end at their time limit; the bytes that wait are bounded; other connections go on",
        here: cells!(BOTH, window::closed),
        elsewhere: &[beside(
            "crates/framelink-transport/tests/connections/back_pressure.rs",
            "feeding_stops_at_64_kib_and_one_frame_and_goes_on_when_the_peer_reads",
            "how many bytes wait",
        )],
    },
    Row {
        number: 17,
        fault: "the peer never replies, though its kernel answers",
        behaviour: "the call ends at its time limit as *sent, no reply*; without keys the connection accepts no other call",
        here: cells!(BOTH, replies::none),
        elsewhere: &[],
    },
    Row {
        number: 18,
        fault: "the reply arrives after the call was given up",
        behaviour: "the reply answers no other call: without keys the connection accepts no other call, with keys the reply is reported as late",
        here: cells!(BOTH, replies::late),
        elsewhere: &[],
    },
    Row {
        number: 19,
        fault: "the reply arrives twice",
        behaviour: "the copy answers no other call: without keys the next call is refused, with keys the copy is delivered as a message",
        here: cells!(BOTH, replies::twice),
        elsewhere: &[],
    },
    Row {
        number: 20,
        fault: "replies arrive in another order",
        behaviour: "with keys each reply finds its request (without keys only the order matches replies, as the profile promises)",
        here: cells!(BOTH, replies::in_another_order),
        elsewhere: &[],
    },
    Row {
        number: 21,
        fault: "an unsolicited message arrives while the connection is idle",
        behaviour: "the next call finds the message before it writes, fails as *not sent*, and the connection is given up",
        here: cells!(BOTH, replies::unsolicited),
        elsewhere: &[beside(
            "crates/framelink-transport/tests/pool/hostile.rs",
            "misbehaving",
            "a pool closes such a connection and gives out another",
        )],
    },
    Row {
        number: 22,
        fault: "an operation is given up at any point",
        behaviour: "no byte is lost, and half a frame is never followed by another message",
        here: cells!(BOTH, cancelled::anywhere),
        elsewhere: &[
            beside(
                "crates/framelink-transport/tests/duplex/cancel.rs",
                "calls_dropped_at_every_poll_lose_nothing_and_answer_no_other",
                "calls by key",
            ),
            beside(
                "crates/framelink-transport/tests/connections/cancel.rs",
                "a_dropped_send_is_written_whole_or_not_at_all_before_the_next_message",
                "dropped at every poll, on scripted streams",
            ),
        ],
    },
    Row {
        number: 23,
        fault: "heartbeats and messages are sent in both directions at once",
        behaviour: "no heartbeat is inside a frame, is delivered, or counts as a reply",
        here: cells!(BOTH, beats::beside_messages),
        elsewhere: &[beside(
            "crates/framelink-transport/tests/drivers/heartbeats.rs",
            "a_million_messages_pass_whole_and_in_order_beside_heartbeats",
            "with a million messages",
        )],
    },
    Row {
        number: 24,
        fault: "both ends send heartbeats and answer them",
        behaviour: "at most two heartbeats an interval, both directions together",
        here: cells!(BOTH, beats::from_both_ends),
        elsewhere: &[beside(
            "crates/framelink-session/tests/liveness/quiet.rs",
            "two_framelink_ends_send_at_most_two_heartbeats_in_an_interval",
            "on a virtual clock",
        )],
    },
    Row {
        number: 25,
        fault: "the peer sends empty messages without end",
        behaviour: "a server closes the connection if it receives more a second than it allows; a client's operations end at their time limit",
        here: cells!(BOTH, floods::of_empty_messages),
        elsewhere: &[beside(
            "crates/framelink-transport/tests/memory.rs",
            "ten_million_empty_frames_leave_nothing_behind",
            "the memory of ten million",
        )],
    },
    Row {
        number: 26,
        fault: "the process has no file descriptor left",
        behaviour: "a server waits without work, answers connected clients, and accepts once a descriptor is free again; a call was *not sent*",
        here: cells!(BOTH, descriptors::exhausted),
        elsewhere: &[beside(
            "crates/framelink-transport/tests/server/exhausted.rs",
            "a_server_of_threads_without_descriptors_idles_and_accepts_again_within_a_second",
            "the time until it accepts again",
        )],
    },
    Row {
        number: 27,
        fault: "the system's `accept` fails, with each of its errors",
        behaviour: "an error of one connection: the next connection is accepted at once; an error of this process: reported once, and tried again after a pause",
        here: None,
        elsewhere: &[
            Elsewhere {
                file: "crates/framelink-transport/src/net/accepting/tests.rs",
                test: "a_listener_of_each_driver_survives_every_error_of_accept",
                shows: "ten errors, with each framing and driver; inside the crate, where `accept` can be made to fail",
                cells: 9,
            },
            Elsewhere {
                file: "crates/framelink-transport/src/net/accepting/tests.rs",
                test: "a_server_survives_every_error_of_accept",
                shows: "the servers of two drivers (the non-blocking driver has none)",
                cells: 6,
            },
        ],
    },
    Row {
        number: 29,
        fault: "the queue of connections that wait to be accepted is full",
        behaviour: "dialling ends at its time limit, as *not sent*, and works once there is room; a server that accepts again serves all waiting clients",
        here: cells!(BOTH, dialling::a_full_queue),
        elsewhere: &[],
    },
    Row {
        number: 30,
        fault: "no program listens on the port",
        behaviour: "an error that says so, with the address; calls were *not sent*; the delays before the next tries grow, shortened at random",
        here: cells!(CLIENT, dialling::a_closed_port),
        elsewhere: &[beside(
            "crates/framelink-transport/tests/addresses/outages.rs",
            "a_thousand_clients_reconnect_spread_over_time_after_an_outage_of_a_minute",
            "the delays, on a virtual clock",
        )],
    },
    Row {
        number: 35,
        fault: "the wall clock jumps by a day",
        behaviour: "no effect: deadlines use a clock that only goes forward; only the `time_ms` of `--json` and the times in templates use the wall clock",
        here: None,
        elsewhere: &[beside(
            "crates/framelink-transport/tests/faults/wall_clock.rs",
            "no_code_decides_by_the_wall_clock",
            "no other source names the wall clock, and `clippy.toml` forbids it",
        )],
    },
    Row {
        number: 41,
        fault: "many clients send nothing, or single bytes",
        behaviour: "each is closed when its time is over, and an honest client is answered meanwhile",
        here: cells!(SERVER, strangers::that_are_slow),
        elsewhere: &[
            beside(
                "crates/framelink-transport/tests/server_resources.rs",
                "a_stranger_uses_few_resources_and_leaves_none_behind",
                "the bytes that one such client holds",
            ),
            beside(
                "crates/framelink-transport/tests/server/dribblers.rs",
                "a_thousand_dribblers_are_closed_in_time_and_delay_no_honest_client",
                "a thousand of them",
            ),
        ],
    },
    Row {
        number: 45,
        fault: "a server accepts and closes at once, again and again",
        behaviour: "the delays between dials grow up to the cap; only a reply starts them again",
        here: cells!(CLIENT, dialling::a_flapping_server),
        elsewhere: &[beside(
            "crates/framelink-transport/tests/reconnect/outages.rs",
            "a_flapping_server_is_dialled_less_and_less",
            "the counts of the client",
        )],
    },
    Row {
        number: 46,
        fault: "a name has no address, is not resolved, resolves to another address later, or has a dead address",
        behaviour: "dialling ends at its time limit, resolves the name for each dial, and tries each address",
        here: cells!(CLIENT, dialling::names),
        elsewhere: &[
            beside(
                "crates/framelink-transport/tests/reconnect/names.rs",
                "the_address_of_a_name_that_answered_is_tried_first",
                "which address is tried first",
            ),
            beside(
                "crates/framelink-transport/tests/racing.rs",
                "a_silent_address_does_not_delay_the_next_one_for_long",
                "an address that does not answer costs 250 ms",
            ),
        ],
    },
    Row {
        number: 48,
        fault: "a handler panics",
        behaviour: "only its connection ends, after the replies that were ready before",
        here: cells!(BOTH, panics::of_a_handler),
        elsewhere: &[beside(
            "crates/framelink-transport/tests/server/faults.rs",
            "misbehave",
            "the counts of a server",
        )],
    },
    Row {
        number: 49,
        fault: "the system interrupts a read or write, refuses it, or transfers one byte or none",
        behaviour: "no byte is lost or sent twice, and no loop spins; a write that transfers nothing is an error",
        here: cells!(BOTH, scripted::reads_and_writes),
        elsewhere: &[],
    },
];

/// A test that shows more of the row, and is no table of cells.
const fn beside(file: &'static str, test: &'static str, shows: &'static str) -> Elsewhere {
    Elsewhere { file, test, shows, cells: 0 }
}
