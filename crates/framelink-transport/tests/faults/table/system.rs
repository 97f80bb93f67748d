//! The rows that need a network of their own, or processes: tests of their own run their cells, and count them.

use crate::row::{Elsewhere, Row};

const SYSTEM: &str = "crates/framelink-transport/tests/system_faults/rows.rs";
const PROGRAM: &str = "crates/framelink/tests/faults/rows.rs";

pub(crate) const ROWS: &[Row] = &[
    Row {
        number: 12,
        fault: "the route to the peer is cut while nothing is sent",
        behaviour: "each side notices within the bound of its heartbeats, and reports that the peer is gone",
        here: None,
        elsewhere: &[
            Elsewhere { file: SYSTEM, test: "an_idle_link_that_is_cut", shows: "on two hosts of its own", cells: 18 },
            Elsewhere {
                file: PROGRAM,
                test: "a_leg_that_is_cut",
                shows: "either leg of a bridge: the other side learns of it",
                cells: 6,
            },
        ],
    },
    Row {
        number: 13,
        fault: "the route to the peer is cut while data is unacknowledged",
        behaviour: "as row 12, within that bound: unacknowledged data does not keep a connection alive",
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
        fault: "the route is cut in one direction",
        behaviour: "both sides notice, each within its bound",
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
        fault: "the route is cut, and restored before the bound",
        behaviour: "no message is lost or delivered twice, and the connection stays",
        here: None,
        elsewhere: &[
            Elsewhere {
                file: SYSTEM,
                test: "a_cut_that_heals_in_time",
                shows: "messages are sent all the time",
                cells: 18,
            },
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
        behaviour: "an error that says so; other peers are dialled as before, also from a source address; the next tries are delayed",
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
        behaviour: "this side learns of it at once, and half a frame is reported as such; a request is *perhaps sent* and never sent again; a client is answered when the peer is back",
        here: None,
        elsewhere: &[
            Elsewhere { file: SYSTEM, test: "an_idle_peer_that_is_killed", shows: "while nothing is sent", cells: 18 },
            Elsewhere {
                file: SYSTEM,
                test: "a_peer_that_is_killed_inside_a_frame",
                shows: "half a frame has arrived",
                cells: 18,
            },
            Elsewhere {
                file: SYSTEM,
                test: "a_peer_that_is_killed_inside_an_exchange",
                shows: "half a reply has arrived, or a reply is being prepared",
                cells: 18,
            },
        ],
    },
    Row {
        number: 32,
        fault: "a bridge is killed under load",
        behaviour: "both sides learn of it; no message is delivered twice, and each message is answered, or its sender knows that it was not",
        here: None,
        elsewhere: &[Elsewhere {
            file: PROGRAM,
            test: "a_bridge_that_is_killed_under_load",
            shows: "long, short, pooled and shared connections to the host; both ends record every message",
            cells: 12,
        }],
    },
    Row {
        number: 33,
        fault: "a server is told to end under load",
        behaviour: "messages that were accepted are answered, each reply arrives, and the process ends in time with code 0",
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
        fault: "this process is stopped, and continues",
        behaviour: "no burst of heartbeats, and no healthy peer is declared dead",
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
        fault: "memory is short, and unknown clients need much",
        behaviour: "the server stays within its budget, and answers others",
        here: None,
        elsewhere: &[Elsewhere {
            file: SYSTEM,
            test: "a_server_that_is_short_of_memory",
            shows: "150 unknown clients leave the longest message unfinished; the process may use 64 MiB",
            cells: 9,
        }],
    },
    Row {
        number: 37,
        fault: "5, 20 or 50 % of the packets are lost",
        behaviour: "slower, and nothing else: no message is lost or delivered twice, and no peer is declared dead",
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
        behaviour: "slower, and nothing else, while the bound of the heartbeats is longer than the delay of the queue",
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
        behaviour: "for a long time: as row 12; for a moment: as row 15",
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
        fault: "the MTU of the route changes",
        behaviour: "no effect is visible",
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
        behaviour: "the client has one share: `127.0.0.1` and `::ffff:127.0.0.1` are one client, and so are all addresses of a /64",
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
        fault: "a PROXY protocol header at the start of a connection",
        behaviour: "the header is recognised with any framing, in any pieces, and reported, and the connection is closed; bytes that only begin like a header are data",
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
                shows: "a thousand clients, on a virtual clock; all drivers share the rule",
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
        behaviour: "a reset is reported at once",
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
        behaviour: "a command that prints ends with exit code 1 and says why; a command that only logs goes on",
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
