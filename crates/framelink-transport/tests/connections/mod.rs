//! Tests of single connections, most of them on tokio with scripted streams or with a plain socket.

mod back_pressure;
mod cancel;
mod closing;
mod closing_side_by_side;
mod codecs;
mod dialling;
mod exchange;
mod explains;
mod fairness;
mod forwarding;
mod writing;
