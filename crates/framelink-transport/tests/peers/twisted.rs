//! Twisted: the string receivers of `twisted.protocols.basic`.

use std::process::Command;

use crate::driver::{Driver, on_every_driver};
use crate::exchange::{Kind, echoes, exchange};
use crate::installed;
use crate::program::{Program, script};

on_every_driver!(string_receivers);

const KINDS: &[Kind] = &[
    echoes("int8", "net:1", &[0, 1, 127, 128, 254, 255]),
    echoes("int16", "net:2", &[0, 1, 255, 256, 257, 65535]),
    echoes("int32", "net:4", &[0, 1, 255, 256, 65536, 1024 * 1024]),
    echoes("netstring", "netstring", &[0, 1, 9, 10, 99, 100, 9999, 10_000, 65536, 1024 * 1024]),
];

fn string_receivers<D: Driver>() {
    let Some(python) = installed::find("Twisted", installed::python("twisted")) else { return };
    let mut program = Program::start(Command::new(python).arg(script("twisted_strings.py")));
    exchange::<D>("Twisted", &mut program, KINDS);
}
