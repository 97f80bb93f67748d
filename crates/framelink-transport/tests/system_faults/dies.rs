//! A connection that dies: our end notices in time, and reports the cause.

use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use framelink_transport::heartbeat::{Form, Heartbeat};
use framelink_transport::{Cause, Error, Framing, Profile, TryRecv};

use crate::cell::Role;
use crate::driver::framing;
use crate::host::{Play, Scene};
use crate::namespace::{FAR, NEAR};
use crate::ours::Serves;
use crate::plain::{Plain, Until, echo};
use crate::rows::{by, of};
use crate::stage::DEADLINE;

/// The allowance for a loaded machine. It is small compared with the minutes after which the system would give up.
const LATE: Duration = Duration::from_secs(5);

/// The activity on the connection when the fault happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    Nothing,
    /// Our side sends, and its bytes are not acknowledged.
    Sending,
}

/// The cause of the connection's death.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Silence, within the bound of the heartbeats.
    Dead,
    /// The system has ended the connection.
    FailedFlag,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Dies {
    pub(crate) doing: Doing,
    pub(crate) verdict: Verdict,
}

fn heartbeat(role: Role) -> Heartbeat {
    let heartbeat = Heartbeat::relaxed(Form::literal(b"PING", b"PONG")).by(by(role));
    heartbeat.interval(Duration::from_millis(300)).unwrap().timeout(Duration::from_millis(200)).unwrap()
}

impl Dies {
    #[track_caller]
    fn judge(self, error: &Error, role: Role, took: Duration) {
        match self.verdict {
            Verdict::Dead => {
                assert!(matches!(error.cause(), Cause::Dead(_)), "the error is not the silence of the peer: {error}");
                let bound = heartbeat(role).detection_bound(of(role)).expect("a bound");
                assert!(took <= bound + LATE, "noticed after {took:?}, and the bound is {bound:?}");
            }
            Verdict::FailedFlag => {
                assert!(matches!(error.cause(), Cause::Reset(_)), "the error is not a reset: {error}");
                assert!(took <= LATE, "noticed after {took:?}");
            }
        }
    }
}

impl Play for Dies {
    fn client<D: Serves>(&self, scene: &Scene) {
        let (Scene { cell, part, .. }, network) = (scene, scene.network());
        let (tell, told) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(move || {
                network.far.enter();
                let listener = TcpListener::bind((FAR, 0)).expect("a port");
                tell.send(listener.local_addr().expect("an address")).expect("a client");
                echo(&listener, cell.wire, part, Until::Over);
            });
            let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                let address = told.recv_timeout(DEADLINE).expect("a peer");
                let mut ours = D::connect(address, framing(cell.wire.notation())).expect("connecting");
                ours.watch(heartbeat(Role::Client), of(Role::Client));
                assert_eq!(&ours.call(b"hi", DEADLINE).expect("a reply")[..], b"hi");
                part.wait_for_the_fault();
                let began = Instant::now();
                if self.doing == Doing::Sending {
                    let _ = ours.send_within(b"are you there?", Duration::from_millis(20));
                }
                let error = loop {
                    match ours.recv_within(Duration::from_millis(100)) {
                        Ok(TryRecv::Nothing) => part.must_go_on("a verdict"),
                        Ok(other) => panic!("{other:?} instead of an error"),
                        Err(error) => break error,
                    }
                };
                self.judge(&error, Role::Client, began.elapsed());
            }));
            part.ends();
            ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        });
    }

    fn server<D: Serves>(&self, scene: &Scene) {
        let (Scene { cell, part, .. }, network) = (scene, scene.network());
        let (tell, told) = mpsc::channel::<SocketAddr>();
        let framing: Framing = cell.wire.notation().parse().expect("a notation");
        let profile =
            Profile::builder(framing).heartbeat(heartbeat(Role::Server)).close_timeout(Duration::from_millis(100));
        let profile = Arc::new(profile.build().expect("a profile"));
        thread::scope(|scope| {
            scope.spawn(move || {
                network.far.enter();
                let Ok(address) = told.recv_timeout(DEADLINE) else { return };
                let mut peer = Plain::dial(address, cell.wire);
                match self.doing {
                    Doing::Nothing => {
                        assert_eq!(peer.call(b"hi", part), b"hi");
                        part.is_ready();
                    }
                    Doing::Sending => peer.write(b"late").expect("sending"),
                }
                peer.idle(part);
            });
            let struck = Mutex::new(None);
            let ended = D::serve(NEAR, profile, &tell, |message| {
                if message == b"late" {
                    part.wait_for_the_fault();
                    struck.lock().unwrap().get_or_insert_with(Instant::now);
                }
                message.to_vec()
            });
            let took = struck.into_inner().unwrap().or(part.struck_at()).map_or(Duration::ZERO, |at| at.elapsed());
            part.ends();
            let error = ended.expect_err("a connection that is dead");
            self.judge(&error, Role::Server, took);
        });
    }
}
