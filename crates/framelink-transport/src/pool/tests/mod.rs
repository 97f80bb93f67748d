//! The core of a pool against a world of peers that is made up, in virtual time, and its waiting queue under every order of its threads.

mod lines;
mod schedules;
mod soak;
