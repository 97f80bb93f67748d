//! Code, JSON and TOML make equal profiles and equal errors.
#![cfg(feature = "toml")]

use std::time::Duration;

use framelink_profile::{
    Duplex, ExchangeKind, Framing, FramingPair, Numbering, Profile, ProfileBuilder, ProfileError, Reach, Short, Side,
    Simplex, SocketOptions, TomlError,
};
use framelink_session::{Encoding, KeyPlaces, Match, NumberRange, Place};
use proptest::prelude::*;

const FRAMINGS: &[&str] = &[
    "ascii:4",
    "net:2,max=4KiB",
    "postgres",
    "line",
    "mllp",
    "fixed:12",
    "until-close",
    "quiet:50ms",
    "quiet:4s",
    "each-read",
];

/// The settings of a profile, for all three ways.
#[derive(Clone, Debug)]
struct Said {
    framing: (&'static str, &'static str),
    short: Option<(bool, bool)>,
    exchange: Option<ExchangeKind>,
    reply_rule: Option<&'static str>,
    numbers: (Option<&'static str>, Option<&'static str>),
    preamble: (Vec<u8>, Vec<u8>),
    /// In milliseconds, in the order of [`TIMEOUTS`].
    timeouts: [Option<u64>; 6],
    /// The limits of messages, write queue and connections.
    limits: [Option<u32>; 3],
    nodelay: Option<bool>,
    linger: Option<u64>,
    interface: Option<&'static str>,
}

const TIMEOUTS: [&str; 6] = ["connect", "reply", "write", "close", "first-message", "frame"];
const LIMITS: [&str; 3] = ["message", "write-queue", "connections"];

fn any_said() -> impl Strategy<Value = Said> {
    let framing = || prop::sample::select(FRAMINGS);
    let framings = prop_oneof![framing().prop_map(|both| (both, both)), (framing(), framing())];
    let exchange = any_exchange();
    let bytes = || prop_oneof![3 => Just(vec![]), 1 => prop::collection::vec(any::<u8>(), 1..5)];
    let rarely = |strategy: BoxedStrategy<u64>| prop::option::weighted(0.15, strategy);
    let time = prop_oneof![1_u64..20_000, Just(5_000_u64), Just(10_000), Just(90_000_000)].boxed();
    let limit = prop_oneof![1_u32..9_000, Just(1000_u32), Just(65_536), Just(2_000_000)].boxed();
    (
        framings,
        prop::option::of((any::<bool>(), any::<bool>())),
        (prop::option::of(exchange), any_rule(), (any_range(), any_file())),
        (bytes(), bytes()),
        prop::array::uniform6(rarely(time)),
        prop::array::uniform3(prop::option::weighted(0.2, limit)),
        prop::option::of(any::<bool>()),
        prop::option::weighted(0.2, 0_u64..3),
        prop::option::weighted(0.2, prop::sample::select(&["eth0", "", "a/b"][..])),
    )
        .prop_map(|(framing, short, asked, preamble, timeouts, limits, nodelay, linger, interface)| Said {
            framing,
            short,
            exchange: asked.0,
            // Only a table of many requests in flight has a rule.
            reply_rule: asked.1.filter(|_| asked.0.is_some_and(|exchange| exchange.duplex().is_some())),
            numbers: asked.2,
            preamble,
            timeouts,
            limits,
            nodelay,
            linger,
            interface,
        })
}

fn any_rule() -> impl Strategy<Value = Option<&'static str>> {
    prop::option::of(prop::sample::select(
        &["0:1&80=hex:80", "0:4=map:0200>0210|0800>0810", "8:2=request", "0:1!=text:\\,,len=4..9"][..],
    ))
}

fn any_range() -> impl Strategy<Value = Option<&'static str>> {
    prop::option::of(prop::sample::select(&["1..999999", "1..9", "0..255", "7..2147483647"][..]))
}

fn any_file() -> impl Strategy<Value = Option<&'static str>> {
    prop::option::of(prop::sample::select(&["stan.numbers", "/var/lib/é \"x\"", "..", ""][..]))
}

fn any_exchange() -> impl Strategy<Value = ExchangeKind> {
    let key =
        prop::option::of(prop::collection::vec((0_usize..20, 1_usize..8), 1..=KeyPlaces::MOST).prop_map(|places| {
            let mut places = places.into_iter().map(|(offset, len)| Place::new(offset, len).expect("a place"));
            let first = KeyPlaces::at(places.next().expect("at least one"));
            places.try_fold(first, KeyPlaces::and).expect("a key")
        }));
    let assigned = prop::option::of(prop::sample::select(&Encoding::ALL[..]));
    let in_flight = prop_oneof![Just(64_u32), 0_u32..100, Just(70_000)];
    let duplex = (key, assigned, in_flight, any::<bool>()).prop_map(|(key, assigned, in_flight, serialized)| {
        let mut duplex = Duplex::new().in_flight(in_flight).serialized(serialized);
        (duplex.key, duplex.assigned) = (key, assigned);
        duplex
    });
    let reach = || prop::sample::select(&[Reach::Dial, Reach::Accept][..]);
    let simplex = (duplex.clone(), reach(), reach())
        .prop_map(|(duplex, send, receive)| Simplex::new(duplex).send(send).receive(receive).into());
    prop_oneof![
        Just(ExchangeKind::Sync),
        Just(ExchangeKind::SendOnly),
        Just(ExchangeKind::ReceiveOnly),
        duplex.prop_map(ExchangeKind::from),
        simplex,
    ]
}

impl Said {
    fn in_code(&self) -> ProfileBuilder {
        let parse = |notation: &str| notation.parse::<Framing>().expect("a notation of the table");
        let framing = FramingPair { send: parse(self.framing.0), receive: parse(self.framing.1) };
        let mut builder = Profile::builder(framing).preamble(&self.preamble.0, &self.preamble.1);
        if let Some((half_close, by_server)) = self.short {
            let closes = if by_server { Side::Server } else { Side::Client };
            builder = builder.connection(Short::new().half_close(half_close).closes(closes));
        }
        if let Some(exchange) = self.exchange {
            builder = builder.exchange(exchange);
        }
        if let Some(rule) = self.reply_rule {
            builder = builder.reply_rule(rule.parse::<Match>().expect("a rule"));
        }
        let (range, file) = self.numbers;
        let range = range.map(|range| range.parse::<NumberRange>().expect("a range"));
        builder = builder.numbers(Numbering { range, file: file.map(Into::into) });
        let setters = [
            ProfileBuilder::connect_timeout,
            ProfileBuilder::reply_timeout,
            ProfileBuilder::write_timeout,
            ProfileBuilder::close_timeout,
            ProfileBuilder::first_message_timeout,
            ProfileBuilder::frame_timeout,
        ];
        for (set, millis) in setters.iter().zip(self.timeouts) {
            builder = millis.map_or(builder.clone(), |millis| set(builder, Duration::from_millis(millis)));
        }
        if let Some(bytes) = self.limits[0] {
            builder = builder.max_message(bytes as usize);
        }
        if let Some(bytes) = self.limits[1] {
            builder = builder.write_queue(bytes as usize);
        }
        if let Some(most) = self.limits[2] {
            builder = builder.connections(most);
        }
        builder.socket(self.socket())
    }

    fn socket(&self) -> SocketOptions {
        let mut socket = SocketOptions::new().linger(self.linger.map(Duration::from_secs));
        if let Some(nodelay) = self.nodelay {
            socket = socket.nodelay(nodelay);
        }
        if let Some(interface) = self.interface {
            socket = socket.interface(interface);
        }
        socket
    }

    /// Returns the settings as keys and values. `serde_json::Value` becomes both JSON and TOML.
    fn in_json(&self) -> serde_json::Value {
        let mut root = serde_json::Map::new();
        root.insert("framing".into(), serde_json::json!({ "send": self.framing.0, "receive": self.framing.1 }));
        if let Some((half_close, by_server)) = self.short {
            let closes = if by_server { "server" } else { "client" };
            let table = serde_json::json!({ "kind": "short", "half-close": half_close, "closes": closes });
            root.insert("connection".into(), table);
        }
        if let Some(exchange) = self.exchange {
            root.insert("exchange".into(), exchange_in_json(exchange, self.reply_rule));
        }
        let numbers = [("range", self.numbers.0), ("file", self.numbers.1)];
        let numbers = numbers.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.into())));
        root.insert("numbers".into(), serde_json::Value::Object(numbers.collect()));
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02X}")).collect::<String>();
        let mut preamble = serde_json::Map::new();
        for (key, bytes) in [("send", &self.preamble.0), ("expect", &self.preamble.1)] {
            if !bytes.is_empty() {
                preamble.insert(key.into(), hex(bytes).into());
            }
        }
        root.insert("preamble".into(), preamble.into());
        let timeouts = TIMEOUTS.iter().zip(self.timeouts);
        let timeouts = timeouts.filter_map(|(key, time)| Some(((*key).to_owned(), format!("{}ms", time?).into())));
        root.insert("timeouts".into(), serde_json::Value::Object(timeouts.collect()));
        let limits = LIMITS.iter().zip(self.limits);
        let limits = limits.filter_map(|(key, limit)| Some(((*key).to_owned(), limit?.into())));
        root.insert("limits".into(), serde_json::Value::Object(limits.collect()));
        let mut socket = serde_json::Map::new();
        if let Some(nodelay) = self.nodelay {
            socket.insert("nodelay".into(), nodelay.into());
        }
        if let Some(linger) = self.linger {
            let text = if linger == 0 { "reset".to_owned() } else { format!("{linger}s") };
            socket.insert("linger".into(), text.into());
        }
        if let Some(interface) = self.interface {
            socket.insert("interface".into(), interface.into());
        }
        root.insert("socket".into(), socket.into());
        root.into()
    }
}

fn exchange_in_json(exchange: ExchangeKind, reply_rule: Option<&str>) -> serde_json::Value {
    let Some(duplex) = exchange.duplex() else { return exchange.name().into() };
    let mut table = serde_json::Map::new();
    table.insert("kind".into(), exchange.name().into());
    if let Some(key) = duplex.key {
        table.insert("key".into(), key.to_string().into());
    }
    if let Some(assigned) = duplex.assigned {
        table.insert("assign".into(), assigned.name().into());
    }
    if let Some(rule) = reply_rule {
        table.insert("reply".into(), rule.into());
    }
    table.insert("in-flight".into(), duplex.in_flight.into());
    table.insert("serialize".into(), duplex.serialized.into());
    if let ExchangeKind::Simplex(simplex) = exchange {
        table.insert("send".into(), simplex.send.name().into());
        table.insert("receive".into(), simplex.receive.name().into());
    }
    table.into()
}

/// The error without its place in the file, which code does not have.
fn refusal(error: &TomlError) -> ProfileError {
    error.profile_error().unwrap_or_else(|| panic!("no profile error: {error}")).clone()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    /// Equal settings in code, JSON and TOML make equal profiles or equal errors.
    #[test]
    fn prop_code_json_and_toml_agree(said in any_said()) {
        let in_code = said.in_code().build();
        let json = said.in_json();
        let in_json: Result<Profile, _> = serde_json::from_value(json.clone());
        let toml = toml::to_string(&json).unwrap();
        match (in_code, Profile::from_toml(&toml)) {
            (Ok(profile), Ok(from_toml)) => {
                prop_assert_eq!(&from_toml, &profile, "{}", toml);
                prop_assert_eq!(in_json.unwrap(), profile);
            }
            (Err(error), Err(located)) => {
                // A value out of its bounds may be refused as a text, before values are compared.
                let refused = refusal(&located);
                let same = refused == error || matches!(refused, ProfileError::Unreadable { .. });
                prop_assert!(same, "{error}\n{located}\n{toml}");
                prop_assert_eq!(in_json.unwrap_err().to_string(), refusal(&located).to_string());
            }
            (in_code, in_toml) => prop_assert!(false, "{in_code:?}\n{in_toml:?}\n{toml}"),
        }
    }

    /// A written profile parses to an equal profile, and is written the same way again.
    #[test]
    fn prop_a_written_profile_parses_to_an_equal_profile(said in any_said()) {
        if let Ok(profile) = said.in_code().build() {
            let toml = profile.to_toml();
            let read = Profile::from_toml(&toml);
            prop_assert_eq!(read.as_ref(), Ok(&profile), "{}", toml);
            prop_assert_eq!(read.unwrap().to_toml(), toml);
            let json = serde_json::to_string(&profile).unwrap();
            prop_assert_eq!(serde_json::from_str::<Profile>(&json).unwrap(), profile, "{}", json);
        }
    }

    /// No written key could be left out.
    #[test]
    fn prop_no_written_key_can_be_left_out(said in any_said()) {
        if let Ok(profile) = said.in_code().build() {
            let whole: Vec<_> = profile.to_toml().lines().map(str::to_owned).collect();
            for left_out in (0..whole.len()).filter(|&line| whole[line].contains('=')) {
                let rest: String = whole.iter().enumerate().filter(|(line, _)| *line != left_out).map(|(_, text)| format!("{text}\n")).collect();
                prop_assert_ne!(Profile::from_toml(&rest).ok(), Some(profile.clone()), "without `{}`", whole[left_out]);
            }
        }
    }

    /// No text causes a panic, and each error lies within the text.
    #[test]
    fn prop_any_text_is_read_or_refused_at_a_place(text in r#"((framing|exchange|timeouts|reply|send|é|[\[\]{}."'=\n\t #]|line|sync|5s){0,12})"#) {
        if let Err(error) = Profile::from_toml(&text) {
            prop_assert!(error.line() >= 1 && error.line() <= text.matches('\n').count() + 1, "{error}");
            let line = text.split('\n').nth(error.line() - 1).unwrap();
            prop_assert!(error.column() >= 1 && error.column() + error.len() <= line.chars().count() + 2, "{error}");
        }
    }
}

#[test]
fn many_of_the_random_profiles_are_valid_and_many_are_not() {
    // Otherwise the properties above would hold without testing much.
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let valid =
        (0..1000).filter(|_| any_said().new_tree(&mut runner).unwrap().current().in_code().build().is_ok()).count();
    assert!((100..900).contains(&valid), "{valid} of 1000 are valid");
}
