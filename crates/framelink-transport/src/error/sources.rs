//! Tests that a program finds the error of the system, or of a handler, by its type under any of our errors. A new
//! error that wraps another one gets a row here.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use framelink_codec::{CodecError, ReadError, WriteError};
use framelink_testkit::StartError;

use crate::error::{CallError, Cause, ConnectError, Error, Operation, PoolError};
use crate::profile::ProfileError;
use crate::session::Sent;
use crate::{DecodeError, EncodeError, Framing, NotationError};

/// An error number of the system. Any number works, because it is only passed on.
const NUMBER: i32 = 104;

fn system() -> io::Error {
    io::Error::from_raw_os_error(NUMBER)
}

/// The error of a handler.
#[derive(Debug)]
struct HostIsGone;

impl fmt::Display for HostIsGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host is gone")
    }
}

impl StdError for HostIsGone {}

fn address() -> std::net::SocketAddr {
    ([10, 1, 2, 3], 7000).into()
}

fn connection(cause: Cause) -> Error {
    Error::new(Operation::Receive, Some(address()), cause)
}

fn call(cause: Cause) -> CallError {
    CallError::new(Sent::Perhaps, connection(cause))
}

fn dial() -> ConnectError {
    ConnectError::Dial { address: address(), error: system() }
}

fn sign_on() -> ConnectError {
    ConnectError::SignOn { address: address(), error: Box::new(call(Cause::Reset(system()))) }
}

fn not_lent() -> PoolError {
    let mut not_lent = PoolError::closed();
    not_lent.last_failure = Some(Arc::new(sign_on()));
    not_lent
}

fn notation() -> NotationError {
    "nett:2".parse::<Framing>().expect_err("there is no such kind")
}

type Reading = ReadError<DecodeError>;
type Writing = WriteError<EncodeError>;
type Streaming = CodecError<DecodeError, EncodeError>;

/// All errors that contain an error of the system.
fn of_system() -> Vec<(&'static str, Box<dyn StdError>)> {
    vec![
        ("resolving", Box::new(ConnectError::Resolve(system()))),
        ("dialling", Box::new(dial())),
        ("no port", Box::new(ConnectError::NoLocalPort { address: address(), source: None, error: system() })),
        ("no thread", Box::new(ConnectError::NoThread(system()))),
        ("signing on", Box::new(sign_on())),
        ("a pool that cannot dial", Box::new(not_lent())),
        ("a connection that is reset", Box::new(connection(Cause::Reset(system())))),
        ("a socket that fails", Box::new(connection(Cause::Io(system())))),
        ("a connection that is not made", Box::new(connection(Cause::Connect(dial())))),
        ("a pool's connection", Box::new(connection(Cause::PoolError(Box::new(not_lent()))))),
        ("a call that is reset", Box::new(call(Cause::Reset(system())))),
        ("a call that finds no connection", Box::new(call(Cause::Connect(dial())))),
        ("a call whose peer does not sign us on", Box::new(call(Cause::Connect(sign_on())))),
        ("a call that a pool has no connection for", Box::new(call(Cause::PoolError(Box::new(not_lent()))))),
        ("one of many calls", Box::new(call(Cause::<DecodeError, EncodeError>::Reset(system()).again()))),
        ("a reader", Box::new(Reading::Io(system()))),
        ("a writer", Box::new(Writing::Io(system()))),
        ("a framed", Box::new(Streaming::Io(system()))),
        ("a test peer that listens", Box::new(StartError::Listen(system()))),
        ("a test peer that dials", Box::new(StartError::Dial(system()))),
    ]
}

/// The chain of sources of an error, nearest first.
fn sources<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(error.source(), |&error| error.source())
}

/// The text of a program that prints an error and all its sources.
fn chain(error: &(dyn StdError + 'static)) -> String {
    sources(error).fold(error.to_string(), |text, source| format!("{text}: {source}"))
}

#[test]
fn the_error_of_the_system_is_found_in_one_step_and_with_its_number() {
    for (name, error) in of_system() {
        let found: Vec<_> = sources(&*error).collect();
        assert_eq!(found.len(), 1, "{name}: one step, or a chain repeats itself: {}", chain(&*error));
        let number = found[0].downcast_ref::<io::Error>().and_then(io::Error::raw_os_error);
        assert_eq!(number, Some(NUMBER), "{name}");
    }
}

#[test]
fn a_chain_says_no_text_more_than_once_beside_the_error_that_has_it() {
    for (name, error) in of_system() {
        let (own, text) = (error.to_string(), system().to_string());
        let times = chain(&*error).matches(&text).count();
        assert_eq!(times, own.matches(&text).count() + 1, "{name}: {}", chain(&*error));
        assert!(times <= 2, "{name}: {}", chain(&*error));
    }
}

#[test]
fn the_error_of_a_handler_is_found_by_its_type() {
    let failed = || Cause::HandlerFailed(Arc::new(HostIsGone));
    let errors: [Box<dyn StdError>; 2] = [Box::new(connection(failed())), Box::new(call(failed()))];
    for error in errors {
        assert!(sources(&*error).any(|source| source.is::<HostIsGone>()), "{error}");
    }
}

#[test]
fn the_error_of_a_notation_in_a_profile_is_found_by_its_type() {
    let error = ProfileError::Unreadable { key: "framing", error: notation() };
    assert_eq!(sources(&error).next().and_then(|source| source.downcast_ref()), Some(&notation()));
    #[cfg(feature = "toml")]
    {
        let error = crate::Profile::from_toml("framing = 'nett:2'").unwrap_err();
        assert_eq!(sources(&error).next().and_then(|source| source.downcast_ref()), Some(&notation()));
    }
}

#[test]
fn an_error_without_a_cause_outside_this_crate_has_no_source() {
    let within = Duration::from_secs(1);
    let errors: [Box<dyn StdError>; 4] = [
        Box::new(connection(Cause::Closed)),
        Box::new(call(Cause::NoReply)),
        Box::new(ConnectError::TimedOut { address: address(), after: within }),
        Box::new(PoolError::closed()),
    ];
    for error in errors {
        assert!(error.source().is_none(), "{error}");
    }
}
