//! The roles that every driver has.

use framelink_transport::profile::{ConnectionKind, ExchangeKind};

use crate::cell::{Cell, SHORT, Verdict};
use crate::support::driver::Driver;
use crate::support::party::Party;
use crate::way::Way;

pub(crate) fn connection<D: Driver>(cell: &Cell, is_call: bool) -> Verdict {
    if !cell.is_connected() || cell.way.is_ended_by_us() {
        return Verdict::NotApplicable;
    }
    let connected = D::connect_with_options(cell.address, cell.framing(), cell.socket());
    let Some(mut connection) = cell.connected(connected) else { return Verdict::NotApplicable };
    match (cell.way, cell.way.earlier()) {
        (Way::NoRoom, Some(earlier)) => drop(connection.send_within(&earlier, SHORT).expect_err("no room")),
        (_, Some(earlier)) => drop(connection.call(&earlier, SHORT).expect_err("no reply")),
        _ => {}
    }
    match is_call {
        true => connection.call(&cell.request, cell.time).into(),
        false => connection.send_with_outcome(&cell.request, cell.time).into(),
    }
}

pub(crate) fn client<P: Party>(cell: &Cell, connection: impl Into<ConnectionKind>, is_call: bool) -> Verdict {
    if matches!(cell.way, Way::NoRoom | Way::Unclean) || cell.way.is_ended_by_us() {
        return Verdict::NotApplicable;
    }
    let mut client = P::client(cell.profile(connection, ExchangeKind::Sync), cell.address);
    match is_call {
        true => client.call(&cell.request).into(),
        false => client.send(&cell.request).into(),
    }
}
