//! Admissions, checked against a model.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::admission::Refusal;
use crate::admission::Table;
use crate::profile::WhenFull;

/// Lets clients in and out by random steps, with their addresses in any form, and compares the result with a list of
/// them. The limits are never exceeded, a client is refused only at a limit, the oldest connection makes room, and a
/// client that has left is forgotten.
///
/// # Panics
/// If an invariant does not hold.
pub fn admission(data: &[u8]) {
    let Some((&[connections, per_client, rule], steps)) = data.split_first_chunk() else { return };
    let (connections, per_client) = (usize::from(connections % 8) + 1, usize::from(per_client % 4) + 1);
    let when_full = if rule % 2 == 0 { WhenFull::RefuseNewest } else { WhenFull::DropOldest };
    let table = Table::new(connections, per_client, when_full);
    let mut model = Model { table, connections, per_client, when_full, places: Vec::new(), leaving: Vec::new() };
    for (number, &step) in (0_u64..).zip(steps) {
        match step & 3 {
            0..=2 => model.dials(step >> 2 & 7, step >> 5, number),
            _ => model.leaves(usize::from(step >> 2)),
        }
        model.check();
    }
    while !(model.places.is_empty() && model.leaving.is_empty()) {
        model.leaves(0);
    }
    model.check();
}

struct Model {
    table: Table<u64>,
    connections: usize,
    per_client: usize,
    when_full: WhenFull,
    /// The connections, oldest first: their ids, clients, and the ids by which they are told to end.
    places: Vec<(u64, u8, u64)>,
    leaving: Vec<(u64, u64)>,
}

/// Returns the address of one of eight clients, four of each family, written in one of several forms.
fn address(client: u8, form: u8) -> IpAddr {
    let v4 = Ipv4Addr::new(10, 0, 0, client);
    match (client % 2, form % 2) {
        (0, 0) => v4.into(),
        (0, _) => v4.to_ipv6_mapped().into(),
        (_, _) => Ipv6Addr::new(0x2001, 0xdb8, 0, client.into(), form.into(), 0, 0, form.into()).into(),
    }
}

impl Model {
    fn dials(&mut self, client: u8, form: u8, told_by: u64) {
        let of_client = self.places.iter().filter(|(_, of, _)| *of == client).count();
        let lacks = match () {
            () if of_client >= self.per_client => Some(Refusal::Client),
            () if self.places.len() >= self.connections => Some(Refusal::Total),
            () => None,
        };
        match (self.table.admit(address(client, form), told_by), lacks) {
            (Ok((id, dropped)), None) => {
                assert_eq!(dropped, None, "there was room");
                self.places.push((id, client, told_by));
            }
            (Ok((new, told)), Some(why)) => {
                assert_eq!(self.when_full, WhenFull::DropOldest);
                let is_meant = |(_, of, _): &(u64, u8, u64)| why == Refusal::Total || *of == client;
                let oldest = self.places.iter().position(is_meant).expect("there is one");
                let (id, _, dropped) = self.places.remove(oldest);
                assert_eq!(told, Some(dropped));
                self.leaving.push((id, dropped));
                self.places.push((new, client, told_by));
            }
            (Err(refusal), lacks) => {
                assert_eq!(Some(refusal), lacks);
                let is_bounded = self.leaving.len() >= 16;
                assert!(self.when_full == WhenFull::RefuseNewest || is_bounded, "the oldest makes room");
            }
        }
    }

    fn leaves(&mut self, which: usize) {
        let all = self.places.len() + self.leaving.len();
        let id = match which % all.max(1) {
            _ if all == 0 => u64::MAX,
            which if which < self.places.len() => self.places.remove(which).0,
            which => self.leaving.remove(which - self.places.len()).0,
        };
        self.table.leave(id);
        // Leaving a second time changes nothing.
        self.table.leave(id);
    }

    fn check(&self) {
        assert_eq!(self.table.len(), self.places.len());
        assert!(self.table.len() <= self.connections);
        let mut told: Vec<_> = self.table.iter().copied().collect();
        let mut known: Vec<_> =
            self.places.iter().map(|(.., by)| *by).chain(self.leaving.iter().map(|(_, by)| *by)).collect();
        told.sort_unstable();
        known.sort_unstable();
        assert_eq!(told, known);
    }
}
