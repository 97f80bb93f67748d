//! Many calls at a time on one connection: the same rules on every driver, against a peer that speaks bytes by hand.

mod cancel;
mod ends;
mod heartbeats;
mod matching;
mod pairs;
mod shuffled;
mod window;
