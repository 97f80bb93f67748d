//! `framelink bridge --record`: a host is recorded, and `framelink serve` answers other numbers like it.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};

use crate::common::{Running, TempFile, Wire, dial, framelink, read_exactly};

fn host(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("hosts").join(format!("{name}.toml"));
    file.to_str().expect("UTF-8").to_owned()
}

fn serve(profile: &str) -> (Running, SocketAddr) {
    Running::listen(&mut framelink(["serve", "--listen", "127.0.0.1:0", "--profile", profile]))
}

/// Returns a file that does not exist yet. It is removed at the end.
fn new_file() -> TempFile {
    let file = TempFile::with(b"");
    std::fs::remove_file(&file.0).expect("removing a file");
    file
}

/// Sends messages through a bridge that records them, and returns the bridge's last lines.
fn record(host: SocketAddr, to: &[&str], wire: Wire, requests: &[&[u8]], file: &TempFile) -> String {
    let host = host.to_string();
    let arguments = ["bridge", "--listen", "127.0.0.1:0", "--to", &host, "--record", file.path()];
    let (bridge, address) = Running::listen(&mut framelink([&arguments[..], to].concat()));
    let mut client = dial(address);
    for request in requests {
        ask(&mut client, wire, request);
    }
    drop(client);
    bridge.signal("TERM");
    let done = bridge.finish();
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    done.stderr
}

fn ask(client: &mut TcpStream, wire: Wire, request: &[u8]) -> Vec<u8> {
    client.write_all(&wire.frame(request)).expect("sending");
    wire.read(client)
}

fn mode(path: &PathBuf) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(path).expect("a file").permissions()) & 0o777
}

#[test]
fn a_card_switch_is_recorded_and_answers_other_numbers() {
    let (_host, address) = serve(&host("card-switch"));
    let file = new_file();
    let profile = host("card-switch");
    let to = ["--framing", "ascii:4", "--to-profile", &profile, "--to-connection", "shared:1"];
    let requests: [&[u8]; 4] = [
        b"08000000010120143000",
        b"02000000020120143001164111111111111111000000001500",
        b"02000000030120143002164111111111111111000000002600",
        b"04200000020120143003",
    ];
    let log = record(address, &to, Wire::Ascii4, &requests, &file);
    assert!(log.contains("recorded 4 exchanges as "), "{log}");
    let text = std::fs::read_to_string(&file.0).expect("a recording");
    assert!(!text.contains("4111111111111111"), "{text}");
    assert_eq!(mode(&file.0), 0o600);

    let (_replay, address) = serve(file.path());
    let mut client = dial(address);
    assert_eq!(ask(&mut client, Wire::Ascii4, b"08009876540131235959"), b"0810987654013123595900", "{text}");
    assert_eq!(ask(&mut client, Wire::Ascii4, b"04209876560131235959"), b"0430987656013123595900", "{text}");
    let reply = ask(&mut client, Wire::Ascii4, b"02009876550131235959165500005555555559000000000100");
    assert_eq!((&reply[..22], reply.len()), (&b"0210987655013123595900"[..], 28), "{text}");
}

#[test]
fn a_message_centre_is_recorded_with_its_counter() {
    let (_host, address) = serve(&host("smpp"));
    let file = new_file();
    let profile = host("smpp");
    let to = ["--framing", "net:4,counts=frame", "--to-profile", &profile, "--to-connection", "shared:1"];
    let bridge = |file: &TempFile| {
        let host = address.to_string();
        let arguments = ["bridge", "--listen", "127.0.0.1:0", "--to", &host, "--record", file.path()];
        Running::listen(&mut framelink([&arguments[..], &to].concat()))
    };
    let ask = |client: &mut TcpStream, request: &[u8]| {
        let frame = [&u32::try_from(request.len() + 4).unwrap().to_be_bytes(), request].concat();
        client.write_all(&frame).expect("sending");
        let len = u32::from_be_bytes(read_exactly(&*client, 4).try_into().unwrap());
        read_exactly(&*client, len as usize - 4)
    };
    let request = |command: u8, sequence: u8| [0, 0, 0, command, 0, 0, 0, 0, 0, 0, 0, sequence];
    let (running, bridged) = bridge(&file);
    let mut client = dial(bridged);
    for (command, sequence) in [(9, 1), (0x15, 2), (4, 3), (4, 4), (0x15, 5), (4, 6)] {
        ask(&mut client, &request(command, sequence));
    }
    drop(client);
    running.signal("TERM");
    assert_eq!(running.finish().code, Some(0));

    let text = std::fs::read_to_string(&file.0).expect("a recording");
    assert!(text.contains("{number:8}"), "{text}");
    let (_replay, address) = serve(file.path());
    let mut client = dial(address);
    let expected =
        |command: u8, sequence: u8, more: &[u8]| [&[0x80, 0, 0, command, 0, 0, 0, 0, 0, 0, 0, sequence], more].concat();
    assert_eq!(ask(&mut client, &request(0x15, 200)), expected(0x15, 200, b""), "{text}");
    assert_eq!(ask(&mut client, &request(4, 201)), expected(4, 201, b"00000001\0"), "{text}");
    assert_eq!(ask(&mut client, &request(4, 202)), expected(4, 202, b"00000002\0"), "{text}");
}

#[test]
fn a_recording_overwrites_no_file_and_needs_exchanges() {
    let file = TempFile::with(b"kept");
    let bridge = |more: &[&str]| {
        let arguments =
            ["bridge", "--listen", "127.0.0.1:0", "--framing", "ascii:4", "--to", "127.0.0.1:9", "--record"];
        let done =
            Running::run(&mut framelink([&arguments[..], &[file.path(), "--to-framing", "ascii:4"], more].concat()));
        assert_eq!(done.code, Some(2), "{}", done.stderr);
        done.stderr
    };
    assert!(
        bridge(&["--to-connection", "short"])
            .contains("the file exists, and a recording overwrites no file: remove it,")
    );
    let error =
        "--record needs an exchange with the host for each message: --to-connection short, shared:N or pooled:N";
    assert!(bridge(&[]).contains(error));
    assert_eq!(std::fs::read(&file.0).expect("the file"), b"kept");
    std::fs::write(&file.0, b"").expect("emptying a file");
    assert!(bridge(&["--to-connection", "short"]).contains("is empty, as a recording leaves it that was killed"));
}

#[test]
fn a_bridge_without_exchanges_leaves_no_file() {
    let file = new_file();
    let to = ["--framing", "ascii:4", "--to-framing", "ascii:4", "--to-connection", "short"];
    let log = record("127.0.0.1:9".parse().expect("an address"), &to, Wire::Ascii4, &[], &file);
    assert!(log.contains("nothing was recorded"), "{log}");
    assert!(!file.0.exists());
}

#[test]
fn a_file_that_took_the_name_of_a_recording_is_not_removed() {
    let file = new_file();
    let arguments = ["bridge", "--listen", "127.0.0.1:0", "--to", "127.0.0.1:9", "--record", file.path()];
    let to = ["--framing", "ascii:4", "--to-framing", "ascii:4", "--to-connection", "short"];
    let (bridge, _) = Running::listen(&mut framelink([&arguments[..], &to].concat()));
    std::fs::remove_file(&file.0).expect("removing the recording");
    std::fs::write(&file.0, b"another").expect("writing another file");
    bridge.signal("TERM");
    assert_eq!(bridge.finish().code, Some(0));
    assert_eq!(std::fs::read(&file.0).expect("the other file"), b"another");
}

/// The header may have the value of an environment variable, and is that of the bridge.
#[test]
fn the_header_of_a_bridge_is_not_recorded() {
    let profile = TempFile::with(b"framing = \"ascii:4\"\n[[reply]]\nsay = \"text:ok{request:0:4}\"\n");
    let (_host, address) = serve(profile.path());
    let (file, host) = (new_file(), address.to_string());
    let arguments = ["bridge", "--listen", "127.0.0.1:0", "--framing", "net:2", "--to", &host, "--record", file.path()];
    let header = "replies={request-header=5,header='hex:60{request:3:2}{request:1:2}{env:SECRET_SITE}'}";
    let to = ["--to-framing", "ascii:4", "--to-connection", "short", "--set", header];
    let mut bridge = framelink([&arguments[..], &to].concat());
    let (bridge, address) = Running::listen(bridge.env("SECRET_SITE", "hunter2"));
    let mut client = dial(address);
    client.write_all(b"\x00\x09\x60\x00\x01\x00\x02ping").expect("sending");
    assert_eq!(read_exactly(&client, 20), b"\x00\x12\x60\x00\x02\x00\x01hunter2okping");
    drop(client);
    bridge.signal("TERM");
    assert_eq!(bridge.finish().code, Some(0));
    let text = std::fs::read_to_string(&file.0).expect("a recording");
    assert!(!text.contains("hunter2"), "{text}");
    let (_replay, address) = serve(file.path());
    assert_eq!(ask(&mut dial(address), Wire::Ascii4, b"ping"), b"okping", "{text}");
}
