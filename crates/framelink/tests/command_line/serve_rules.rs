//! `framelink serve` with the reply rules of a profile, with clients that read and write plain bytes.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::common::{Host, Running, TempFile, dial, framelink, half_close, read_exactly, read_to_end};

fn serve(rules: &str, more: &[&str]) -> (Running, SocketAddr) {
    let file = TempFile::with(format!("framing = 'ascii:4'\n{rules}").as_bytes());
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--profile", file.path()];
    Running::listen(&mut framelink([&arguments[..], more].concat()))
}

fn ask(client: &mut TcpStream, request: &[u8], len: usize) -> Vec<u8> {
    client.write_all(request).expect("sending");
    read_exactly(client, len)
}

#[test]
fn each_connection_begins_with_the_first_rule() {
    let rules = "[[reply]]\nsay = 'text:first'\ntimes = 2\n[[reply]]\nwhen = '0:1=text:a'\nsay = 'text:then {request}'";
    let (_server, address) = serve(rules, &[]);
    for _ in 0..2 {
        let mut client = dial(address);
        assert_eq!(ask(&mut client, b"0001a", 9), b"0005first");
        assert_eq!(ask(&mut client, b"0001b", 9), b"0005first");
        assert_eq!(ask(&mut client, b"0001a", 10), b"0006then a");
    }
}

#[test]
fn a_message_without_a_rule_has_no_reply_and_is_logged() {
    let rules = "[[reply]]\nwhen = '0:4=text:0800'\nsay = 'text:0810{request:4:6}'";
    let (mut server, address) = serve(rules, &[]);
    let mut client = dial(address);
    client.write_all(b"00040200" as &[u8]).expect("sending");
    server.log_line("no rule is for a message of 4 bytes, so it has no reply");
    client.write_all(b"00040800" as &[u8]).expect("sending");
    let line = server.log_line("no reply to a message of 4 bytes");
    assert!(line.contains("needs a message of 10 bytes or more to answer, received 4 bytes"), "{line}");
    assert_eq!(ask(&mut client, b"00100800000007", 14), b"00100810000007", "the connection goes on");
}

#[test]
fn a_delay_holds_up_no_other_reply_if_replies_have_a_key() {
    let rules = "exchange = { kind = 'duplex', key = '0:1' }\n[[reply]]\nwhen = '0:1=text:a'\nsay = 'text:{request}'\n\
                 after = '300ms'\n[[reply]]\nsay = 'text:{request}'";
    let (_server, address) = serve(rules, &[]);
    let (mut client, began) = (dial(address), Instant::now());
    assert_eq!(ask(&mut client, b"0001a0001b", 10), b"0001b0001a");
    assert!(began.elapsed() >= Duration::from_millis(300));
}

#[test]
fn faults_close_cut_and_reset_after_earlier_replies() {
    let rules = |fault| format!("[[reply]]\nwhen = '0:1=text:x'\n{fault}\n[[reply]]\nsay = 'text:ok'");
    for (fault, cut, is_reset) in [
        ("fault = 'slam'", &b""[..], false),
        ("fault = 'cut-fin'\nsay = 'text:abcdef'", b"0006a", false),
        ("fault = 'cut-reset'\nsay = 'text:abcdef'", b"0006a", true),
        ("fault = 'cut-reset'", b"", true),
        ("fault = 'garbage-length'\nsay = 'text:abcdef'", b"\x00006abcdef", false),
    ] {
        let (mut server, address) = serve(&rules(fault), &[]);
        let mut client = dial(address);
        client.write_all(b"0001a0001x").expect("sending");
        let (mut received, mut space) = (Vec::<u8>::new(), [0_u8; 64]);
        let ended = loop {
            match client.read(&mut space) {
                Ok(0) => break Ok(()),
                Ok(count) => received.extend_from_slice(&space[..count]),
                Err(error) => break Err(error.kind()),
            }
        };
        assert_eq!(received, [b"0002ok", cut].concat(), "{fault}");
        assert_eq!(ended, if is_reset { Err(ErrorKind::ConnectionReset) } else { Ok(()) }, "{fault}");
        server.log_line("by its rule, the connection is");
    }
}

#[test]
fn an_option_takes_precedence_over_the_rules_and_can_be_a_template() {
    let rules = "[[reply]]\nsay = 'text:rule'";
    for (reply, request, expected) in [
        ("text:0210{request:4:6}", &b"00100200000007"[..], &b"00100210000007"[..]),
        ("text:{number:3}", b"0001a0001b", b"00030010003002"),
        ("hex:{request}00", b"0001a", b"0002a\0"),
        ("text:fixed", b"0001a", b"0005fixed"),
        ("echo", b"0001a", b"0001a"),
        ("none", b"0001a", b""),
    ] {
        let (_server, address) = serve(rules, &["--reply", reply]);
        let mut client = dial(address);
        client.write_all(request).expect("sending");
        half_close(&client);
        assert_eq!(read_to_end(&client), expected, "{reply}");
    }
}

#[test]
fn a_reply_that_cannot_be_right_is_refused_at_the_start() {
    for (reply, told) in [
        ("text:{request:4:6", "expected"),
        ("loud", "expected echo, none, text:T or hex:H"),
        ("text:{env:FRAMELINK_NO_SUCH_VARIABLE}", "FRAMELINK_NO_SUCH_VARIABLE, which is not set"),
    ] {
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--framing", "ascii:4", "--reply", reply];
        let done = Running::run(&mut framelink(arguments));
        assert!(done.code != Some(0) && done.stderr.contains(told), "{reply}: {}", done.stderr);
    }
}

/// The header is five bytes: 60, destination, source. The host sees and sends messages without it.
#[test]
fn a_bridge_keeps_a_header_and_swaps_it_in_the_reply() {
    let file = TempFile::with(
        b"framing = 'net:2'\n[replies]\nrequest-header = 5\nheader = 'hex:60{request:3:2}{request:1:2}'",
    );
    let host = Host::listen();
    let to = host.address.to_string();
    let host = host.serve(|mut stream| {
        let request = read_exactly(&stream, 8);
        stream.write_all(b"00040210").expect("replying");
        read_to_end(&stream);
        request
    });
    let common =
        ["bridge", "--listen", "127.0.0.1:0", "--profile", file.path(), "--to", &to, "--to-framing", "ascii:4"];
    let (_bridge, address) = Running::listen(&mut framelink([&common[..], &["--to-connection", "pooled:1"]].concat()));
    let mut client = dial(address);
    assert_eq!(ask(&mut client, b"\0\x09\x60\0\x01\x80\x020200", 11), b"\0\x09\x60\x80\x02\0\x010210");
    client.write_all(b"\0\x03abc").expect("sending");
    assert_eq!(read_to_end(&client), b"", "a message without a header ends its connection");
    drop(_bridge);
    assert_eq!(host.join(), b"00040200");

    let done = Running::run(&mut framelink(common));
    assert_eq!(done.code, Some(2));
    assert!(done.stderr.contains("--to-connection short, shared:N or pooled:N"), "{}", done.stderr);
}
