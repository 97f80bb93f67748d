//! A standard output that cannot be written is an error: before a message is received, if the program can see it by
//! then.
#![cfg(unix)]

use std::io::{BufRead, BufReader, PipeWriter, Write, pipe};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{DEADLINE, Finished, Host, Running, TempFile, dial, framelink, read_exactly, read_to_end};

/// Runs the program with a stdout that a shell redirects.
fn shell(redirection: &str, arguments: &[&str]) -> Finished {
    Running::run(&mut command(redirection, arguments))
}

fn command(redirection: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("exec \"$0\" \"$@\" {redirection}"), env!("CARGO_BIN_EXE_framelink")]);
    command.args(arguments).env_remove("RUST_LOG");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[cfg(target_os = "linux")]
#[test]
fn a_closed_stdout_is_an_error_before_dialling_or_listening() {
    let host = Host::listen();
    let to = host.address.to_string();
    let file = TempFile::with(b"hello\r\n");
    let commands: &[&[&str]] = &[
        &["send", &to, "--framing", "line", "hi"],
        &["send", &to, "--framing", "line", "--json", "hi"],
        &["send", &to, "--framing", "line", "--exchange", "duplex", "hi"],
        &["send", &to, "--framing", "line", "--every", "1s", "hi"],
        // A program that listens would not end.
        &["listen", "--listen", "127.0.0.1:0", "--framing", "line"],
        &["inspect", "--framing", "line", file.path()],
        &["check", "short-sync", "--framing", "line"],
    ];
    for arguments in commands {
        let done = shell(">&-", arguments);
        assert_eq!(done.code, Some(1), "{arguments:?}: {}", done.stderr);
        assert!(done.stderr.contains("standard output is closed"), "{arguments:?}: {}", done.stderr);
    }
    host.expect_untouched();
}

/// The program cannot distinguish this from a closed stdout, so the error names both.
#[cfg(target_os = "linux")]
#[test]
fn for_a_dev_null_opened_for_reading_and_writing_the_error_says_what_to_do() {
    let done = shell("1<>/dev/null", &["check", "short-sync", "--framing", "line"]);
    assert_eq!(done.code, Some(1));
    assert!(done.stderr.contains("or is /dev/null opened for reading and writing"), "{}", done.stderr);
    assert!(done.stderr.contains("open /dev/null for writing only"), "{}", done.stderr);
}

#[cfg(target_os = "linux")]
#[test]
fn discarding_the_output_on_purpose_is_no_error() {
    for redirection in
        [">/dev/null", ">/dev/null 2>&1", "</dev/null >/dev/null", "<>/dev/null >&0", "1<>/dev/null 2<>/dev/null"]
    {
        let host = Host::listen();
        let to = host.address.to_string();
        let host = host.serve(|mut stream| {
            read_exactly(&stream, 4);
            stream.write_all(b"ok\r\n").expect("replying");
            read_to_end(&stream)
        });
        let done = shell(redirection, &["send", &to, "--framing", "line", "hi"]);
        assert_eq!(done.code, Some(0), "{redirection}: {}", done.stderr);
        host.join();
    }
}

/// A message that has no reply needs no stdout.
#[test]
fn a_message_without_reply_is_sent_though_stdout_is_closed() {
    let host = Host::listen();
    let to = host.address.to_string();
    let host = host.serve(|stream| read_to_end(&stream));
    let done = shell(">&-", &["send", &to, "--framing", "line", "--no-reply", "hi"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert_eq!(host.join(), b"hi\r\n");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_stdout_is_an_error() {
    let done = shell(">/dev/full", &["listen", "--listen", "127.0.0.1:0", "--framing", "line"]);
    assert_eq!(done.code, Some(1));
    assert!(done.stderr.contains("writing to stdout: No space left on device"), "{}", done.stderr);

    let host = Host::listen();
    let to = host.address.to_string();
    let host = host.serve(|mut stream| {
        read_exactly(&stream, 4);
        stream.write_all(b"ok\r\n").expect("replying");
        read_to_end(&stream)
    });
    let done = shell(">/dev/full", &["send", &to, "--framing", "line", "hi"]);
    assert_eq!(done.code, Some(1));
    assert!(done.stderr.contains("writing to stdout: No space left on device"), "{}", done.stderr);
    host.join();
}

/// Closes the reading end, and waits until no process holds it: one that another test starts now has it until it
/// executes its program.
fn close(reader: impl Sized, mut writer: PipeWriter) {
    drop(reader);
    let began = Instant::now();
    while writer.write_all(b" ").is_ok() {
        assert!(began.elapsed() < DEADLINE, "some process reads the pipe");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_pipe_that_no_program_reads_is_an_error_before_dialling() {
    let host = Host::listen();
    let to = host.address.to_string();
    let (reader, writer) = pipe().unwrap();
    close(reader, writer.try_clone().unwrap());
    let mut command = framelink(["send", &to, "--framing", "line", "hi"]);
    let done = Running::run(command.stdout(writer));
    assert_eq!(done.code, Some(1));
    assert!(done.stderr.contains("standard output is a pipe that no program reads"), "{}", done.stderr);
    host.expect_untouched();
}

#[test]
fn listen_says_how_many_messages_it_could_not_print() {
    let (reader, writer) = pipe().unwrap();
    let ours = writer.try_clone().unwrap();
    let mut command = framelink(["listen", "--listen", "127.0.0.1:0", "--framing", "line"]);
    let mut running = Running::start(command.stdout(writer));
    drop(command);
    let mut reader = BufReader::new(reader);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let address = line.trim_end().strip_prefix("listening on ").unwrap().parse().unwrap();
    close(reader, ours);
    let mut stream = dial(address);
    stream.write_all(b"lost\r\n").unwrap();
    let told = running.log_line("framelink: ");
    assert!(told.contains("broken pipe") && told.contains("received message"), "{told}");
    assert_eq!(running.finish().code, Some(1));
}
