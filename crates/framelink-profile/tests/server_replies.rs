//! Reply rules of servers, and headers of replies, in TOML.
#![cfg(feature = "toml")]

use std::time::Duration;

use framelink_profile::{Framing, Profile, ReplyFault, ReplyHeader, ReplyRule};

const HOST: &str = "\
framing = \"ascii:4\"

[[reply]]
when = \"0:4=text:0800\"
say = \"text:0810{request:4:6}\"
times = 1

[[reply]]
when = \"0:4=text:0200\"
say = \"text:0210{request:4:6}{number:6}\"
after = \"2s\"
fault = \"cut-reset\"

[[reply]]

[replies]
request-header = 5
header = \"hex:60{request:3:2}{request:1:2}\"
";

#[test]
fn rules_are_read_written_and_explained() {
    let profile = Profile::from_toml(HOST).expect("a profile");
    let [first, second, third] = profile.server_replies() else { panic!("three rules") };
    assert_eq!((first.limit(), first.delay(), first.reply_fault()), (Some(1), Duration::ZERO, None));
    assert_eq!((second.delay(), second.reply_fault()), (Duration::from_secs(2), Some(ReplyFault::CutReset)));
    assert_eq!(*third, ReplyRule::new("any".parse().expect("a match")));
    assert_eq!(profile.reply_header().map(ReplyHeader::len), Some(5));
    assert_eq!(Profile::from_toml(&profile.to_toml()).as_ref(), Ok(&profile), "{}", profile.to_toml());
    assert_eq!(profile.number_range().last(), 999_999, "numbers of replies count");

    let explanation = profile.explain();
    let lines: Vec<_> = explanation.lines().filter(|(label, _)| *label == "reply").map(|(_, text)| text).collect();
    assert_eq!(
        lines,
        [
            "a server answers the first message of a connection with 0:4=text:0800 by one like text:0810{request:4:6}",
            "a server answers a message with 0:4=text:0200 after 2s by one like text:0210{request:4:6}000001, but the connection is \
             reset after half of the frame",
            "a server does not answer any message",
            "a bridge keeps the first 5 bytes of a request, and a reply begins with hex:60{request:3:2}{request:1:2}",
        ]
    );
}

#[test]
fn a_fault_instead_of_a_reply_is_explained_in_one_sentence() {
    for (rule, told) in [
        ("fault = 'slam'", "a server closes the connection instead of answering any message"),
        (
            "fault = 'cut-reset'\nafter = '2s'",
            "a server resets the connection after 2s instead of answering any message",
        ),
    ] {
        let explanation = Profile::from_toml(&format!("framing = 'line'\n[[reply]]\n{rule}")).unwrap().explain();
        assert!(explanation.lines().any(|line| line == ("reply", told)), "{explanation}");
    }
}

#[test]
fn a_rule_that_is_never_used_needs_care() {
    let toml = "framing = 'line'\n[[reply]]\nsay = 'text:a'\n[[reply]]\nwhen = '0:1=text:b'\nsay = 'text:b'";
    let explanation = Profile::from_toml(toml).expect("a profile").explain();
    let careful: Vec<_> = explanation.lines().filter(|(label, _)| *label == "careful").map(|(_, text)| text).collect();
    assert!(
        careful.iter().any(|text| text.starts_with("rule 2 of [[reply]] is never used: rule 1 takes all")),
        "{careful:?}"
    );
    let limited = Profile::from_toml(&toml.replace("'text:a'", "'text:a'\ntimes = 3")).expect("a profile");
    assert!(!limited.explain().to_string().contains("never used"));
}

/// The key, and the text of the error with its place.
#[test]
fn a_rule_that_cannot_work_is_refused_with_its_place() {
    for (rule, key, told) in [
        (
            "when = '0:4=text:080'",
            "reply.2.when",
            "line 4, column 18: reply.2.when: expected 4 bytes, as the place has, found 3 bytes",
        ),
        ("say = '0810'", "reply.2.say", "line 4, column 8: reply.2.say: expected text:... or hex:..., such as"),
        (
            "when = '0:4=request'",
            "reply.2.when",
            "line 4, column 8: reply.2.when does not go with reply.2.say: it has `request`",
        ),
        (
            "fault = 'rude'",
            "reply.2.fault",
            "line 4, column 10: reply.2.fault: expected one of slam, cut-fin, cut-reset, garbage-length, found `rude`",
        ),
        (
            "fault = 'slam'\nsay = 'text:x'",
            "reply.2.say",
            "line 5, column 7: reply.2.say does not go with reply.2.fault",
        ),
        ("after = '2d'", "reply.2.after", "line 4, column 9: reply.2.after is 2d, expected at most 1d"),
        ("after = 'soon'", "reply.2.after", "line 4, column 10: reply.2.after: "),
        ("times = 0", "reply.2.times", "line 4, column 9: reply.2.times: expected 1 to 1000000 requests, found `0`"),
        ("say = 'text:{request:9996:4}'", "reply.2.say", "line 4, column 7: reply.2.say does not go with framing"),
        ("when = '9999:4=text:0800'", "reply.2.when", "line 4, column 8: reply.2.when does not go with framing"),
        ("say = 'text:{number:3,of=other}'", "reply.2.say", "line 4, column 7: reply.2.say does not go with numbers"),
    ] {
        let error = Profile::from_toml(&format!("framing = 'ascii:4'\n[[reply]]\n[[reply]]\n{rule}")).unwrap_err();
        assert_eq!(error.profile_error().map(|error| error.key()), Some(key), "{rule}: {error}");
        assert!(error.to_string().starts_with(told), "{rule}: {error}");
    }
    let error = Profile::from_toml("framing = 'line'\n[[reply]]\nsays = 'text:x'").unwrap_err();
    assert!(
        error.to_string().starts_with("line 3, column 1: unknown field `says`, expected one of `when`, `say`"),
        "{error}"
    );
    let error = Profile::from_toml(&format!("framing = 'line'\n{}", "[[reply]]\n".repeat(33))).unwrap_err();
    assert!(error.to_string().contains("reply is 33 rules, expected up to 32"), "{error}");
    for (framing, reply, fits) in [
        ("line", "text:a", false),
        ("modbus", "hex:000000000000", false),
        ("fixed:3", "text:abc", false),
        ("smpp", "hex:00000010800000150000000000000001", true),
        ("mqtt", "hex:d000", true),
    ] {
        let toml = format!("framing = '{framing}'\n[[reply]]\nsay = '{reply}'\nfault = 'garbage-length'");
        match Profile::from_toml(&toml) {
            Ok(_) => assert!(fits, "{framing}"),
            Err(error) => assert!(!fits && error.to_string().contains("no header of this framing is wrong"), "{error}"),
        }
    }
    let toml = "framing = 'line'\nexchange = 'receive-only'\n[[reply]]\nsay = 'text:x'";
    let error = Profile::from_toml(toml).unwrap_err();
    assert!(error.to_string().contains("a receive-only exchange sends no replies"), "{error}");
}

#[test]
fn a_header_that_cannot_work_is_refused() {
    for (replies, told) in [
        (
            "request-header = 5",
            "replies.request-header does not go with replies.header: what a reply's header is must be said",
        ),
        ("header = 'hex:60'", "replies.header does not go with replies.request-header: how many bytes"),
        ("request-header = 0\nheader = 'hex:60'", "replies.request-header: expected 1 to 4096 bytes, found `0`"),
        ("request-header = 2\nheader = 'hex:{request:1:2}'", "replies.header does not go with replies.request-header"),
        ("request-header = 10\nheader = 'hex:60'", "replies.request-header does not go with framing"),
    ] {
        let error = Profile::from_toml(&format!("framing = 'ascii:4,max=9'\n[replies]\n{replies}")).unwrap_err();
        assert!(error.message().starts_with(told), "{replies}: {error}");
    }
}

#[test]
fn bounds_hold_in_code_too() {
    let rule = || ReplyRule::new("any".parse().expect("a match"));
    let build = |rule: ReplyRule| {
        Profile::builder("line".parse::<Framing>().expect("a framing")).server_replies([rule]).build().map(drop)
    };
    assert_eq!(build(rule()), Ok(()));
    for (rule, key) in [
        (rule().times(0), "reply.1.times"),
        (rule().times(ReplyRule::MOST_TIMES + 1), "reply.1.times"),
        (rule().after(ReplyRule::LONGEST_DELAY + Duration::from_millis(1)), "reply.1.after"),
    ] {
        assert_eq!(build(rule).unwrap_err().key(), key);
    }
}
