//! The roles of the tokio driver.

use std::thread;
use std::time::Duration;

use framelink_transport::profile::{ConnectionKind, ExchangeKind};
use framelink_transport::profile::{Duplex, Pooled, Shared, Short};
use framelink_transport::session::Matching;
use framelink_transport::tokio::{Caller, Client, Connection, Connector, Link, Pool};
use tower::Service;

use crate::cell::{Cell, Role, SHORT, Verdict};
use crate::roles::{client, connection};
use crate::support::driver::Tokio;
use crate::support::many::by_key;
use crate::support::runtime;
use crate::way::Way;

pub(crate) const ROLES: &[Role] = &[
    Role { name: "tokio Connection::call", is_call: true, run: |cell| connection::<Tokio>(cell, true) },
    Role { name: "tokio Connection::send", is_call: false, run: |cell| connection::<Tokio>(cell, false) },
    Role { name: "tokio Caller::call by key", is_call: true, run: |cell| caller(cell, by_key(), Use::Call) },
    Role {
        name: "tokio Caller::call in order",
        is_call: true,
        run: |cell| caller(cell, Matching::in_order(), Use::Call),
    },
    Role { name: "tokio Caller::send", is_call: false, run: |cell| caller(cell, by_key(), Use::Send) },
    Role { name: "tower Timed", is_call: true, run: |cell| caller(cell, by_key(), Use::Service) },
    Role {
        name: "tokio Client::call, long",
        is_call: true,
        run: |cell| client::<Tokio>(cell, ConnectionKind::Long, true),
    },
    Role { name: "tokio Client::call, short", is_call: true, run: |cell| client::<Tokio>(cell, Short::new(), true) },
    Role {
        name: "tokio Client::send, long",
        is_call: false,
        run: |cell| client::<Tokio>(cell, ConnectionKind::Long, false),
    },
    Role { name: "tokio Client::send, short", is_call: false, run: |cell| client::<Tokio>(cell, Short::new(), false) },
    Role { name: "tower Sequential", is_call: true, run: |cell| sequential(cell) },
    Role { name: "tokio Pool::call", is_call: true, run: |cell| pool(cell, true) },
    Role { name: "tokio Pool::send", is_call: false, run: |cell| pool(cell, false) },
    Role {
        name: "tokio Link::call, shared",
        is_call: true,
        run: |cell| link(cell, Shared::new(2), keyed(), Use::Call),
    },
    Role {
        name: "tokio Link::send, shared",
        is_call: false,
        run: |cell| link(cell, Shared::new(2), keyed(), Use::Send),
    },
    Role {
        name: "tokio Link::call, duplex",
        is_call: true,
        run: |cell| link(cell, ConnectionKind::Long, Duplex::new(), Use::Call),
    },
    Role {
        name: "tokio Link::send, duplex",
        is_call: false,
        run: |cell| link(cell, ConnectionKind::Long, Duplex::new(), Use::Send),
    },
    Role { name: "tower Link", is_call: true, run: |cell| link(cell, Shared::new(2), keyed(), Use::Service) },
];

/// The operation of the role.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Call,
    Send,
    Service,
}

pub(crate) fn keyed() -> Duplex {
    Duplex::new().key("0:2".parse().expect("a place"))
}

async fn connect(cell: &Cell) -> Option<Connection> {
    let connector = Connector::new(cell.framing()).within(Duration::from_secs(10)).options(cell.socket());
    cell.connected(connector.connect(cell.address).await)
}

fn caller(cell: &mut Cell, matching: Matching, used: Use) -> Verdict {
    let is_unclean = cell.way == Way::Unclean && !matching.is_in_order();
    if !cell.is_connected()
        || is_unclean
        || (matches!(cell.way, Way::EndedByUs | Way::EndedByUsQueued) && used == Use::Send)
    {
        return Verdict::NotApplicable;
    }
    runtime().block_on(async {
        let Some(connection) = connect(cell).await else { return Verdict::NotApplicable };
        let (caller, mut receiver) = connection.duplex(matching);
        tokio::spawn(async move { while let Ok(Some(_)) = receiver.recv().await {} });
        prepare_caller(cell, &caller).await;
        match used {
            Use::Call => caller.call(&cell.request, cell.time).await.into(),
            Use::Send => caller.send_with_outcome(&cell.request, cell.time).await.into(),
            Use::Service => caller.timed(cell.time).call(cell.request.clone().into()).await.into(),
        }
    })
}

async fn prepare_caller(cell: &mut Cell, caller: &Caller) {
    let aborted = caller.clone();
    match (cell.way, cell.way.earlier()) {
        (Way::NoRoom, Some(earlier)) => {
            let _ = tokio::time::timeout(SHORT, caller.send(&earlier)).await.expect_err("no room");
        }
        (Way::EndedByUsQueued, Some(earlier)) => {
            while caller.send_with_outcome(&earlier, SHORT).await.is_ok() {}
            thread::spawn(move || {
                while aborted.in_flight() == 0 {
                    thread::sleep(Duration::from_millis(1));
                }
                aborted.abort();
            });
        }
        (_, Some(earlier)) => drop(caller.call(&earlier, SHORT).await.expect_err("no reply")),
        (Way::EndedByUsBefore, _) => caller.abort(),
        (Way::EndedByUs, _) => cell.when_whole(move || aborted.abort()),
        _ => {}
    }
}

fn sequential(cell: &Cell) -> Verdict {
    if matches!(cell.way, Way::NoRoom | Way::Unclean) || cell.way.is_ended_by_us() {
        return Verdict::NotApplicable;
    }
    let profile = cell.profile(ConnectionKind::Long, ExchangeKind::Sync);
    runtime().block_on(async {
        let client = Client::new(profile, cell.address.to_string()).expect("a client");
        client.sequential().call(cell.request.clone().into()).await.into()
    })
}

fn pool(cell: &mut Cell, is_call: bool) -> Verdict {
    if matches!(cell.way, Way::Unclean | Way::EndedByUsQueued) || (cell.way == Way::EndedByUs && !is_call) {
        return Verdict::NotApplicable;
    }
    let profile = cell.profile(Pooled::new(1), ExchangeKind::Sync);
    runtime().block_on(async {
        let pool = Pool::new(profile, [cell.address.to_string()]).expect("a pool");
        let closed = pool.clone();
        let mut held = None;
        match cell.way {
            Way::NoRoom => held = Some(pool.get().await.expect("a connection")),
            Way::EndedByUsBefore => {
                let _ = pool.close(Duration::ZERO).await;
            }
            Way::EndedByUs => cell.when_whole(move || {
                let _ = runtime().block_on(closed.close(Duration::ZERO));
            }),
            _ => {}
        }
        let verdict = match is_call {
            true => pool.call(&cell.request).await.into(),
            false => pool.send(&cell.request).await.into(),
        };
        drop(held);
        verdict
    })
}

fn link(cell: &mut Cell, connection: impl Into<ConnectionKind>, exchange: Duplex, used: Use) -> Verdict {
    let is_send_ended = cell.way == Way::EndedByUs && used == Use::Send;
    if matches!(cell.way, Way::Unclean | Way::EndedByUsBefore | Way::EndedByUsQueued) || is_send_ended {
        return Verdict::NotApplicable;
    }
    let profile = cell.profile(connection, exchange);
    runtime().block_on(async {
        let (mut link, _inbox) = Link::new(profile, cell.address.to_string()).expect("a link");
        let ended = link.clone();
        match (cell.way, cell.way.earlier()) {
            (Way::NoRoom, Some(earlier)) => drop(link.send(&earlier).await.expect_err("no room")),
            (Way::EndedByUs, _) => cell.when_whole(move || ended.disconnect()),
            _ => {}
        }
        match used {
            Use::Call => Link::call(&link, &cell.request).await.into(),
            Use::Send => link.send(&cell.request).await.into(),
            Use::Service => Service::call(&mut link, cell.request.clone().into()).await.into(),
        }
    })
}
