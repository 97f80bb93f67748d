//! A host with one connection for requests, which we dial, and one for responses, which it dials.

include!("../../examples/recipes/simplex.rs");

use std::net::{TcpListener, TcpStream};
use std::thread;

use framelink_testkit::ReservedPort;

use crate::peer::{NO_REPLY, Step, expects, follow, sends};

#[tokio::main(flavor = "current_thread")]
async fn pay_now(host: &str, ours: &str) -> Result<(String, String), Box<dyn Error>> {
    pay(host, ours).await
}

/// Pays at a host that does these steps on the connection for responses when it has received both requests.
fn pay_at_host(steps: Vec<Step>) -> Result<(String, String), String> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (host, ours) = (listener.local_addr().unwrap().to_string(), ReservedPort::new().unwrap());
    let to_us = ours.address();
    let peer = thread::spawn(move || {
        let requests = listener.accept().unwrap().0;
        let responses = TcpStream::connect(to_us).unwrap();
        let both = expects("00160200000001 10.0000160200000002 20.00");
        let requests = follow(requests, [both, Step::KeepsOpen]).unwrap();
        follow(responses, steps);
        follow(requests, [Step::ExpectsEnd]);
    });
    let paid = pay_now(&host, &ours.address().to_string()).map_err(|error| error.to_string().replace(&host, "PEER"));
    peer.join().unwrap();
    paid
}

#[test]
fn responses_come_in_any_order_on_the_other_connection() {
    let paid = pay_at_host(vec![sends("00130210000002 OK00130210000001 OK"), Step::ExpectsEnd]);
    assert_eq!(paid, Ok(("0210000001 OK".to_owned(), "0210000002 OK".to_owned())));
}

#[test]
fn errors_say_what_the_host_did() {
    for (steps, error) in [
        (vec![], NO_REPLY),
        (
            vec![sends("<html>"), Step::ExpectsEnd],
            "calling PEER: header byte 0 is 0x3c, expected an ASCII digit (perhaps sent)",
        ),
    ] {
        assert_eq!(pay_at_host(steps).unwrap_err(), error);
    }
}
