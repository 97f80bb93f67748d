//! Rules that hold on every driver. Each test runs on blocking, non-blocking and tokio sockets, against peers that
//! write bytes by hand.

mod borrowed;
mod calls;
mod clients;
mod closing;
mod counted;
mod exchange;
mod faults;
mod heartbeats;
mod restart;
mod scripted;
mod unread;
mod waiting;
