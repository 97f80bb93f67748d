//! Servers with several handlers at a time: rules that hold on every driver, against a client that writes bytes by
//! hand.

mod concurrency;
mod ends;
mod order;
mod other_way;
mod panics;
mod proxied;
mod proxy;
mod short;
mod together;
