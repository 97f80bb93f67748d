//! The roles of the non-blocking driver.

use std::time::Duration;

use framelink_transport::TryRecv;
use framelink_transport::nonblocking::{Connection, Connector, Event, TryCall};
use framelink_transport::profile::{ConnectionKind, Short};
use framelink_transport::session::{Matching, Sent};

use crate::cell::{Cell, Role, SHORT, Verdict};
use crate::host::DEADLINE;
use crate::roles::{client, connection};
use crate::support::driver::NonBlocking;
use crate::support::many::by_key;
use crate::way::Way;

pub(crate) const ROLES: &[Role] = &[
    Role { name: "nonblocking Connection::call", is_call: true, run: |cell| connection::<NonBlocking>(cell, true) },
    Role { name: "nonblocking Connection::send", is_call: false, run: |cell| connection::<NonBlocking>(cell, false) },
    Role { name: "nonblocking Duplex by key", is_call: true, run: |cell| duplex(cell, by_key()) },
    Role { name: "nonblocking Duplex in order", is_call: true, run: |cell| duplex(cell, Matching::in_order()) },
    Role {
        name: "nonblocking Client::call, long",
        is_call: true,
        run: |cell| client::<NonBlocking>(cell, ConnectionKind::Long, true),
    },
    Role {
        name: "nonblocking Client::call, short",
        is_call: true,
        run: |cell| client::<NonBlocking>(cell, Short::new(), true),
    },
    Role {
        name: "nonblocking Client::send, long",
        is_call: false,
        run: |cell| client::<NonBlocking>(cell, ConnectionKind::Long, false),
    },
    Role {
        name: "nonblocking Client::send, short",
        is_call: false,
        run: |cell| client::<NonBlocking>(cell, Short::new(), false),
    },
];

fn connect(cell: &Cell) -> Option<Connection> {
    let connector = Connector::new(cell.framing()).within(Duration::from_secs(10)).options(cell.socket());
    cell.connected(connector.connect(cell.address))
}

fn duplex(cell: &mut Cell, matching: Matching) -> Verdict {
    let is_unclean = cell.way == Way::Unclean && !matching.is_in_order();
    if !cell.is_connected() || is_unclean || cell.way.is_ended_by_us() {
        return Verdict::NotApplicable;
    }
    let Some(connection) = connect(cell) else { return Verdict::NotApplicable };
    let mut duplex = connection.duplex(matching);
    match (cell.way, cell.way.earlier()) {
        (Way::NoRoom, Some(earlier)) => drop(duplex.try_send(&earlier).expect("a part is written")),
        (_, Some(earlier)) => {
            let _ = duplex.try_call(&earlier, SHORT).expect("a call");
            while let Ok(TryRecv::Message(_) | TryRecv::Nothing) = duplex.recv_within(DEADLINE) {}
        }
        _ => {}
    }
    let call = match duplex.try_call(&cell.request, cell.time) {
        Ok(TryCall::Begun(call)) => call,
        Ok(TryCall::Full) => return Verdict::Failed { sent: Sent::Not, is_timeout: false, text: "full".to_owned() },
        Err(error) => return Err::<(), _>(error).into(),
    };
    loop {
        match duplex.recv_within(DEADLINE).expect("the first event is the outcome of the call") {
            TryRecv::Message(Event::Failed { call: failed, error }) if failed == call => {
                return Err::<(), _>(error).into();
            }
            TryRecv::Message(Event::Reply { .. }) => return Verdict::Done,
            TryRecv::Message(_) | TryRecv::Nothing => {}
            TryRecv::Closed => panic!("the connection closed before the call failed"),
        }
    }
}
