//! Many calls in flight on one connection: rules that hold on every driver, against a peer that writes bytes by hand.

mod cancel;
mod ends;
mod heartbeats;
mod matching;
mod pairs;
mod reply_rules;
mod shuffled;
mod threads_together;
mod together;
mod window;
