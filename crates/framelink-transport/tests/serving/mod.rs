//! Servers whose handlers run side by side: the same rules on every driver, against a client that speaks bytes by hand.

mod concurrency;
mod ends;
mod order;
mod other_way;
mod panics;
mod proxy;
mod short;
