//! A host that does not read stops the client, and costs the bridge no memory.

#![cfg(target_os = "linux")]

use std::io::{BufReader, Write};
use std::time::Duration;

use crate::common::{Host, Running, Task, Wire, dial, framelink, half_close, read_to_end};

/// More bytes than all socket buffers on the way hold.
const COUNT: u32 = 1024;
const PAYLOAD: usize = 64 * 1024 - 8;

#[test]
fn a_host_that_does_not_read_stops_the_client_and_loses_nothing() {
    let host = Host::listen();
    let to = host.address.to_string();
    let (bridge, address) = Running::listen(&mut framelink([
        "bridge",
        "--listen",
        "127.0.0.1:0",
        "--framing",
        Wire::Net4.notation(),
        "--to",
        &to,
        "--to-framing",
        Wire::Net2.notation(),
    ]));
    let mut client = dial(address);
    let host = host.accept();

    let mut bytes = (0..COUNT).flat_map(|i| Wire::Net4.frame(&message(i))).collect::<Vec<_>>();
    client.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut written = 0;
    while let Ok(count) = client.write(&bytes[written..]) {
        written += count;
        assert!(written < bytes.len(), "nothing stopped the client");
    }
    // Four socket buffers of at most some 6 MiB each are on the way.
    assert!(written < 48 * 1024 * 1024, "{written} bytes went before anything stopped the client");
    let held = bridge.memory_kib("VmHWM");
    assert!(held < 24 * 1024, "{held} KiB while {written} bytes were under way");

    client.set_write_timeout(Some(crate::common::DEADLINE)).unwrap();
    bytes.drain(..written);
    let writing = Task::start(move || {
        client.write_all(&bytes).expect("writing the rest");
        half_close(&client);
        assert_eq!(read_to_end(client), b"");
    });
    let mut reader = BufReader::with_capacity(65536, &host);
    for i in 0..COUNT {
        assert!(Wire::Net2.read(&mut reader) == message(i), "message {i}");
    }
    assert_eq!(read_to_end(reader), b"");
    drop(host);
    writing.join();
    let held = bridge.memory_kib("VmHWM");
    assert!(held < 24 * 1024, "{held} KiB when all had passed");
}

fn message(i: u32) -> Vec<u8> {
    i.to_be_bytes().into_iter().cycle().take(PAYLOAD).collect()
}
