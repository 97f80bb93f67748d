//! Our servers on one address, behind one interface.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use framelink_transport::{DrainReport, Profile, RuleHandler, blocking, tokio};

/// Answers a submit_sm. Other requests are answered by the reply rules of the profile.
pub(crate) type Submit = Arc<dyn Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync>;

pub(crate) trait Server {
    const NAME: &'static str;

    fn start(profile: &Arc<Profile>, address: SocketAddr, submit: Submit) -> Self;
    /// Closes all connections at once.
    fn kill(self);
}

pub(crate) fn answer(rules: &RuleHandler, submit: &Submit, request: &[u8]) -> Option<Vec<u8>> {
    submit(request).or_else(|| rules.answer(request).expect("a reply").reply.expect("no fault"))
}

pub(crate) struct Blocking {
    handle: blocking::ServerHandle,
    thread: JoinHandle<DrainReport>,
}

impl Server for Blocking {
    const NAME: &'static str = "blocking";

    fn start(profile: &Arc<Profile>, address: SocketAddr, submit: Submit) -> Self {
        let server = blocking::Server::bind(address, profile).expect("listening");
        let (handle, rules) = (server.handle(), server.rule_handler());
        let thread = thread::spawn(move || {
            server.run_per_connection(move |_| {
                let (rules, submit) = (rules.another(), Arc::clone(&submit));
                move |request| answer(&rules, &submit, &request)
            })
        });
        Self { handle, thread }
    }

    fn kill(self) {
        self.handle.drain(Duration::ZERO);
        self.thread.join().unwrap();
    }
}

pub(crate) struct Tokio(::tokio::runtime::Runtime);

impl Server for Tokio {
    const NAME: &'static str = "tokio";

    fn start(profile: &Arc<Profile>, address: SocketAddr, submit: Submit) -> Self {
        let runtime = ::tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let server = runtime.block_on(tokio::Server::bind(address, profile)).expect("listening");
        let rules = server.rule_handler();
        runtime.spawn(server.run_per_connection(move |_| {
            let (rules, submit) = (rules.another(), Arc::clone(&submit));
            move |request| std::future::ready(answer(&rules, &submit, &request))
        }));
        Self(runtime)
    }

    fn kill(self) {
        drop(self.0);
    }
}
