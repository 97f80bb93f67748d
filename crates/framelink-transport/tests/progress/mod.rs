//! A wait begins only when every side that is waited for has said that it would have to wait, and ends whatever comes: no wake-up is
//! lost, no deadline is passed while something comes, and no call works without end.

mod calls_in_flight;
mod floods;
mod held;
mod maintained;
mod owed_beats;
mod parts;
mod rests;
mod senders;
mod stream;
