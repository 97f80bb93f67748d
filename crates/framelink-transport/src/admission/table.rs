//! The table of accepted connections.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use crate::profile::{Network, WhenFull};
use crate::session::memory::ByAge;

/// The accepted connections, oldest first, each with the handle that tells it to end. Memory grows with their number.
///
/// ```text
///   admit ──► has a place ──── leave ─────────────────► gone
///                  │                                     ▲
///                  └── dropped for another ──► leaving ──┘  leave
/// ```
pub(crate) struct Table<T> {
    connections: usize,
    per_client: usize,
    when_full: WhenFull,
    /// The connections by number. Numbers grow, so the first one is the oldest.
    entries: ByAge<Entry<T>>,
    clients: HashMap<Network, BTreeSet<u64>>,
    /// The connections that have lost their place and are not closed yet.
    leaving: BTreeMap<u64, T>,
    next: u64,
}

struct Entry<T> {
    client: Network,
    told_by: T,
}

/// Why a connection was refused. The enum is exhaustive.
///
/// ```
/// assert_eq!(framelink_transport::Refusal::Client.to_string(), "its client has its maximum of connections");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The access lists of the profile do not admit its client.
    Access,
    /// The listener has its maximum number of connections.
    Total,
    /// The client has its maximum number of connections.
    Client,
}

/// How many connections were accepted and refused. Each connection is counted once as either.
///
/// See [`Admission`](crate::Admission) for an example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AdmissionCounts {
    /// Accepted.
    pub accepted: u64,
    /// Refused by the access lists.
    pub refused_by_access: u64,
    /// Refused because the listener had its maximum number of connections.
    pub refused_by_total: u64,
    /// Refused because the client had its maximum number of connections.
    pub refused_by_client: u64,
    /// Accepted, and later dropped to make room for a newer connection.
    pub dropped: u64,
    /// Accepted, and later closed because of the memory that the connection held.
    pub evicted: u64,
}

/// How many dropped connections may still be closing. Above that the newest is refused, which bounds open descriptors.
const MOST_LEAVING: usize = 16;

impl<T: Clone> Table<T> {
    pub(crate) fn new(connections: usize, per_client: usize, when_full: WhenFull) -> Self {
        let (entries, clients, leaving) = (ByAge::default(), HashMap::new(), BTreeMap::new());
        Self { connections, per_client, when_full, entries, clients, leaving, next: 0 }
    }

    /// Gives a new connection a place. Returns its number, and the handle of the connection that loses its place.
    pub(crate) fn admit(&mut self, client: IpAddr, told_by: T) -> Result<(u64, Option<T>), Refusal> {
        let client = Network::of_client(client);
        self.admit_unless(self.lacks_room_for(client), client, told_by)
    }

    /// Gives a new connection of a proxy a place. Its client is not known yet, so only the total is limited.
    pub(crate) fn admit_proxy(&mut self, proxy: IpAddr, told_by: T) -> Result<(u64, Option<T>), Refusal> {
        let is_full = self.entries.len() >= self.connections;
        self.admit_unless(is_full.then_some(Refusal::Total), Network::of_client(proxy), told_by)
    }

    fn admit_unless(
        &mut self,
        lacks: Option<Refusal>,
        client: Network,
        told_by: T,
    ) -> Result<(u64, Option<T>), Refusal> {
        let dropped = lacks.map(|refusal| self.drop_oldest(client, refusal)).transpose()?;
        let id = self.next;
        self.next += 1;
        self.insert(id, Entry { client, told_by });
        Ok((id, dropped))
    }

    /// Counts a connection of a proxy for its client from now on. Returns the handle of the connection that loses its
    /// place for it. One that has lost its own place stays as it is.
    pub(crate) fn identify(&mut self, id: u64, client: IpAddr) -> Result<Option<T>, Refusal> {
        let client = Network::of_client(client);
        let Some(entry) = self.remove(id) else { return Ok(None) };
        let dropped = self.lacks_room_for(client).map(|refusal| self.drop_oldest(client, refusal)).transpose();
        // A refused connection keeps its place until it is closed.
        let client = if dropped.is_ok() { client } else { entry.client };
        self.insert(id, Entry { client, ..entry });
        dropped
    }

    fn insert(&mut self, id: u64, entry: Entry<T>) {
        self.clients.entry(entry.client).or_default().insert(id);
        self.entries.insert(id, entry);
    }

    /// Removes a connection that is closed.
    pub(crate) fn leave(&mut self, id: u64) {
        if self.leaving.remove(&id).is_none() {
            self.remove(id);
        }
        if self.entries.is_empty() {
            // Frees the memory that a flood of connections needed.
            self.clients = HashMap::new();
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The handles of all connections that are not closed.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.entries.iter().map(|(_, entry)| &entry.told_by).chain(self.leaving.values())
    }

    fn lacks_room_for(&self, client: Network) -> Option<Refusal> {
        let of_client = self.clients.get(&client).map_or(0, BTreeSet::len);
        match () {
            () if of_client >= self.per_client => Some(Refusal::Client),
            () if self.entries.len() >= self.connections => Some(Refusal::Total),
            () => None,
        }
    }

    /// Takes the place of the oldest connection, of this client if the client has too many.
    fn drop_oldest(&mut self, client: Network, refusal: Refusal) -> Result<T, Refusal> {
        if self.when_full == WhenFull::RefuseNewest || self.leaving.len() >= MOST_LEAVING {
            return Err(refusal);
        }
        let oldest = match refusal {
            Refusal::Client => self.clients.get(&client).and_then(BTreeSet::first).copied(),
            Refusal::Access | Refusal::Total => self.entries.first().map(|(id, _)| id),
        };
        let id = oldest.ok_or(refusal)?;
        let told_by = self.remove(id).ok_or(refusal)?.told_by;
        self.leaving.insert(id, told_by.clone());
        Ok(told_by)
    }

    fn remove(&mut self, id: u64) -> Option<Entry<T>> {
        let entry = self.entries.remove(id)?;
        if let Some(ids) = self.clients.get_mut(&entry.client) {
            ids.remove(&id);
            if ids.is_empty() {
                self.clients.remove(&entry.client);
            }
        }
        Some(entry)
    }
}

impl AdmissionCounts {
    /// Counts one decision.
    pub(super) const fn count<T>(&mut self, admitted: &Result<(u64, Option<T>), Refusal>) {
        match admitted {
            Ok((_, dropped)) => {
                self.accepted += 1;
                self.dropped += dropped.is_some() as u64;
            }
            Err(reason) => self.count_refused(*reason),
        }
    }

    /// Counts an accepted connection as refused, because its proxy has told a client that is.
    pub(super) const fn count_refused_later(&mut self, reason: Refusal) {
        self.accepted = self.accepted.saturating_sub(1);
        self.count_refused(reason);
    }

    const fn count_refused(&mut self, reason: Refusal) {
        match reason {
            Refusal::Access => self.refused_by_access += 1,
            Refusal::Total => self.refused_by_total += 1,
            Refusal::Client => self.refused_by_client += 1,
        }
    }

    /// Returns how many connections were refused in total.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused_by_access + self.refused_by_total + self.refused_by_client
    }
}

impl Refusal {
    /// The key of the profile with the limit.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Total => "limits.connections",
            Self::Client => "limits.connections-per-client",
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Access => "its client may not connect",
            Self::Total => "the listener has its maximum of connections",
            Self::Client => "its client has its maximum of connections",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(table: &mut Table<u64>, client: &str) -> Result<(u64, Option<u64>), Refusal> {
        table.admit(client.parse().unwrap(), table.next)
    }

    /// Two addresses, and whether they count as one client.
    const CLIENTS: &[(&str, &str, bool)] = &[
        ("192.0.2.1", "192.0.2.1", true),
        ("192.0.2.1", "::ffff:192.0.2.1", true),
        ("::ffff:c000:201", "192.0.2.1", true),
        ("192.0.2.1", "192.0.2.2", false),
        ("192.0.2.1", "::ffff:192.0.2.2", false),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff", true),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", false),
        ("::1", "127.0.0.1", false),
        ("::192.0.2.1", "192.0.2.1", false),
        ("fe80::1", "fe80::2", true),
    ];

    #[test]
    fn a_client_cannot_have_more_places_by_writing_its_address_differently() {
        for &(first, second, is_same) in CLIENTS {
            let mut table = Table::new(10, 1, WhenFull::RefuseNewest);
            assert_eq!(admit(&mut table, first), Ok((0, None)));
            let expected = if is_same { Err(Refusal::Client) } else { Ok((1, None)) };
            assert_eq!(admit(&mut table, second), expected, "{first} and {second}");
        }
    }

    #[test]
    fn the_newest_is_refused_until_one_leaves() {
        let mut table = Table::new(2, 2, WhenFull::RefuseNewest);
        assert_eq!(admit(&mut table, "10.0.0.1"), Ok((0, None)));
        assert_eq!(admit(&mut table, "10.0.0.2"), Ok((1, None)));
        assert_eq!(admit(&mut table, "10.0.0.3"), Err(Refusal::Total));
        table.leave(0);
        assert_eq!(admit(&mut table, "10.0.0.3"), Ok((2, None)));
        assert_eq!(table.len(), 2);
    }

    #[test]
    fn the_oldest_of_the_same_client_makes_room_else_the_oldest_of_all() {
        let mut table = Table::new(3, 2, WhenFull::DropOldest);
        for (client, expected) in [
            ("10.0.0.9", (0, None)),
            ("10.0.0.1", (1, None)),
            ("10.0.0.1", (2, None)),
            ("10.0.0.1", (3, Some(1))),
            ("10.0.0.2", (4, Some(0))),
        ] {
            assert_eq!(admit(&mut table, client), Ok(expected), "{client}");
            assert!(table.len() <= 3);
        }
        assert_eq!(table.iter().copied().collect::<Vec<_>>(), [2, 3, 4, 0, 1], "connections that leave are told too");
    }

    #[test]
    fn the_number_of_dropped_connections_that_are_still_open_is_bounded() {
        let mut table = Table::new(1, 1, WhenFull::DropOldest);
        let dropped = (0..100).filter(|_| admit(&mut table, "10.0.0.1").is_ok_and(|(_, dropped)| dropped.is_some()));
        assert_eq!(dropped.count(), MOST_LEAVING);
        table.leave(0);
        assert!(admit(&mut table, "10.0.0.1").is_ok());
    }

    #[test]
    fn an_empty_table_holds_no_memory() {
        let mut table = Table::new(10_000, 10_000, WhenFull::RefuseNewest);
        for i in 0..10_000_u32 {
            table.admit(std::net::Ipv4Addr::from_bits(i).into(), i).unwrap();
        }
        (0..10_000).for_each(|id| table.leave(id));
        assert_eq!((table.len(), table.clients.capacity()), (0, 0));
    }
}
