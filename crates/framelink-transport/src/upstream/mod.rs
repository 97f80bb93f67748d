//! Where the connections of a client go: a list of addresses, and which of them is dialled when.

mod seat;

pub(crate) use seat::Seat;
