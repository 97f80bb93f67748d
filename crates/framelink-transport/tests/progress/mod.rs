//! A wait begins only when every stream it depends on has reported that it would block. It ends whatever arrives: no
//! wake-up is lost, no deadline is missed while bytes arrive, and no call works without end.

mod calls_in_flight;
mod floods;
mod held;
mod maintained;
mod owed_beats;
mod parts;
mod rests;
mod senders;
mod stream;
