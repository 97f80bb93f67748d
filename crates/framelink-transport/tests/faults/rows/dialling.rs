//! Rows 29, 30, 45 and 46: servers that do not listen, do not accept, close at once, or have no address.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{io, thread};

use framelink_transport::profile::{Policy, Reconnect};
use framelink_transport::session::Sent;
use framelink_transport::{Cause, ConnectError, ProfileBuilder};

use crate::cell::{Cell, Role, next};
use crate::driver::DEADLINE;
use crate::ends::{Ends, Lookup};
use crate::party::Client;
use crate::peer::{Task, ready};

const ANY: &str = "127.0.0.1:0";

/// An address on which no program listens. A socket that is bound to it keeps other programs from it.
struct ClosedPort {
    address: SocketAddr,
    _socket: socket2::Socket,
}

impl ClosedPort {
    fn new() -> Self {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        Self { address: socket.local_addr().unwrap().as_socket().unwrap(), _socket: socket }
    }
}

/// Accepts connections and calls `attend` with each.
fn host(attend: impl Fn(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind(ANY).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || listener.incoming().for_each(|stream| attend(ready(stream.unwrap()))));
    address
}

/// Answers one request of each connection.
fn echo(cell: Cell) -> SocketAddr {
    host(move |stream| {
        let request = cell.read(&stream);
        cell.write(&stream, &request);
        // The client closes first.
        let _ = crate::peer::read_to_end(&stream);
    })
}

fn reconnect() -> Reconnect {
    let mut reconnect = Reconnect::new(Policy::PrimaryBackup);
    (reconnect.first, reconnect.cap) = (Duration::from_millis(10), Duration::from_millis(80));
    reconnect
}

fn profile(cell: Cell) -> ProfileBuilder {
    cell.profile().reconnect(reconnect()).reply_timeout(Duration::from_secs(2))
}

pub(crate) fn a_closed_port<D: Ends>(cell: Cell) {
    let closed = ClosedPort::new();
    let address = closed.address;
    let Err(error) = D::connect(address, cell.framing()) else { panic!("no program listens there") };
    let text = error.to_string();
    assert!(
        matches!(&error, ConnectError::Dial { error, .. } if error.kind() == io::ErrorKind::ConnectionRefused),
        "{text}"
    );
    assert!(text.contains(&address.to_string()), "{text}");
    // The client reports that the call was not sent, and waits for its next dial no longer than a call may take.
    let mut client = D::client(profile(cell).build().unwrap(), address);
    let began = Instant::now();
    for _ in 0..4 {
        let error = client.call(b"hello").unwrap_err();
        assert_eq!(error.sent(), Sent::Not, "{error}");
        assert!(error.to_string().contains("refused"), "{error}");
    }
    assert!(began.elapsed() < DEADLINE, "{:?}", began.elapsed());
}

/// The accept queue is full, so the system answers no further SYN.
pub(crate) fn a_full_queue<D: Ends>(cell: Cell) {
    match cell.role {
        Role::Client => dialling_a_full_queue::<D>(cell),
        Role::Server => accepting_again::<D>(cell),
    }
}

fn dialling_a_full_queue<D: Ends>(cell: Cell) {
    let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let listener: TcpListener = listener.into();
    let address = listener.local_addr().unwrap();
    let waiting = TcpStream::connect(address).unwrap();
    let within = Duration::from_millis(100);
    let mut client = D::client(profile(cell).connect_timeout(within).build().unwrap(), address);
    let began = Instant::now();
    let error = client.call(b"hello").unwrap_err();
    if cfg!(target_os = "linux") {
        assert!(matches!(error.error().cause(), Cause::Connect(ConnectError::TimedOut { .. })), "{error}");
        assert_eq!(error.sent(), Sent::Not, "{error}");
        assert!(began.elapsed() >= within / 2 && began.elapsed() < DEADLINE, "{:?}", began.elapsed());
    }
    // The queue has room again.
    drop((listener.accept().unwrap(), waiting));
    let accepting = Task::start(move || {
        loop {
            let stream = ready(listener.accept().unwrap().0);
            // A dial that was given up may have succeeded in the system.
            let mut header = [0; 1];
            if matches!(stream.peek(&mut header), Ok(1)) {
                let request = cell.read(&stream);
                cell.write(&stream, &request);
                return;
            }
        }
    });
    while client.call(b"hello").is_err() {
        assert!(began.elapsed() < DEADLINE);
    }
    accepting.join();
}

/// More clients dial than fit into the queue, while the server accepts none.
fn accepting_again<D: Ends>(cell: Cell) {
    let (address, mut accept) = D::listening(cell.framing(), 1);
    let mut clients = Vec::new();
    // The system answers no dial while the queue is full.
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(50)) {
        clients.push(ready(stream));
        assert!(clients.len() < 100, "the queue fills up");
    }
    let mut accepted: Vec<D> = clients.iter().map(|_| accept()).collect();
    clients.push(ready(TcpStream::connect_timeout(&address, DEADLINE).unwrap()));
    accepted.push(accept());
    for client in &clients {
        cell.write(client, b"hello");
    }
    for ours in &mut accepted {
        assert_eq!(next(ours), b"hello");
        ours.send(b"reply").unwrap();
    }
    for client in &clients {
        assert_eq!(cell.read(client), b"reply");
    }
}

pub(crate) fn a_flapping_server<D: Ends>(cell: Cell) {
    let (dials, is_well) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let address = host({
        let (dials, is_well) = (Arc::clone(&dials), Arc::clone(&is_well));
        move |stream| {
            dials.fetch_add(1, Ordering::SeqCst);
            if is_well.load(Ordering::SeqCst) {
                let request = cell.read(&stream);
                cell.write(&stream, &request);
            }
        }
    });
    let mut client = D::client(profile(cell).build().unwrap(), address);
    let began = Instant::now();
    // A connection without an exchange is no success: the delays go on growing.
    while began.elapsed() < Duration::from_millis(500) {
        client.call(b"hello").unwrap_err();
    }
    let took = began.elapsed();
    let seen = dials.load(Ordering::SeqCst);
    // A delay is shortened at random, to 40 ms on average. A client without delays makes thousands of dials.
    let most = 10 * (1 + usize::try_from(took.as_millis() / 100).unwrap());
    assert!((2..=most).contains(&seen), "{seen} dials in {took:?}");
    is_well.store(true, Ordering::SeqCst);
    let began = Instant::now();
    while client.call(b"hello").is_err() {
        assert!(began.elapsed() < DEADLINE);
    }
}

pub(crate) fn names<D: Ends>(cell: Cell) {
    let client = |lookup: Lookup| {
        D::client_with(
            profile(cell).connect_timeout(Duration::from_millis(100)).build().unwrap(),
            vec!["switch".into()],
            lookup,
        )
    };
    without_an_address(client(Arc::new(|_| Err(io::Error::other("no such name")))), "no such name");
    without_an_address(client(Arc::new(|_| Ok(Vec::new()))), "no address");
    hanging(client);
    let (old, new) = (echo(cell), echo(cell));
    let closed = ClosedPort::new();
    let dead = closed.address;
    // One of two addresses is dead.
    let mut both = client(Arc::new(move |_| Ok(vec![dead, old])));
    assert_eq!(&both.call(b"hello").unwrap()[..], b"hello");
    // The name gets a new address, and the next dial resolves it again.
    let asked = Arc::new(AtomicUsize::new(0));
    let mut changing = client({
        let asked = Arc::clone(&asked);
        Arc::new(move |_| Ok(vec![if asked.fetch_add(1, Ordering::SeqCst) == 0 { dead } else { new }]))
    });
    assert_eq!(changing.call(b"hello").unwrap_err().sent(), Sent::Not);
    assert_eq!(&changing.call(b"hello").unwrap()[..], b"hello");
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

fn without_an_address(mut client: Box<dyn Client>, word: &str) {
    let error = client.call(b"hello").unwrap_err();
    assert_eq!(error.sent(), Sent::Not, "{error}");
    assert!(error.to_string().contains(word), "{word}: {error}");
}

fn hanging(client: impl Fn(Lookup) -> Box<dyn Client>) {
    let is_free = Arc::new(AtomicBool::new(false));
    let mut client = client({
        let is_free = Arc::clone(&is_free);
        Arc::new(move |_| {
            while !is_free.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(2));
            }
            Ok(Vec::new())
        })
    });
    let began = Instant::now();
    let error = client.call(b"hello").unwrap_err();
    assert_eq!(error.sent(), Sent::Not, "{error}");
    assert!(began.elapsed() < DEADLINE / 2, "{:?}", began.elapsed());
    is_free.store(true, Ordering::SeqCst);
}
