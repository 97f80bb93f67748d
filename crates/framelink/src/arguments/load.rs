//! The options of `framelink load`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::RangedU64ValueParser;
use framelink_codec::notation::NotationError;
use framelink_transport::Framing;
use framelink_transport::session::{Encoding, Place};

use crate::arguments::liveness::Liveness;
use crate::arguments::set::Sets;
use crate::arguments::values::{Addresses, addresses, assigned, duration, framing, size};
use crate::arguments::{LOAD, MESSAGES, PEER, PRINTED, TIMES};
use crate::output::bytes_text::from_hex;

/// The most connections, messages in flight on one connection, and messages a second.
const MOST_CONNECTIONS: u64 = 1_000_000;
const MOST_DEPTH: u64 = 65_536;
const MOST_RATE: u64 = 100_000_000;

/// Measure how fast a server answers, and check every reply.
///
/// Without --rate, each connection sends its next message when a reply has arrived (closed loop). With --rate, messages
/// are due at fixed times (open loop), and latency counts from the time at which a message was due, so a server that
/// stalls cannot hide the messages that had to wait.
///
/// The exit status is 0 if every message has the right reply. It is 1 if a message failed, was not answered, had a wrong
/// reply or was due and could not be sent. The report counts each kind of failure and shows its first example. Ctrl-C,
/// SIGTERM and SIGHUP end the run early: messages in flight get the time of --timeout, and the report is printed. A
/// second Ctrl-C or SIGTERM cuts the messages in flight.
#[derive(Debug, Args)]
#[command(after_help = include_str!("help/load.txt"))]
pub(crate) struct Load {
    /// The address of the server, HOST:PORT, or several with commas between them [default: the addresses of the profile]
    ///
    /// Connections are spread over several addresses in turn.
    #[arg(value_name = "ADDRESS", value_parser = addresses, required_unless_present_any = ["profile", "sets"])]
    pub(crate) addresses: Option<Addresses>,

    /// How connections are used: long, short, pooled or shared [default: long, or what the profile says]
    ///
    /// long keeps each connection and has --depth messages in flight on it. short makes a connection for each message.
    /// pooled takes a connection from a pool for each message. shared sends over connections that all callers share,
    /// with --depth messages in flight on each.
    #[arg(long, value_name = "KIND", value_parser = kind, help_heading = PEER)]
    pub(crate) connection: Option<Kind>,

    /// Use N connections at a time, 1 to 1000000; for pooled and shared 1 to 1024 in each thread [default: 1, or what
    /// the profile says]
    #[arg(long, value_name = "N", value_parser = range(MOST_CONNECTIONS), help_heading = PEER)]
    pub(crate) connections: Option<u64>,

    /// Connect from these IP addresses of this machine in turn, with commas between them [default: the system chooses]
    ///
    /// One address has about 28000 ports for connections to one server on Linux; several addresses have as many each.
    #[arg(long, value_name = "IP", value_delimiter = ',', value_parser = ip, help_heading = PEER)]
    pub(crate) from: Vec<IpAddr>,

    /// Begin N connections a second, 1 to 100000000 [default: all at once]
    ///
    /// The load begins when every connection has been made or has failed.
    #[arg(long, value_name = "N", value_parser = range(MOST_RATE), help_heading = PEER)]
    pub(crate) connect_rate: Option<u64>,

    /// Measure the CPU time of this process too: the server, if it runs on this machine. Linux only.
    #[arg(long, value_name = "PID", value_parser = range(u64::from(u32::MAX)), help_heading = PEER)]
    pub(crate) pid: Option<u64>,

    /// Talk as this profile says: a TOML file, a template, or the name of a profile.
    ///
    /// `framelink check --help` lists the templates, and says where profiles with a name are.
    #[arg(long, value_name = "PROFILE", help_heading = MESSAGES)]
    pub(crate) profile: Option<String>,

    /// How messages are framed, such as ascii:4; required unless --profile is given.
    ///
    /// The option replaces the framing of the profile, in both directions. `framelink presets` lists names.
    #[arg(long, value_parser = framing, required_unless_present = "profile", help_heading = MESSAGES)]
    pub(crate) framing: Option<Framing>,

    /// How replies are framed, if not like requests.
    #[arg(long, value_name = "FRAMING", value_parser = framing, help_heading = MESSAGES)]
    pub(crate) reply_framing: Option<Framing>,

    #[command(flatten)]
    pub(crate) sets: Sets,

    /// Send messages of this size, such as 64 or 1KiB, or of a size from a range, such as 16..1KiB [default: 64]
    ///
    /// The size is that of the message without its header, 1 byte or more. In a range each size is equally frequent.
    /// Messages are filled with small letters.
    #[arg(long, value_name = "SIZE", value_parser = sizes, conflicts_with_all = ["sizes", "message", "messages"], help_heading = MESSAGES)]
    pub(crate) size: Option<(usize, usize)>,

    /// Send messages whose sizes are the lines of this file, in turn.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["message", "messages"], help_heading = MESSAGES)]
    pub(crate) sizes: Option<PathBuf>,

    /// Send this message: a text, or a template that begins with text: or hex:, such as text:0200{number:6}
    ///
    /// A template has at most one {number}. Replies are matched by it if it is at the place of the key. Each run begins
    /// with the first number: numbers.file of the profile is not used.
    #[arg(long, value_name = "TEXT", conflicts_with = "messages", help_heading = MESSAGES)]
    pub(crate) message: Option<String>,

    /// Send the lines of this file, in turn.
    #[arg(long, value_name = "FILE", help_heading = MESSAGES)]
    pub(crate) messages: Option<PathBuf>,

    /// Read --message and --messages as hex digits.
    #[arg(long, help_heading = MESSAGES)]
    pub(crate) hex: bool,

    /// Write the number of each message into its first 10 bytes, as decimal digits from 0.
    ///
    /// With --expect echo, a reply to another message is then found. A shorter message has the last digits.
    #[arg(long, conflicts_with = "key", help_heading = MESSAGES)]
    pub(crate) counted: bool,

    /// Write a key into each message, and find replies by it, such as 4:6 [default: replies are matched by their order]
    ///
    /// OFFSET is the number of bytes before the key, and LEN the number of its bytes.
    #[arg(long, value_name = "OFFSET:LEN", value_parser = place, help_heading = MESSAGES)]
    pub(crate) key: Option<Place>,

    /// How keys are written: ascii, binary, binary-le, bcd, ebcdic or hex [default: ascii]
    #[arg(long, value_name = "KIND", value_parser = assigned, requires = "key", help_heading = MESSAGES)]
    pub(crate) assign: Option<Encoding>,

    /// Which replies are right: any, echo, text:T or hex:H [default: any]
    ///
    /// any is every reply that is not empty, echo the message itself, text:T and hex:H always this text or these hex
    /// digits. With a key, echo compares all other bytes.
    #[arg(long, value_name = "REPLY", value_parser = expect, default_value = "any", hide_default_value = true, help_heading = MESSAGES)]
    pub(crate) expect: Expect,

    /// Have N messages in flight on each connection, 1 to 65536 [default: 1]
    ///
    /// short and pooled connections have one message at a time.
    #[arg(long, value_name = "N", value_parser = range(MOST_DEPTH), help_heading = LOAD)]
    pub(crate) depth: Option<u64>,

    /// Send N messages a second in all, 1 to 100000000 (open loop) [default: as fast as replies arrive]
    ///
    /// --depth still limits the messages in flight: a message that has to wait for a place counts its waiting time as
    /// latency.
    #[arg(long, value_name = "N", value_parser = range(MOST_RATE), help_heading = LOAD)]
    pub(crate) rate: Option<u64>,

    /// Search the highest rate that holds a latency, such as p99=5ms or max=20ms.
    ///
    /// Each trial is a run with a rate, of the time of --duration (2s by default). A rate holds if no message failed or
    /// was left over, and the latency is not longer. The first trial has the rate of --rate, or 1000 messages a second.
    /// The rate doubles until it does not hold, and then the search halves the gap until it is 3 %.
    #[arg(long, value_name = "PERCENTILE=TIME", value_parser = target, conflicts_with = "count", help_heading = LOAD)]
    pub(crate) find_rate: Option<Target>,

    /// Run for this long, 1ms or more [default: 10s, or until --count messages are sent]
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = LOAD)]
    pub(crate) duration: Option<Duration>,

    /// Load the server for this long before the measurement, 1ms or more [default: no warm-up]
    ///
    /// Replies to the messages of the warm-up are checked, but these messages are not counted. The time is added to that
    /// of --duration, and the messages are added to those of --count.
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = LOAD)]
    pub(crate) warm_up: Option<Duration>,

    /// Send N messages in all, 1 or more.
    #[arg(long, value_name = "N", value_parser = range(u64::MAX), help_heading = LOAD)]
    pub(crate) count: Option<u64>,

    /// Use N threads, 1 to 1024 [default: the number of processors, at most the number of connections]
    #[arg(long, value_name = "N", value_parser = range(1024), help_heading = LOAD)]
    pub(crate) threads: Option<u64>,

    /// Wait this long for connecting, and for each reply [default: 5s, or what the profile says]
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = TIMES)]
    pub(crate) timeout: Option<Duration>,

    #[command(flatten)]
    pub(crate) liveness: Liveness,

    /// Print the report as one line of JSON.
    #[arg(long, help_heading = PRINTED)]
    pub(crate) json: bool,

    /// Draw latency and rate to this file, whose name ends with .svg or .html.
    #[arg(long, value_name = "FILE", value_parser = plot_file, help_heading = PRINTED)]
    pub(crate) plot: Option<PathBuf>,

    /// Draw an earlier run too, from the file with its --json report; repeatable.
    #[arg(long, value_name = "FILE", requires = "plot", help_heading = PRINTED)]
    pub(crate) plot_with: Vec<PathBuf>,

    /// Call this run NAME in the report and in plots [default: the address and the kind of load]
    #[arg(long, value_name = "NAME", help_heading = PRINTED)]
    pub(crate) name: Option<String>,
}

/// How connections are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Long,
    Short,
    Pooled,
    Shared,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Long => "long",
            Self::Short => "short",
            Self::Pooled => "pooled",
            Self::Shared => "shared",
        }
    }
}

/// Which replies are right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    /// Every reply that is not empty.
    Any,
    /// The message itself.
    Echo,
    /// Always these bytes.
    Fixed(Vec<u8>),
}

/// The latency that a rate has to hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Target {
    /// 100 is the longest latency.
    pub(crate) percentile: f64,
    pub(crate) within: Duration,
}

fn range(most: u64) -> RangedU64ValueParser {
    RangedU64ValueParser::new().range(1..=most)
}

fn kind(text: &str) -> Result<Kind, String> {
    let kinds = [Kind::Long, Kind::Short, Kind::Pooled, Kind::Shared];
    let known = kinds.into_iter().find(|kind| kind.name() == text);
    known.ok_or_else(|| "expected long, short, pooled or shared; --connections says how many".to_owned())
}

fn ip(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| format!("expected an IP address such as 127.0.0.2, found `{text}`"))
}

fn sizes(text: &str) -> Result<(usize, usize), String> {
    let (least, most) = text.split_once("..").unwrap_or((text, text));
    let one = |text| {
        let size = size(text).map_err(|error| format!("expected SIZE or MIN..MAX, such as 64 or 16..1KiB: {error}"))?;
        usize::try_from(size).map_err(|error| error.to_string())
    };
    match (one(least)?, one(most)?) {
        (0, _) => Err("expected 1 byte or more, found 0".to_owned()),
        (least, most) if least > most => Err(format!("expected MIN..MAX with MIN up to MAX, found {least}..{most}")),
        sizes => Ok(sizes),
    }
}

fn place(text: &str) -> Result<Place, String> {
    text.parse().map_err(|error: NotationError| error.message().to_owned())
}

fn expect(text: &str) -> Result<Expect, String> {
    match (text, text.split_once(':')) {
        ("any", _) => Ok(Expect::Any),
        ("echo", _) => Ok(Expect::Echo),
        (_, Some(("text", text))) => Ok(Expect::Fixed(text.as_bytes().to_vec())),
        (_, Some(("hex", hex))) => from_hex(hex).map(Expect::Fixed),
        _ => Err("expected any, echo, text:T or hex:H".to_owned()),
    }
}

fn target(text: &str) -> Result<Target, String> {
    let expected = || format!("expected p50=TIME to p99.999=TIME or max=TIME, such as p99=5ms, found `{text}`");
    let (name, time) = text.split_once('=').ok_or_else(expected)?;
    let percentile = match name.strip_prefix('p') {
        _ if name == "max" => 100.0,
        Some(number) => number.parse::<f64>().map_err(|_| expected())?,
        None => return Err(expected()),
    };
    if !(1.0..=100.0).contains(&percentile) {
        return Err(expected());
    }
    Ok(Target { percentile, within: duration(time)? })
}

fn plot_file(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("svg" | "html") => Ok(path),
        _ => Err(format!("expected a name that ends with .svg or .html, found `{text}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_one_size_or_a_range() {
        assert_eq!(sizes("64"), Ok((64, 64)));
        assert_eq!(sizes("16..1KiB"), Ok((16, 1024)));
        assert_eq!(sizes("0").unwrap_err(), "expected 1 byte or more, found 0");
        assert_eq!(sizes("9..8").unwrap_err(), "expected MIN..MAX with MIN up to MAX, found 9..8");
        assert!(sizes("x").unwrap_err().starts_with("expected SIZE or MIN..MAX, such as 64 or 16..1KiB: "));
    }

    #[test]
    fn a_target_is_a_percentile_and_a_time() {
        assert_eq!(target("p99=5ms"), Ok(Target { percentile: 99.0, within: Duration::from_millis(5) }));
        assert_eq!(target("p99.9=1s"), Ok(Target { percentile: 99.9, within: Duration::from_secs(1) }));
        assert_eq!(target("max=20ms"), Ok(Target { percentile: 100.0, within: Duration::from_millis(20) }));
        for wrong in ["", "p99", "99=5ms", "p=5ms", "p101=5ms", "p0=5ms", "pNaN=5ms", "p99=5"] {
            assert!(target(wrong).unwrap_err().contains("expected"), "{wrong}");
        }
    }
}
