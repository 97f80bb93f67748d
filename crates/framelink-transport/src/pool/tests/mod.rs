//! The core of a pool with simulated peers, in virtual time, and its waiting queue under every order of its threads.

mod lines;
mod schedules;
mod soak;
