//! Node.js: the package `length-prefixed-stream`.

use std::process::Command;

use crate::driver::{Driver, on_every_driver};
use crate::exchange::{Kind, echoes, exchange};
use crate::installed;
use crate::program::{Program, script};

on_every_driver!(length_prefixed_stream);

const KINDS: &[Kind] = &[echoes("varint", "varint", &[0, 1, 127, 128, 255, 256, 16383, 16384, 65536, 1024 * 1024])];

fn length_prefixed_stream<D: Driver>() {
    const PEER: &str = "length-prefixed-stream";
    let Some(modules) = installed::find(PEER, installed::npm(PEER)) else { return };
    let Some(node) = installed::find(PEER, installed::program("node")) else { return };
    let mut command = Command::new(node);
    command.arg(script("varint_stream.js")).env("NODE_PATH", modules);
    exchange::<D>(PEER, &mut Program::start(&mut command), KINDS);
}
