//! The rows that need a network of their own, or processes: tests of their own run their cells, and count them.

use crate::row::{Elsewhere, Row};

const SYSTEM: &str = "crates/framelink-transport/tests/system_faults/rows.rs";
const PROGRAM: &str = "crates/framelink/tests/faults/rows.rs";

pub(crate) const ROWS: &[Row] = &[
    Row {
        number: 12,
        fault: "the way to the peer is cut while nothing goes",
        behaviour: "each end has noticed within the bound of its heartbeats, and says that the peer is gone",
        here: None,
        elsewhere: &[
            Elsewhere { file: SYSTEM, test: "an_idle_link_that_is_cut", shows: "on two hosts of its own", cells: 18 },
            Elsewhere {
                file: PROGRAM,
                test: "a_leg_that_is_cut",
                shows: "either leg of a bridge: its other side is told",
                cells: 6,
            },
        ],
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
                test: "a_link_that_loses_the_packets_that_we_send",
                shows: "what we send is lost",
                cells: 18,
            },
            Elsewhere {
                file: SYSTEM,
                test: "a_link_that_loses_the_packets_of_the_peer",
                shows: "what the peer sends is lost",
                cells: 18,
            },
            Elsewhere {
                file: PROGRAM,
                test: "a_leg_that_loses_what_we_send",
                shows: "either leg of a bridge",
                cells: 6,
            },
            Elsewhere {
                file: PROGRAM,
                test: "a_leg_that_loses_what_the_peer_sends",
                shows: "either leg of a bridge",
                cells: 6,
            },
        ],
    },
    Row {
        number: 15,
        fault: "the way is cut, and is there again before the bound",
        behaviour: "no message is lost, none comes twice, and it is the same connection",
        here: None,
        elsewhere: &[
            Elsewhere { file: SYSTEM, test: "a_cut_that_heals_in_time", shows: "messages go all the time", cells: 18 },
            Elsewhere {
                file: PROGRAM,
                test: "a_leg_that_is_cut_and_heals_in_time",
                shows: "either leg of a bridge",
                cells: 6,
            },
        ],
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
        number: 32,
        fault: "a bridge is killed under load",
        behaviour: "both its sides are told; no message comes twice, and each is answered or its sender knows that it was not",
        here: None,
        elsewhere: &[Elsewhere {
            file: PROGRAM,
            test: "a_bridge_that_is_killed_under_load",
            shows: "long, short, pooled and shared connections to the host; both ends keep a ledger",
            cells: 12,
        }],
    },
    Row {
        number: 33,
        fault: "a server is told to end under load",
        behaviour: "what was taken is answered, each reply arrives, and the process ends in time with code 0",
        here: None,
        elsewhere: &[
            Elsewhere {
                file: SYSTEM,
                test: "a_server_that_is_told_to_end_under_load",
                shows: "a server of each driver, told by SIGTERM",
                cells: 9,
            },
            Elsewhere {
                file: PROGRAM,
                test: "a_bridge_that_is_told_to_end_under_load",
                shows: "long, short, pooled and shared connections to the host",
                cells: 12,
            },
            Elsewhere {
                file: PROGRAM,
                test: "a_server_that_is_told_to_end_under_load",
                shows: "`framelink serve`",
                cells: 3,
            },
        ],
    },
    Row {
        number: 34,
        fault: "our process is stopped, and goes on",
        behaviour: "no burst of heartbeats, and no verdict about a peer that is well",
        here: None,
        elsewhere: &[
            Elsewhere {
                file: SYSTEM,
                test: "a_process_that_is_stopped_and_goes_on",
                shows: "SIGSTOP, SIGCONT",
                cells: 18,
            },
            Elsewhere {
                file: PROGRAM,
                test: "a_bridge_that_is_stopped_and_goes_on",
                shows: "either leg of a bridge",
                cells: 6,
            },
        ],
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
        behaviour: "slower, and nothing else, as long as the bound of the heartbeats is longer than the queue takes",
        here: None,
        elsewhere: &[Elsewhere {
            file: SYSTEM,
            test: "a_slow_link_with_a_long_queue",
            shows: "256 kbit/s for all cells together, 6 s of queue, a bound of 10.5 s",
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
        number: 43,
        fault: "the header of the PROXY protocol at the start of a connection",
        behaviour: "recognised whatever the framing and however it is cut, told, and the connection is closed; the beginning of one that goes on otherwise is data",
        here: None,
        elsewhere: &[
            Elsewhere {
                file: "crates/framelink-session/tests/proxy_header.rs",
                test: "a_header_is_recognised_with_any_framing_however_it_is_cut",
                shows: "both versions, cut at each byte",
                cells: 0,
            },
            Elsewhere {
                file: "crates/framelink-session/tests/proxy_header.rs",
                test: "the_beginning_of_a_header_that_goes_on_otherwise_is_data",
                shows: "forged and truncated ones",
                cells: 0,
            },
            Elsewhere {
                file: "crates/framelink-transport/tests/serving/proxy.rs",
                test: "a_header_ends_the_connection_before_any_message",
                shows: "a listener of each driver",
                cells: 0,
            },
            Elsewhere {
                file: "crates/framelink/tests/command_line/bridge_exchanges.rs",
                test: "a_header_of_a_proxy_is_told_and_the_host_is_not_dialled_for_it",
                shows: "a bridge",
                cells: 0,
            },
        ],
    },
    Row {
        number: 44,
        fault: "a server restarts, and many clients come back",
        behaviour: "after an outage of a minute no second has more than 5 % of them, and all are back within another minute",
        here: None,
        elsewhere: &[
            Elsewhere {
                file: "crates/framelink-transport/tests/addresses/outages.rs",
                test: "a_thousand_clients_reconnect_spread_over_time_after_an_outage_of_a_minute",
                shows: "a thousand clients, on a virtual clock; the rule is one for all drivers",
                cells: 0,
            },
            Elsewhere {
                file: "crates/framelink-transport/tests/reconnect/outages.rs",
                test: "two_hundred_clients_reconnect_without_a_storm",
                shows: "two hundred clients of tokio, on real sockets",
                cells: 0,
            },
        ],
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
    Row {
        number: 50,
        fault: "standard output or standard error cannot be written",
        behaviour: "a command that prints ends with 1 and says why; one that only logs goes on",
        here: None,
        elsewhere: &[
            Elsewhere {
                file: PROGRAM,
                test: "a_standard_output_that_is_full",
                shows: "`serve`, `listen`, `bridge`, `send`, `inspect`",
                cells: 15,
            },
            Elsewhere { file: PROGRAM, test: "a_standard_error_that_is_full", shows: "`serve`", cells: 3 },
        ],
    },
];
