//! Both ends of a pair restart at random, and connect again.

use std::time::{Duration, Instant};

use framelink_transport::profile::{ConnectionKind, Reach, Simplex};
use framelink_transport::session::Sent;
use framelink_transport::tokio::{Inbox, Link, LinkEvent};
use framelink_transport::{Incoming, Profile};

use super::host::{DEADLINE, by_key, listener, profile};

#[derive(Clone)]
struct End {
    profile: Profile,
    send: String,
    receive: String,
}

impl End {
    /// Starts the end. The end before it may hold the address for a moment.
    async fn start(&self) -> (Link, Inbox) {
        let began = Instant::now();
        loop {
            match Link::simplex(self.profile.clone(), &self.send, &self.receive).await {
                Ok(link) => return link,
                Err(error) => assert!(began.elapsed() < DEADLINE, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// Echoes each message, until it is told to end.
async fn serve(link: Link, mut inbox: Inbox) {
    while let Some(event) = inbox.recv().await {
        if let LinkEvent::Incoming(Incoming::Message(message)) = event {
            let _ = link.send(&message).await;
        }
    }
}

#[tokio::test]
async fn ends_that_restart_at_random_connect_again() {
    let (_, to_host) = listener().await;
    let (_, to_us) = listener().await;
    let end = |send, receive| profile(ConnectionKind::Long, Simplex::new(by_key()).send(send).receive(receive));
    let soon = Duration::from_secs(2);
    let ours = End {
        profile: end(Reach::Dial, Reach::Accept).reply_timeout(soon).connect_timeout(soon).build().unwrap(),
        send: to_host.clone(),
        receive: to_us.clone(),
    };
    let theirs = End { profile: end(Reach::Dial, Reach::Accept).build().unwrap(), send: to_us, receive: to_host };
    let (mut link, mut inbox) = ours.start().await;
    let (host, host_inbox) = theirs.start().await;
    let mut serving = tokio::spawn(serve(host, host_inbox));
    let (mut random, mut calls, mut failed) = (7_u64, 0, 0);
    for round in 0..30 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let dice = random >> 60;
        if dice & 1 == 0 {
            drop((link, inbox));
            (link, inbox) = ours.start().await;
        }
        if dice & 2 == 0 {
            serving.abort();
            let _ = (&mut serving).await;
            let (host, host_inbox) = theirs.start().await;
            serving = tokio::spawn(serve(host, host_inbox));
        }
        // A few requests may be lost until both ends have noticed. Then every request is answered with its own reply.
        let began = Instant::now();
        let mut answered = 0;
        while answered < 5 {
            assert!(began.elapsed() < DEADLINE, "round {round}: not connected again after {calls} calls");
            calls += 1;
            let request = format!("{:02} {calls}", calls % 100);
            match link.call(request.as_bytes()).await {
                Ok(reply) => {
                    assert_eq!(&reply[..], request.as_bytes(), "round {round}: the reply of another request");
                    answered += 1;
                }
                Err(error) => {
                    failed += 1;
                    if error.sent() == Sent::Not {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                }
            }
        }
    }
    drop(inbox);
    assert!(failed < calls, "{failed} of {calls}");
}
