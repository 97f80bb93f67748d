//! A peer that follows a script of bytes. It shares no code with framelink: the bytes of a script come from the standard.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::thread::{self, JoinHandle};

use crate::DEADLINE;

/// What the peer does next on a connection. After the last step it closes the connection.
pub(crate) enum Step {
    /// These bytes, but any bytes in this range.
    Expects(Vec<u8>, Range<usize>),
    Sends(Vec<u8>),
    ExpectsEnd,
    /// The last step: the connection stays open until the test has ended.
    KeepsOpen,
}

pub(crate) fn expects(bytes: impl AsRef<[u8]>) -> Step {
    expects_except(bytes, 0..0)
}

/// Expects these bytes, but any bytes in the range.
pub(crate) fn expects_except(bytes: impl AsRef<[u8]>, any: Range<usize>) -> Step {
    Step::Expects(bytes.as_ref().to_vec(), any)
}

pub(crate) fn sends(bytes: impl AsRef<[u8]>) -> Step {
    Step::Sends(bytes.as_ref().to_vec())
}

/// A peer on a thread of its own.
pub(crate) struct Peer {
    address: SocketAddr,
    thread: JoinHandle<Option<TcpStream>>,
}

impl Peer {
    /// Listens on a free port, accepts one connection, and does these steps on it.
    pub(crate) fn with(steps: impl IntoIterator<Item = Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, steps) = (listener.local_addr().unwrap(), steps.into_iter().collect::<Vec<_>>());
        let thread = thread::spawn(move || follow(listener.accept().unwrap().0, steps));
        Self { address, thread }
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Waits until the peer has done all its steps. Panics if the program did not send what they expect.
    pub(crate) fn finish(self) {
        if let Err(panic) = self.thread.join() {
            std::panic::resume_unwind(panic);
        }
    }
}

/// Does the steps on a connection, and returns it if it stays open.
pub(crate) fn follow(mut stream: TcpStream, steps: impl IntoIterator<Item = Step>) -> Option<TcpStream> {
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    for (number, step) in steps.into_iter().enumerate() {
        match step {
            Step::Sends(bytes) => stream.write_all(&bytes).unwrap(),
            Step::Expects(expected, any) => {
                let mut received = vec![0; expected.len()];
                let result = stream.read_exact(&mut received);
                received[any.clone()].copy_from_slice(&expected[any]);
                assert_eq!(hex(&received), hex(&expected), "step {number}: {result:?}");
            }
            Step::ExpectsEnd => {
                let mut rest = Vec::new();
                let result = stream.read_to_end(&mut rest).map_err(|error| error.kind());
                assert!(matches!(result, Ok(_) | Err(ErrorKind::ConnectionReset)), "step {number}: {result:?}");
                assert_eq!(hex(&rest), "", "step {number}: bytes instead of the end");
            }
            Step::KeepsOpen => return Some(stream),
        }
    }
    None
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of hex digits. Blanks are left out.
pub(crate) fn bytes(digits: &str) -> Vec<u8> {
    let digits: Vec<u32> =
        digits.chars().filter(|digit| !digit.is_whitespace()).map(|d| d.to_digit(16).unwrap()).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}

/// The error of a call whose peer closes the connection after the request.
pub(crate) const NO_REPLY: &str = "calling PEER: the peer closed the connection instead of replying (perhaps sent)";

/// The error of a call whose peer does not accept the sign-on.
pub(crate) fn refused(reply_len: usize, mismatch: &str) -> String {
    format!(
        "calling the peer: signing on at PEER: the peer refused the sign-on: in its reply of {reply_len} bytes, {mismatch} (not sent)"
    )
}

/// What a program says when its peer does these steps.
pub(crate) fn error_with<T: std::fmt::Debug>(
    steps: impl IntoIterator<Item = Step>,
    program: impl FnOnce(&str) -> Result<T, Box<dyn std::error::Error>>,
) -> String {
    let peer = Peer::with(steps);
    let address = peer.address();
    let error = program(&address).unwrap_err().to_string();
    peer.finish();
    error.replace(&address, "PEER")
}
