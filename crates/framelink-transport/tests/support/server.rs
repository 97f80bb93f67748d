//! One trait for the servers of the three drivers: a listener whose connections are served by one handler.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::task::Wake;
use std::thread;
use std::time::Duration;

use framelink_transport::session::{Concurrency, ReplySlot};
use framelink_transport::{
    Error, Framing, MemberId, Message, Profile, Registry, TryRecv, blocking, nonblocking, tokio,
};

use super::tls::before_server;
use super::{DEADLINE, secured};

/// A handler, which may block.
pub(crate) type Handler = Arc<dyn Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync>;

/// A server that accepts any number of connections.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    outcomes: Receiver<Result<u64, Error>>,
    members: Receiver<MemberId>,
}

/// How a server serves each connection.
#[derive(Clone)]
pub(crate) struct Plan {
    profile: Arc<Profile>,
    concurrency: Concurrency,
    handler: Handler,
    registry: Option<Registry>,
    ended: Sender<Result<u64, Error>>,
    joined: Sender<MemberId>,
}

impl Server {
    /// Returns the next member that joined the registry.
    #[track_caller]
    pub(crate) fn member(&self) -> MemberId {
        self.members.recv_timeout(DEADLINE).expect("a connection that joins")
    }

    /// Returns the outcome of the next connection that ended.
    #[track_caller]
    pub(crate) fn outcome(&self) -> Result<u64, Error> {
        self.outcomes.recv_timeout(DEADLINE).expect("a connection that ends")
    }
}

pub(crate) trait Serve {
    const NAME: &'static str;
    fn listen(plan: Plan) -> SocketAddr;

    /// Starts a server that serves each connection separately.
    fn start(profile: Profile, concurrency: Concurrency, handler: Handler) -> Server {
        Self::start_with(profile, concurrency, handler, None)
    }

    /// Like `start`, and each connection joins the registry.
    fn start_with(profile: Profile, concurrency: Concurrency, handler: Handler, registry: Option<&Registry>) -> Server {
        let ((ended, outcomes), (joined, members)) = (mpsc::channel(), mpsc::channel());
        let (profile, registry) = (Arc::new(profile), registry.cloned());
        let address = Self::listen(Plan { profile, concurrency, handler, registry, ended, joined });
        Server { address, outcomes, members }
    }
}

pub(crate) fn profile() -> framelink_transport::ProfileBuilder {
    Profile::builder("net:2".parse::<Framing>().expect("a notation")).close_timeout(Duration::from_millis(300))
}

pub(crate) struct Blocking;

impl Serve for Blocking {
    const NAME: &'static str = "blocking";

    fn listen(plan: Plan) -> SocketAddr {
        let listener = blocking::Listener::bind_profile("127.0.0.1:0", &plan.profile).unwrap();
        let mut listener = secured!(server, tls(), listener);
        let address = before_server(listener.local_addr().unwrap());
        thread::spawn(move || {
            while let Ok(Some(mut connection)) = listener.accept() {
                let plan = plan.clone();
                if let Some(registry) = &plan.registry {
                    plan.joined.send(connection.join(registry)).unwrap();
                }
                thread::spawn(move || {
                    let answer = |message: Message| (plan.handler)(&message);
                    let _ = plan.ended.send(connection.serve_many(&plan.profile, plan.concurrency, answer));
                });
            }
        });
        address
    }
}

pub(crate) struct Tokio;

impl Serve for Tokio {
    const NAME: &'static str = "tokio";

    fn listen(plan: Plan) -> SocketAddr {
        let runtime = ::tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::Listener::bind_profile("127.0.0.1:0", &plan.profile));
        let mut listener = secured!(server, tls(), listener.unwrap());
        let address = before_server(listener.local_addr().unwrap());
        let accepting = async move {
            while let Ok(mut connection) = listener.accept().await {
                let plan = plan.clone();
                if let Some(registry) = &plan.registry {
                    plan.joined.send(connection.join(registry)).unwrap();
                }
                ::tokio::spawn(async move {
                    let answer = |message: Message| {
                        let handler = Arc::clone(&plan.handler);
                        // A handler that may block has a thread of its own. A panic there panics here too.
                        async move { ::tokio::task::spawn_blocking(move || handler(&message)).await.unwrap() }
                    };
                    let _ = plan.ended.send(connection.serve_many(&plan.profile, plan.concurrency, answer).await);
                });
            }
        };
        thread::spawn(move || runtime.block_on(accepting));
        address
    }
}

pub(crate) struct NonBlocking;

/// A finished reply, sent from the handler's thread to the loop.
type Reply = (ReplySlot, Option<Vec<u8>>);

impl Serve for NonBlocking {
    const NAME: &'static str = "nonblocking";

    fn listen(plan: Plan) -> SocketAddr {
        let listener = nonblocking::Listener::bind_profile("127.0.0.1:0", &plan.profile).unwrap();
        let mut listener = secured!(server, tls(), listener);
        let address = before_server(listener.local_addr().unwrap());
        thread::spawn(move || {
            let mut poll = mio::Poll::new().unwrap();
            poll.registry().register(&mut listener, mio::Token(0), mio::Interest::READABLE).unwrap();
            loop {
                while let Ok(Some(mut connection)) = listener.try_accept() {
                    let plan = plan.clone();
                    if let Some(registry) = &plan.registry {
                        plan.joined.send(connection.join(registry)).unwrap();
                    }
                    thread::spawn(move || {
                        let served = connection.serve_many(&plan.profile, plan.concurrency);
                        let _ = plan.ended.send(run(served, &plan.profile, &plan.handler));
                    });
                }
                poll.poll(&mut mio::Events::with_capacity(8), None).unwrap();
            }
        });
        address
    }
}

/// Wakes a loop.
struct ThreadWaker(mio::Waker);

impl Wake for ThreadWaker {
    fn wake(self: Arc<Self>) {
        self.0.wake().unwrap();
    }
}

/// Serves one connection in a loop. Each handler has a thread of its own.
fn run(mut served: nonblocking::Served, profile: &Profile, handler: &Handler) -> Result<u64, Error> {
    let mut poll = mio::Poll::new().unwrap();
    let waker = Arc::new(ThreadWaker(mio::Waker::new(poll.registry(), mio::Token(1)).unwrap()));
    served.set_waker(Arc::clone(&waker).into());
    let interests = mio::Interest::READABLE | mio::Interest::WRITABLE;
    poll.registry().register(&mut served, mio::Token(0), interests).unwrap();
    let (finished, replies) = mpsc::channel::<Reply>();
    let mut events = mio::Events::with_capacity(8);
    loop {
        for (slot, reply) in replies.try_iter() {
            served.reply(slot, reply.as_deref())?;
        }
        loop {
            match served.try_next()? {
                TryRecv::Message((slot, message)) => handle(slot, message, handler, &finished, &waker),
                TryRecv::Nothing => break,
                TryRecv::Closed => return served.close(profile),
            }
        }
        poll.poll(&mut events, served.deadline()).unwrap();
    }
}

fn handle(slot: ReplySlot, message: Message, handler: &Handler, finished: &Sender<Reply>, waker: &Arc<ThreadWaker>) {
    let (handler, finished, waker) = (Arc::clone(handler), finished.clone(), Arc::clone(waker));
    thread::spawn(move || {
        let _ = finished.send((slot, handler(&message)));
        waker.wake();
    });
}

/// Makes a test of each rule on each driver.
macro_rules! on_every_driver {
    ($($rule:ident),* $(,)?) => {
        $crate::support::on_every_driver_of!(server: $($rule),*);
    };
    // Over TLS too.
    (tls: $($rule:ident),* $(,)?) => {
        $crate::support::on_every_driver_of!(tls server: $($rule),*);
    };
}
pub(crate) use on_every_driver;
