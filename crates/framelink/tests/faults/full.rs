//! Standard output or standard error cannot be written any more.

use std::fs::File;
use std::io::Write;

use crate::common::{DEADLINE, Running, TempFile, Wire, dial, framelink, read_exactly};

/// A command that prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prints {
    Serve,
    Listen,
    Bridge,
    Send,
    Inspect,
}

impl Prints {
    pub(crate) const ALL: [Self; 5] = [Self::Serve, Self::Listen, Self::Bridge, Self::Send, Self::Inspect];
}

fn full() -> File {
    File::options().write(true).open("/dev/full").expect("Linux")
}

/// The command ends with exit code 1, and prints why.
pub(crate) fn stdout(&(wire, prints): &(Wire, Prints)) {
    let framing = ["--framing", wire.notation()];
    let at = ["--listen", "127.0.0.1:0"];
    let (_server, address) = Running::listen(&mut framelink([&["serve"], &at[..], &framing].concat()));
    let (to, file) = (address.to_string(), TempFile::with(&wire.frame(b"hi")));
    let arguments = match prints {
        Prints::Serve => [&["serve"], &at[..], &framing].concat(),
        Prints::Listen => [&["listen"], &at[..], &framing].concat(),
        Prints::Bridge => [&["bridge"], &at[..], &framing, &["--to", &to, "--to-framing", wire.notation()]].concat(),
        Prints::Send => [&["send", &to], &framing[..], &["hi"]].concat(),
        Prints::Inspect => [&["inspect"], &framing[..], &[file.path()]].concat(),
    };
    let done = Running::run(framelink(arguments).stdout(full()));
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(done.stderr.contains("writing to stdout: "), "{}", done.stderr);
}

/// A server whose log cannot be written goes on.
pub(crate) fn stderr(&wire: &Wire) {
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--framing", wire.notation()];
    let (server, address) = Running::listen(framelink(arguments).stderr(full()));
    for _ in 0..3 {
        let mut client = dial(address);
        client.set_read_timeout(Some(DEADLINE)).expect("a read deadline");
        client.write_all(&wire.frame(b"hi")).expect("sending");
        assert_eq!(read_exactly(&client, wire.frame(b"hi").len()), wire.frame(b"hi"));
    }
    server.signal("TERM");
    assert_eq!(server.finish().code, Some(0));
}
