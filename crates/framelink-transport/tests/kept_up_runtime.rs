//! A kept-up client whose runtime ends goes on in another runtime.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use framelink_transport::profile::Sign;
use framelink_transport::tokio::Client;
use framelink_transport::{Framing, Profile};
use tokio::runtime::{Builder, Runtime};

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

#[test]
fn a_client_goes_on_in_another_runtime_when_the_task_ended_while_it_dialled() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (accepted, is_accepted) = mpsc::channel();
    let host = thread::spawn(move || {
        // The host does not answer the sign-on of the first connection.
        let first = listener.accept().unwrap();
        accepted.send(()).unwrap();
        let (mut second, _) = listener.accept().unwrap();
        second.read_exact(&mut [0; 4]).unwrap();
        second.write_all(b"\0\x02ok").unwrap();
        (first, second)
    });
    let profile = Profile::builder("net:2".parse::<Framing>().unwrap()).keep_up(true);
    let profile = profile.sign_on(Sign::new(b"on").expect(b"ok")).build().unwrap();
    let first = runtime();
    let mut client = first.block_on(async {
        let client = Client::new(profile, address).unwrap();
        while is_accepted.try_recv().is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        client
    });
    drop(first);
    runtime().block_on(client.connect()).unwrap();
    drop(host.join().unwrap());
}
