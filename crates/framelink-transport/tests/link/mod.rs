//! Links: clients of a profile with many requests in flight, over one connection, several, or a pair.

mod heartbeats;
mod host;
mod kept_up;
mod numbers;
mod on_threads;
mod pairs;
mod pairs_on_threads;
mod replies;
mod restarts;
mod shared;
mod signing_off;
mod together;
