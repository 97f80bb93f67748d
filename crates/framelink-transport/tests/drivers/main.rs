//! The same rules on every driver: each test runs on blocking, non-blocking and tokio sockets, against peers that speak bytes
//! by hand.

mod calls;
mod closing;
mod counted;
mod driver;
mod exchange;
mod peer;
mod waiting;
