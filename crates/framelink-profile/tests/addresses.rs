//! The addresses of a profile: the peers of a client, and where a server listens.
#![cfg(feature = "toml")]

use framelink_profile::{Address, Framing, Profile, ProfileError, Simplex};

fn profile(text: &str) -> Profile {
    Profile::from_toml(&format!("framing = 'ascii:4'\n{text}")).expect(text)
}

fn address(text: &str) -> Address {
    text.parse().expect(text)
}

#[test]
fn addresses_are_written_as_they_were_read() {
    let text = "addresses = [\"a.example:7000\", \"10.1.9.3:07000\", \"[fe80::1%eth0]:7000\"]\nlisten = \"[::]:0\"\n\
                framing = \"ascii:4\"\n";
    let read = Profile::from_toml(text).expect("a profile");
    assert_eq!(read.to_toml(), text);
    let built = Profile::builder("ascii:4".parse::<Framing>().expect("a framing"))
        .addresses(["a.example:7000", "10.1.9.3:07000", "[fe80::1%eth0]:7000"].map(address))
        .listen(address("[::]:0"))
        .build()
        .expect("a profile");
    assert_eq!(built, read);
    let json = serde_json::to_string(&read).expect("JSON");
    assert_eq!(serde_json::from_str::<Profile>(&json).expect("the profile"), read);
}

#[test]
fn the_explanation_names_primary_backup_and_where_a_server_listens() {
    let lines = |text: &str| {
        let explanation = profile(text).explain();
        let lines = explanation.lines().filter(|(label, _)| ["addresses", "listens at"].contains(label));
        lines.map(|(label, text)| format!("{label} {text}")).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(lines(""), "");
    assert_eq!(lines("addresses = ['a:1']\nlisten = '0.0.0.0:7000'"), "addresses a:1; listens at 0.0.0.0:7000");
    assert_eq!(lines("addresses = ['a:1', 'b:1', 'c:1']"), "addresses a:1, and as backup b:1, then c:1");
    assert_eq!(lines("addresses = ['a:1', 'b:1']\nreconnect.policy = 'round-robin'"), "addresses a:1, b:1");
}

#[test]
fn what_is_wrong_is_told_with_key_found_allowed_line_and_column() {
    let many = (0..65).map(|at| format!("'h{at}:1'")).collect::<Vec<_>>().join(", ");
    for (text, told) in [
        (
            "addresses = ['a:1', 'b']",
            "line 2, column 22: addresses.2: expected HOST:PORT, the port is missing, found `b`",
        ),
        (
            "addresses = [\n  'a:1',\n  'b:http',\n]",
            "line 4, column 6: addresses.2: expected a port from 0 to 65535 after the last colon, found `http`",
        ),
        (
            "addresses = 'a:1'",
            "line 2, column 13: invalid type: string \"a:1\", expected a list of addresses, such as [\"a.example:7000\", \
             \"b.example:7000\"]",
        ),
        (
            "addresses = [7000]",
            "line 2, column 14: invalid type: integer `7000`, expected HOST:PORT in quotes, such as \"a.example:7000\"",
        ),
        (
            "addresses = ['a:1', 'A:01']",
            "line 2, column 21: addresses.2 is `A:01`, expected each address once; addresses.1 is the same",
        ),
        (
            "addresses = ['[::1]:1', '[0::1]:1']",
            "line 2, column 25: addresses.2 is `[0::1]:1`, expected each address once; addresses.1 is the same",
        ),
        (
            "addresses = ['a:0']",
            "line 2, column 14: addresses.1 is `a:0`, expected a port from 1 to 65535, because a client connects to it",
        ),
        (&*format!("addresses = [{many}]"), "line 2, column 13: addresses is 65 addresses, expected up to 64"),
        (
            "addresses = ['a:1', 'b:1']\nexchange = 'simplex'",
            "line 2, column 13: addresses does not go with exchange: a pair of connections has one address to send to",
        ),
        ("listen = ':7000'", "line 2, column 11: listen: expected HOST:PORT, the host is missing, found `:7000`"),
        (
            "listen = '::1:7000'",
            "line 2, column 11: listen: expected HOST:PORT, with an IPv6 address in brackets, found `::1:7000`",
        ),
        (
            "listen = ['a:1']",
            "line 2, column 10: invalid type: sequence, expected HOST:PORT in quotes, such as \"0.0.0.0:7000\"",
        ),
    ] {
        let error = Profile::from_toml(&format!("framing = 'ascii:4'\n{text}")).expect_err(text);
        assert_eq!(error.to_string(), told, "{text}");
    }
}

#[test]
fn the_form_of_an_address_is_checked() {
    for right in ["a:0", "10.0.0.7:65535", "[::1]:7000", "[::1%lo]:7000", "[fe80::1%3]:7000", "a-b.example:1"] {
        assert_eq!(address(right).to_string(), right);
    }
    for (wrong, told) in [
        ("", "the port is missing"),
        ("a b:1", "without blanks and commas"),
        ("a:1,b:1", "without blanks and commas"),
        ("a\n:1", "without blanks and commas"),
        ("http://a:1", "in brackets"),
        ("[a]:1", "in brackets"),
        ("[::1%]:1", "in brackets"),
        ("[::1:1", "in brackets"),
        ("a:", "a port from 0 to 65535"),
        ("a:+1", "a port from 0 to 65535"),
        ("a:65536", "a port from 0 to 65535"),
        ("[fe80::1]:1", "with its zone"),
        (&*format!("{}:1", "a".repeat(299)), "of up to 300 bytes, found 301 bytes"),
    ] {
        let error = wrong.parse::<Address>().expect_err(wrong);
        assert!(error.message().contains(told), "{wrong}: {error}");
        assert!((1..=wrong.chars().count() + 1).contains(&error.column()), "{wrong}: {error}");
    }
}

#[test]
fn a_builder_takes_64_addresses_and_says_what_is_missing() {
    let builder = Profile::builder("ascii:4".parse::<Framing>().expect("a framing"));
    let addresses = |count: usize| (1..=count).map(|port| address(&format!("a:{port}"))).collect::<Vec<_>>();
    assert_eq!(builder.clone().addresses(addresses(64)).build().expect("a profile").addresses().len(), 64);
    let error = builder.clone().addresses(addresses(65)).build().expect_err("one more");
    assert_eq!(error.key(), "addresses");

    let pair = builder.clone().exchange(Simplex::default());
    assert!(pair.clone().addresses(addresses(1)).build().is_ok());
    assert!(matches!(pair.addresses(addresses(2)).build(), Err(ProfileError::Combination { key: "addresses", .. })));

    let without = builder.build().expect("a profile");
    assert!(without.addresses().is_empty() && without.listen().is_none());
    assert_eq!(
        without.check_addresses().expect_err("no address").to_string(),
        "addresses is missing, which says where the peer is, such as [\"a.example:7000\", \"b.example:7000\"]"
    );
    assert_eq!(
        without.check_listen().expect_err("no address").to_string(),
        "listen is missing, which says where the server listens, such as \"0.0.0.0:7000\""
    );
}
