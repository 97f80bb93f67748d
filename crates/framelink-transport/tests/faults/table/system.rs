//! The rows that need a network of their own, or processes: tests of their own run their cells, and count them.

use crate::row::{Elsewhere, Row};

const SYSTEM: &str = "crates/framelink-transport/tests/system_faults/rows.rs";

pub(crate) const ROWS: &[Row] = &[
    Row {
        number: 12,
        fault: "the way to the peer is cut while nothing goes",
        behaviour: "each end has noticed within the bound of its heartbeats, and says that the peer is gone",
        here: None,
        elsewhere: &[Elsewhere {
            file: SYSTEM,
            test: "an_idle_link_that_is_cut",
            shows: "on two hosts of its own",
            cells: 18,
        }],
    },
    Row {
        number: 13,
        fault: "the way to the peer is cut while data is unacknowledged",
        behaviour: "the same bound: unacknowledged data does not keep a connection alive",
        here: None,
        elsewhere: &[Elsewhere {
            file: SYSTEM,
            test: "a_link_that_is_cut_with_data_unacknowledged",
            shows: "a request, or a reply, is on its way",
            cells: 18,
        }],
    },
    Row {
        number: 14,
        fault: "the way is cut in one direction",
        behaviour: "both ends notice, each within its bound",
        here: None,
        elsewhere: &[
            Elsewhere {
                file: SYSTEM,
                test: "a_link_that_loses_what_we_send",
                shows: "what we send is lost",
                cells: 18,
            },
            Elsewhere {
                file: SYSTEM,
                test: "a_link_that_loses_what_the_peer_sends",
                shows: "what the peer sends is lost",
                cells: 18,
            },
        ],
    },
    Row {
        number: 15,
        fault: "the way is cut, and is there again before the bound",
        behaviour: "no message is lost, none comes twice, and it is the same connection",
        here: None,
        elsewhere: &[Elsewhere {
            file: SYSTEM,
            test: "a_cut_that_heals_in_time",
            shows: "messages go all the time",
            cells: 18,
        }],
    },
    Row {
        number: 28,
        fault: "no local port is left",
        behaviour: "an error that says so; other peers are dialled as before, also from a source address; the next tries wait",
        here: None,
        elsewhere: &[Elsewhere {
            file: SYSTEM,
            test: "no_local_port_is_left",
            shows: "on a host with 16 ports",
            cells: 9,
        }],
    },
    Row {
        number: 31,
        fault: "the peer's process is killed",
        behaviour: "our end is told at once, and half a frame is told as such; a request is *perhaps sent* and never sent again; a client is answered when the peer is back",
        here: None,
        elsewhere: &[
            Elsewhere { file: SYSTEM, test: "an_idle_peer_that_is_killed", shows: "while nothing goes", cells: 18 },
            Elsewhere {
                file: SYSTEM,
                test: "a_peer_that_is_killed_inside_a_frame",
                shows: "half a frame has come",
                cells: 18,
            },
            Elsewhere {
                file: SYSTEM,
                test: "a_peer_that_is_killed_inside_an_exchange",
                shows: "half a reply has come, or a reply is being made",
                cells: 18,
            },
        ],
    },
    Row {
        number: 33,
        fault: "a server is told to end under load",
        behaviour: "what was taken is answered, each reply arrives, and the process ends in time with code 0",
        here: None,
        elsewhere: &[Elsewhere {
            file: SYSTEM,
            test: "a_server_that_is_told_to_end_under_load",
            shows: "a server of each driver, told by SIGTERM",
            cells: 9,
        }],
    },
    Row {
        number: 34,
        fault: "our process is stopped, and goes on",
        behaviour: "no burst of heartbeats, and no verdict about a peer that is well",
        here: None,
        elsewhere: &[Elsewhere {
            file: SYSTEM,
            test: "a_process_that_is_stopped_and_goes_on",
            shows: "SIGSTOP, SIGCONT",
            cells: 18,
        }],
    },
    Row {
        number: 36,
        fault: "memory is short, and strangers want much",
        behaviour: "the server stays within its budget, and answers others",
        here: None,
        elsewhere: &[Elsewhere {
            file: SYSTEM,
            test: "a_server_that_is_short_of_memory",
            shows: "150 strangers leave the longest message unfinished; the system gives 64 MiB",
            cells: 9,
        }],
    },
    Row {
        number: 37,
        fault: "5, 20 or 50 % of the packets are lost",
        behaviour: "slower, and nothing else: no message is lost or comes twice, and no peer is judged dead",
        here: None,
        elsewhere: &[
            Elsewhere { file: SYSTEM, test: "a_link_that_loses_one_packet_in_twenty", shows: "5 %", cells: 18 },
            Elsewhere { file: SYSTEM, test: "a_link_that_loses_one_packet_in_five", shows: "20 %", cells: 18 },
            Elsewhere { file: SYSTEM, test: "a_link_that_loses_every_second_packet", shows: "50 %", cells: 18 },
        ],
    },
    Row {
        number: 38,
        fault: "the link is slow, and its queue is long",
        behaviour: "no time is over while bytes go",
        here: None,
        elsewhere: &[Elsewhere {
            file: SYSTEM,
            test: "a_slow_link_with_a_long_queue",
            shows: "256 kbit/s for all cells together, 6 s of queue",
            cells: 18,
        }],
    },
    Row {
        number: 39,
        fault: "the interface goes down",
        behaviour: "for long: as row 12; for a moment: as row 15",
        here: None,
        elsewhere: &[
            Elsewhere { file: SYSTEM, test: "an_interface_that_goes_down_for_long", shows: "for good", cells: 18 },
            Elsewhere {
                file: SYSTEM,
                test: "an_interface_that_goes_down_and_up",
                shows: "three times for a tenth of a second",
                cells: 18,
            },
        ],
    },
    Row {
        number: 40,
        fault: "the MTU of the way changes",
        behaviour: "nothing is seen of it",
        here: None,
        elsewhere: &[Elsewhere {
            file: SYSTEM,
            test: "a_path_that_takes_smaller_packets_than_before",
            shows: "576, 1500, 576 bytes",
            cells: 18,
        }],
    },
    Row {
        number: 42,
        fault: "one client comes from many addresses",
        behaviour: "it has one share: `127.0.0.1` and `::ffff:127.0.0.1` are the same, and so are all addresses of a /64",
        here: None,
        elsewhere: &[Elsewhere {
            file: SYSTEM,
            test: "many_addresses_of_one_client",
            shows: "on a host of its own",
            cells: 9,
        }],
    },
    Row {
        number: 47,
        fault: "an administrator kills the socket",
        behaviour: "it is told as a reset, at once",
        here: None,
        elsewhere: &[Elsewhere {
            file: SYSTEM,
            test: "a_socket_that_an_administrator_kills",
            shows: "`ss -K`",
            cells: 18,
        }],
    },
];
