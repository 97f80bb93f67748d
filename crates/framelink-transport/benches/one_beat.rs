//! Measures what a heartbeat costs in addition to its system calls, from when it is due on one side until the other
//! side has recognised it. Compared with writing and reading these bytes by hand. Time is virtual, the sockets are
//! real.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use framelink_transport::heartbeat::{Form, Heartbeat, Role};
use framelink_transport::session::{Received, Session, Transmit};
use framelink_transport::{Framing, NotationError};

const BEATS: u32 = 200_000;
const ROUNDS: usize = 7;

fn main() {
    for (name, form) in [("empty", Form::empty()), ("literal, 4 bytes", Form::beat(b"PING"))] {
        let frame = if name == "empty" { &b"\0\0"[..] } else { b"\0\x04PING" };
        // The fastest of several rounds, taken in turn, so that a busy machine slows both.
        let (mut ours, mut bare) = (Duration::MAX, Duration::MAX);
        for _ in 0..ROUNDS {
            ours = ours.min(beats(&form).expect("a notation"));
            bare = bare.min(by_hand(frame));
        }
        let ratio = ours.as_secs_f64() / bare.as_secs_f64();
        let each = |time: Duration| (time / BEATS).as_nanos();
        println!("{name:<18} {:>5} ns a beat, {:>5} ns by hand: {ratio:.2}", each(ours), each(bare));
    }
}

fn beats(form: &Form) -> Result<Duration, NotationError> {
    let framing: Framing = "net:2".parse()?;
    let heartbeat = Arc::new(Heartbeat::relaxed(form.clone()));
    let interval = heartbeat.times().0;
    let (mut here, mut there) = UnixStream::pair().expect("a pair of sockets");
    let (mut sender, mut receiver) = (Session::new(framing, framing), Session::new(framing, framing));
    sender.watch(Arc::clone(&heartbeat), Role::Client, 0, Duration::ZERO);
    let liveness = receiver.watch(heartbeat, Role::Server, 0, Duration::ZERO);
    let mut now = Duration::ZERO;
    let began = Instant::now();
    for _ in 0..BEATS {
        now += interval;
        // The sender also receives heartbeats, so that it does not take its peer for dead.
        sender.receiving.on_bytes(b"\0\x01x", now);
        while let Ok(Received::Message(_)) = sender.receiving.poll() {}
        sender.receiving.on_time(now).expect("alive");
        sender.sending.queue_beat(|numbers| framelink_template::Inputs::system(numbers)).expect("it fits");
        while let Transmit::Write(bytes) = sender.sending.poll() {
            let count = here.write(bytes).expect("written");
            sender.sending.on_written(count, now);
        }
        let count = there.read(receiver.receiving.space()).expect("read");
        receiver.receiving.on_read(count, now);
        assert!(matches!(receiver.receiving.poll(), Ok(Received::Wait { .. })));
        receiver.receiving.release();
    }
    let took = began.elapsed();
    assert_eq!(liveness.counts().1, u64::from(BEATS), "each was seen");
    Ok(took)
}

fn by_hand(frame: &[u8]) -> Duration {
    let (mut here, mut there) = UnixStream::pair().expect("a pair of sockets");
    let mut space = vec![0; 8192];
    let began = Instant::now();
    for _ in 0..BEATS {
        assert_eq!(here.write(frame).expect("written"), frame.len());
        assert_eq!(there.read(&mut space).expect("read"), frame.len());
    }
    began.elapsed()
}
