//! pymodbus over TCP: whole frames, each with its transaction id.

use std::process::Command;

use crate::delivery::Delivery;
use crate::driver::{Driver, on_every_driver};
use crate::exchange::{Kind, exchange};
use crate::installed;
use crate::program::{Program, script};

on_every_driver!(pymodbus);

/// The server takes one request at a time: if one read contains several, it answers the first.
const ASKED: &[Delivery] = &[Delivery::Whole, Delivery::Bytes];

/// Sizes are numbers of registers, up to as many as a frame may hold.
const KINDS: &[Kind] = &[
    kind("read", &[1, 2, 100, 125], read),
    kind("write", &[1, 2, 100, 123], write),
    kind("both", &[1, 2, 100, 121], both),
    kind("refused", &[1, 125], refused),
];

const fn kind(name: &'static str, sizes: &'static [usize], messages: fn(usize, usize) -> (Vec<u8>, Vec<u8>)) -> Kind {
    Kind { name, notation: "modbus", sizes, messages, server: ASKED, client: Delivery::ALL }
}

fn pymodbus<D: Driver>() {
    let Some(python) = installed::find("pymodbus", installed::python("pymodbus")) else { return };
    let mut program = Program::start(Command::new(python).arg(script("modbus_peer.py")));
    exchange::<D>("pymodbus", &mut program, KINDS);
}

const READ_HOLDING_REGISTERS: u8 = 3;
const WRITE_REGISTERS: u8 = 16;
const READ_WRITE_REGISTERS: u8 = 23;
const IS_EXCEPTION: u8 = 0x80;
const ILLEGAL_DATA_ADDRESS: u8 = 2;

/// Addresses of registers: with fixed values on every server, for writing, and without a register.
const FIXED: usize = 0;
const WRITTEN: usize = 300;
const NOWHERE: usize = 1000;

fn read(number: usize, count: usize) -> (Vec<u8>, Vec<u8>) {
    let request = [&[READ_HOLDING_REGISTERS][..], &word(FIXED), &word(count)].concat();
    let reply = [&[READ_HOLDING_REGISTERS, byte(2 * count)][..], &values(FIXED, count)].concat();
    (frame(number, &request), frame(number, &reply))
}

fn write(number: usize, count: usize) -> (Vec<u8>, Vec<u8>) {
    let head = [&[WRITE_REGISTERS][..], &word(WRITTEN), &word(count)].concat();
    let request = [&head[..], &[byte(2 * count)], &values(number, count)].concat();
    (frame(number, &request), frame(number, &head))
}

/// Writes registers, and reads them back.
fn both(number: usize, count: usize) -> (Vec<u8>, Vec<u8>) {
    let registers = [word(WRITTEN), word(count)].concat();
    let values = values(number, count);
    let request = [&[READ_WRITE_REGISTERS][..], &registers, &registers, &[byte(2 * count)], &values].concat();
    let reply = [&[READ_WRITE_REGISTERS, byte(2 * count)][..], &values].concat();
    (frame(number, &request), frame(number, &reply))
}

fn refused(number: usize, count: usize) -> (Vec<u8>, Vec<u8>) {
    let request = [&[READ_HOLDING_REGISTERS][..], &word(NOWHERE), &word(count)].concat();
    (frame(number, &request), frame(number, &[READ_HOLDING_REGISTERS | IS_EXCEPTION, ILLEGAL_DATA_ADDRESS]))
}

/// Transaction, protocol 0, length, unit 1. Clients number their transactions from 1.
fn frame(number: usize, pdu: &[u8]) -> Vec<u8> {
    [&word(number + 1)[..], &[0, 0], &word(pdu.len() + 1), &[1], pdu].concat()
}

/// Returns registers whose neighbours differ in both bytes.
fn values(first: usize, count: usize) -> Vec<u8> {
    (first..first + count).flat_map(|i| [byte(i % 256), byte(255 - i % 256)]).collect()
}

fn word(value: usize) -> [u8; 2] {
    u16::try_from(value).expect("a word").to_be_bytes()
}

fn byte(value: usize) -> u8 {
    u8::try_from(value).expect("a byte")
}
