//! Erlang/OTP, `gen_tcp` with `{packet, 1 | 2 | 4}`.

use std::process::Command;

use crate::driver::{Driver, on_every_driver};
use crate::exchange::{Kind, echoes, exchange};
use crate::installed;
use crate::program::{Program, script};

on_every_driver!(gen_tcp);

const KINDS: &[Kind] = &[
    echoes("1", "erlang-1", &[0, 1, 127, 128, 254, 255]),
    echoes("2", "erlang-2", &[0, 1, 255, 256, 257, 65535]),
    echoes("4", "erlang-4", &[0, 1, 255, 256, 65536, 1024 * 1024]),
];

fn gen_tcp<D: Driver>() {
    let Some(escript) = installed::find("Erlang gen_tcp", installed::program("escript")) else { return };
    let mut program = Program::start(Command::new(escript).arg(script("gen_tcp.erl")));
    exchange::<D>("Erlang gen_tcp", &mut program, KINDS);
}
