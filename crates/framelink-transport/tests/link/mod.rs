//! Links: clients of a profile with many requests in flight, over one connection, several, or a pair.

mod heartbeats;
mod host;
mod on_threads;
mod pairs;
mod restarts;
mod shared;
