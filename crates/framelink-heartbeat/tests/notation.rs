//! The notation of heartbeats: normal forms, and the exact texts of errors.

use framelink_heartbeat::{Heartbeat, PRESETS};

const SMPP: &str = "pattern:'hex:000000100000001500000000{number:4,binary}',probe='4:4=hex:00000015',answer='hex:000000108000001500000000{request:12:4}',answered-by='4:4=hex:80000015|hex:80000000,12:4=request'";

#[test]
fn normal_forms() {
    for (text, normal) in [
        ("empty", "empty"),
        ("empty,interval=30s,timeout=10s,tries=1,by=both,life=bytes", "empty"),
        ("empty,answered", "empty,answered"),
        ("empty,answered,by=client", "empty,answered"),
        ("empty,by=client", "empty,by=client"),
        ("literal:50494E47", "literal:50494e47"),
        ("literal:3f,answered", "literal:3f,answered"),
        ("literal:3f..21,tries=3,timeout=1m", "literal:3f..21,timeout=1m,tries=3"),
        ("literal:3f..3f", "literal:3f,answered"),
        ("numbered,life=heartbeats,interval=1500ms", "numbered,interval=1500ms,life=heartbeats"),
        ("pattern:30383030", "pattern:'text:0800',probe='0:4=text:0800'"),
        (
            "pattern:3038303000,answer=0:30383130",
            "pattern:'hex:3038303000',probe='0:4=text:0800',answer=0:30383130,answered-by='0:4=text:0810'",
        ),
        (
            "pattern:0000001500000000,mark=0:00000015,answer=0:80000015,number=4:4,by=both",
            "pattern:'hex:00000015{number:4,binary}',probe='0:4=hex:00000015',answer=0:80000015,answered-by='0:4=hex:80000015,4:4=request',by=both",
        ),
        (
            r#"pattern:'text:a,\'{number:6}',probe='0:3=text:a\,\'',answer="text:b{request:3:6}",answered-by='0:1=text:b,1:6=request:3:6',tries=2"#,
            r#"pattern:'text:a,\'{number:6}',probe='0:3=text:a\,\'',answer='text:b{request:3:6}',answered-by='0:1=text:b,1:6=request:3:6',tries=2"#,
        ),
        ("pattern:text:PING,answered-by=0:4=text:PONG", "pattern:'text:PING',answered-by='0:4=text:PONG'"),
        ("smpp", &format!("{SMPP},by=both")),
        ("smpp,by=client,interval=1m", &format!("{SMPP},interval=1m")),
    ] {
        let heartbeat: Heartbeat = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(heartbeat.to_string(), normal);
        assert_eq!(normal.parse::<Heartbeat>(), Ok(heartbeat));
    }
}

#[test]
fn errors_say_what_was_found_what_was_expected_and_where() {
    for (text, error) in [
        ("", "column 1: expected a heartbeat such as `empty`, found the end"),
        (
            "Empty",
            "column 1: expected one of empty, literal, numbered, pattern, or a preset, found `Empty`; did you mean `empty`?",
        ),
        ("empty:00", "column 7: `empty` takes no value, found `00`"),
        ("literal", "column 8: expected `:` and pairs of hex digits after `literal`"),
        ("literal:5", "column 9: expected pairs of hex digits, found `5`"),
        ("literal:3f..", "column 9: expected pairs of hex digits, `..`, and pairs of hex digits, found `3f..`"),
        ("literal:3f..21,answered", "column 16: `answered` is not for a heartbeat of the form literal"),
        ("numbered,answered", "column 10: `answered` is not for a heartbeat of the form numbered"),
        ("empty,mark=0:00", "column 7: `mark` is not for a heartbeat of the form empty"),
        (
            "empty,every=5s",
            "column 7: expected one of answered, probe, answer, answered-by, mark, number, by, interval, timeout, tries, life, found `every`",
        ),
        ("empty,interval=5s,interval=6s", "column 19: `interval` stands twice, first at column 7"),
        ("empty,interval", "column 15: expected `=` and a time after `interval`"),
        ("empty,interval=1441m", "column 16: interval of 1441m, expected 1ms to 1d"),
        ("empty,timeout=0ms", "column 15: expected a number above 0 with `ms`, `s`, `m`, `h` or `d`, found `0ms`"),
        ("empty,tries=0", "column 13: expected 1 to 100 tries, found `0`"),
        ("empty,by=us", "column 10: expected client, server or both, found `us`"),
        ("empty,life=any", "column 12: expected bytes or heartbeats, found `any`"),
        ("pattern:3038,mark=1:3038", "column 19: the probe does not have its own mark"),
        (
            "pattern:30383030,answer=3:3831",
            "column 25: the mark or number ends at byte 5, and the probe has only 4 bytes",
        ),
        ("pattern:30383030,answer=0:30383030", "column 25: the answer to a probe would itself be a probe, without end"),
        ("pattern:30383030,number=0:4", "column 25: the number would overwrite a mark"),
        ("pattern:30383030,number=4", "column 25: expected OFFSET:LEN, such as `12:4`, found `4`"),
        ("pattern:30383030,number=4:9", "column 27: expected 1 to 8 bytes, found `9`"),
        (
            "pattern:'text:0800'",
            "column 10: expected `probe=MATCH` or `answered-by=MATCH`, or heartbeats are not told from messages",
        ),
        (
            "pattern:'text:0800',probe='0:4=text:0800',answer='text:0810'",
            "column 43: `answer` needs `answered-by=MATCH`: a peer that is answered answers too",
        ),
        (
            "pattern:'text:0800',answer='text:0810',answered-by='0:4=text:0810'",
            "column 21: `answer` needs `probe=MATCH`: which messages it answers",
        ),
        (
            "pattern:'text:0800',probe='0:4=text:0800',answered-by='0:4=text:0810'",
            "column 43: `answered-by` needs `answer=TEMPLATE`: the probes of the peer are answered too",
        ),
        (
            "pattern:'text:0800{request:0:4}',probe='0:4=text:0800'",
            "column 10: our probe answers no message, so its template has no `{request}`",
        ),
        (
            "pattern:'text:0800',probe='0:4=request'",
            "column 28: a probe answers nothing, so its match has no `request`",
        ),
        (
            "pattern:'text:0800',probe='0:2=text:08',answer='text:0810',answered-by='0:4=text:0810'",
            "column 49: the answer to a probe would itself be a probe, without end",
        ),
        ("pattern:'text:0800',mark=0:30", "column 21: `mark` is not for this pattern; write probe=MATCH instead"),
        (
            "pattern:30383030,probe=0:4=text:0800",
            "column 18: `probe` is not for this pattern; write pattern:'hex:…', a template, instead",
        ),
        (
            "pattern:'text:0800{number}',probe='0:4=text:0800'",
            "column 26: expected `:` and 1 to 64 bytes after `number`",
        ),
        ("pattern:'text:0800',probe='0:4=text:080'", "column 37: expected 4 bytes, as the place has, found 3 bytes"),
        ("smpp:1", "column 6: `smpp` takes no value, found `1`"),
        ("iso8583,code=30", "column 14: expected a code of three digits, such as `301`, found `30`"),
        ("iso8583,at=51", "column 12: expected 52 to 65536 bytes before the code, found `51`"),
    ] {
        let said = text.parse::<Heartbeat>().expect_err(text);
        assert_eq!(said.to_string(), error, "{text}");
    }
}

/// Options that go, or do not go, with a preset.
const BESIDE_PRESETS: &[&str] = &[
    "answered",
    "mark=0:00000010",
    "mark=4:00000015",
    "mark=0:ffff",
    "mark=4",
    "mark",
    "answer=4:8000001500000000ff",
    "answer=4:00000015",
    "answer=15:0000",
    "number=4:4",
    "number=12:8",
    "number=0:9",
    "by=us",
    "interval=0s",
    "interval=2d",
    "timeout=25h",
    "tries=101",
    "life=any",
    "every=5s",
];

/// An error beside a preset points into the written text, never into the expansion of the preset.
#[test]
fn an_error_beside_a_preset_points_at_an_option_of_the_text() {
    let mut refused = 0;
    for preset in PRESETS {
        for first in BESIDE_PRESETS {
            for second in ["", ",tries=3", ",interval=5s,timeout=5s", ",mark=4:00000015", ",number=8:4"] {
                let text = format!("{},{first}{second}", preset.name);
                let Err(error) = text.parse::<Heartbeat>() else { continue };
                refused += 1;
                let (start, end) = (error.column(), error.column() + error.len());
                assert!(start > preset.name.len() + 1 && end <= text.len() + 1, "{text}: {error}");
                let told_of_first = start <= preset.name.len() + 1 + first.len() + 1;
                assert!(told_of_first || !second.is_empty(), "{text}: {error}");
            }
        }
    }
    assert!(refused > 100, "{refused} were refused");
    let error = "smpp,answer=4:8000001500000000ff".parse::<Heartbeat>().unwrap_err();
    assert_eq!(error.to_string(), "column 13: the number would overwrite a mark");
    let error = "smpp,probe=0:4=hex:00000010".parse::<Heartbeat>().unwrap_err();
    let reason = "the answer to a probe would itself be a probe, without end";
    assert_eq!(error.to_string(), format!("column 12: {reason}, which does not go with `smpp`"));
}
