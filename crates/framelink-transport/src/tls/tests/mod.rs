//! The layer between two ends in memory, whose wires take and give bytes as a script says.

#[path = "../../../tests/support/certificates.rs"]
mod certificates;
mod layer;
mod refusals;
mod wire;
