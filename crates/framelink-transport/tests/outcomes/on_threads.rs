//! The roles of the blocking driver.

use std::thread;
use std::time::Duration;

use framelink_transport::blocking::{Connection, Connector, Link, Pool};
use framelink_transport::profile::{ConnectionKind, Duplex, ExchangeKind, Pooled, Shared, Short};
use framelink_transport::session::Matching;

use crate::cell::{Cell, Role, SHORT, Verdict};
use crate::on_tokio::keyed;
use crate::roles::{client, connection};
use crate::support::driver::Blocking;
use crate::support::many::by_key;
use crate::way::Way;

pub(crate) const ROLES: &[Role] = &[
    Role { name: "blocking Connection::call", is_call: true, run: |cell| connection::<Blocking>(cell, true) },
    Role { name: "blocking Connection::send", is_call: false, run: |cell| connection::<Blocking>(cell, false) },
    Role { name: "blocking Caller::call by key", is_call: true, run: |cell| caller(cell, by_key(), true) },
    Role {
        name: "blocking Caller::call in order",
        is_call: true,
        run: |cell| caller(cell, Matching::in_order(), true),
    },
    Role { name: "blocking Caller::send", is_call: false, run: |cell| caller(cell, by_key(), false) },
    Role {
        name: "blocking Client::call, long",
        is_call: true,
        run: |cell| client::<Blocking>(cell, ConnectionKind::Long, true),
    },
    Role {
        name: "blocking Client::call, short",
        is_call: true,
        run: |cell| client::<Blocking>(cell, Short::new(), true),
    },
    Role {
        name: "blocking Client::send, long",
        is_call: false,
        run: |cell| client::<Blocking>(cell, ConnectionKind::Long, false),
    },
    Role {
        name: "blocking Client::send, short",
        is_call: false,
        run: |cell| client::<Blocking>(cell, Short::new(), false),
    },
    Role { name: "blocking Pool::call", is_call: true, run: |cell| pool(cell, true) },
    Role { name: "blocking Pool::send", is_call: false, run: |cell| pool(cell, false) },
    Role { name: "blocking Link::call, shared", is_call: true, run: |cell| link(cell, Shared::new(2), keyed(), true) },
    Role {
        name: "blocking Link::send, shared",
        is_call: false,
        run: |cell| link(cell, Shared::new(2), keyed(), false),
    },
    Role {
        name: "blocking Link::call, duplex",
        is_call: true,
        run: |cell| link(cell, ConnectionKind::Long, Duplex::new(), true),
    },
    Role {
        name: "blocking Link::send, duplex",
        is_call: false,
        run: |cell| link(cell, ConnectionKind::Long, Duplex::new(), false),
    },
];

fn connect(cell: &Cell) -> Option<Connection> {
    let connector = Connector::new(cell.framing()).within(Duration::from_secs(10)).options(cell.socket());
    cell.connected(connector.connect(cell.address))
}

fn caller(cell: &mut Cell, matching: Matching, is_call: bool) -> Verdict {
    let is_unclean = cell.way == Way::Unclean && !matching.is_in_order();
    if !cell.is_connected() || is_unclean || (matches!(cell.way, Way::EndedByUs | Way::EndedByUsQueued) && !is_call) {
        return Verdict::NotApplicable;
    }
    let Some(connection) = connect(cell) else { return Verdict::NotApplicable };
    let (caller, mut receiver) = connection.duplex(matching);
    let receiving = thread::spawn(move || while let Ok(Some(_)) = receiver.recv() {});
    let aborted = caller.clone();
    match (cell.way, cell.way.earlier()) {
        (Way::NoRoom, Some(earlier)) => drop(caller.send_with_outcome(&earlier, SHORT).expect_err("no room")),
        (Way::EndedByUsQueued, Some(earlier)) => {
            while caller.send_with_outcome(&earlier, SHORT).is_ok() {}
            thread::spawn(move || {
                while aborted.in_flight() == 0 {
                    thread::sleep(Duration::from_millis(1));
                }
                aborted.abort();
            });
        }
        (_, Some(earlier)) => drop(caller.call(&earlier, SHORT).expect_err("no reply")),
        (Way::EndedByUsBefore, _) => caller.abort(),
        (Way::EndedByUs, _) => cell.when_whole(move || aborted.abort()),
        _ => {}
    }
    let verdict = match is_call {
        true => caller.call(&cell.request, cell.time).into(),
        false => caller.send_with_outcome(&cell.request, cell.time).into(),
    };
    caller.abort();
    receiving.join().expect("a receiver that ends");
    verdict
}

fn pool(cell: &mut Cell, is_call: bool) -> Verdict {
    if matches!(cell.way, Way::Unclean | Way::EndedByUsQueued) || (cell.way == Way::EndedByUs && !is_call) {
        return Verdict::NotApplicable;
    }
    let profile = cell.profile(Pooled::new(1), ExchangeKind::Sync);
    let pool = Pool::new(profile, [cell.address.to_string()]).expect("a pool");
    let closed = pool.clone();
    let mut held = None;
    match cell.way {
        Way::NoRoom => held = Some(pool.get().expect("a connection")),
        Way::EndedByUsBefore => {
            let _ = pool.close(Duration::ZERO);
        }
        Way::EndedByUs => cell.when_whole(move || {
            let _ = closed.close(Duration::ZERO);
        }),
        _ => {}
    }
    let verdict = match is_call {
        true => pool.call(&cell.request).into(),
        false => pool.send(&cell.request).into(),
    };
    drop(held);
    verdict
}

fn link(cell: &mut Cell, connection: impl Into<ConnectionKind>, exchange: Duplex, is_call: bool) -> Verdict {
    let is_send_ended = cell.way == Way::EndedByUs && !is_call;
    if matches!(cell.way, Way::Unclean | Way::EndedByUsBefore | Way::EndedByUsQueued) || is_send_ended {
        return Verdict::NotApplicable;
    }
    let profile = cell.profile(connection, exchange);
    let (link, _inbox) = Link::new(profile, cell.address.to_string()).expect("a link");
    let ended = link.clone();
    match (cell.way, cell.way.earlier()) {
        (Way::NoRoom, Some(earlier)) => drop(link.send(&earlier).expect_err("no room")),
        (Way::EndedByUs, _) => cell.when_whole(move || ended.disconnect()),
        _ => {}
    }
    let verdict = match is_call {
        true => link.call(&cell.request).into(),
        false => link.send(&cell.request).into(),
    };
    link.disconnect();
    verdict
}
