//! The arguments of the program, and their help.

/// Calls each setter of a builder whose option has a value.
macro_rules! tell {
    ($builder:ident: $($given:expr => $setter:ident,)*) => { $(
        if let Some(given) = $given {
            $builder = $builder.$setter(given);
        }
    )* };
}
pub(crate) use tell;

pub(crate) mod limits;
pub(crate) mod liveness;
#[cfg(feature = "load")]
pub(crate) mod load;
pub(crate) mod named;
pub(crate) mod profile;
pub(crate) mod set;
pub(crate) mod values;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{ArgGroup, Args, Parser, Subcommand};
use framelink_testkit::Fault;
use framelink_transport::profile::{ConnectionKind, Duplex, ExchangeKind, TEMPLATES, Template};
use framelink_transport::session::{Encoding, KeyPlaces, Match};
use framelink_transport::{Framing, Heartbeat, Keepalive};

use self::limits::Limits;
use self::liveness::Liveness;
use self::set::{Set, Sets, Words};
use self::values::{
    Addresses, Reply, address, addresses, assigned, connection, duration, exchange, fault, framing, heartbeat,
    keepalive, key, number, reply, reply_rule, size,
};

/// Headings of the help: the question that a group of options answers. clap writes a colon behind each.
pub(crate) const PEER: &str = "Which peer";
pub(crate) const MESSAGES: &str = "What the messages are";
#[cfg_attr(not(feature = "load"), allow(dead_code, reason = "only the command `load` has such options"))]
pub(crate) const LOAD: &str = "How much load";
pub(crate) const TIMES: &str = "How long to wait";
pub(crate) const LIMITS: &str = "How much is allowed";
pub(crate) const ALIVE: &str = "Whether the peer is alive";
pub(crate) const PRINTED: &str = "What is printed";
const FAULT: &str = "Which fault";

/// Exchange framed messages over TCP with programs that cannot be changed.
#[derive(Debug, Parser)]
#[command(version, after_help = include_str!("help/arguments.txt"))]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Inspect(Inspect),
    Serve(Serve),
    Send(Send),
    Listen(Listen),
    Check(Check),
    /// List the framings and heartbeats that have a name
    #[command(after_help = "Examples:\n  framelink presets\n  framelink presets | grep -A 1 modbus")]
    Presets,
    Bridge(Bridge),
    Hostile(Hostile),
    #[cfg(feature = "load")]
    Load(Box<load::Load>),
    /// Show messages that cross a bridge on this machine, byte by byte
    #[command(after_help = "Examples:\n  framelink demo\n  framelink demo | grep '^bridge → host'")]
    Demo,
}

/// Split the bytes of a file into messages, and print them.
///
/// If bytes are left over or wrong, the exit status is 1. If other framings fit the whole file, they are printed too.
#[derive(Debug, Args)]
#[command(after_help = include_str!("help/inspect.txt"))]
pub(crate) struct Inspect {
    /// How messages are framed, such as ascii:4; `framelink presets` lists names.
    #[arg(long, value_parser = framing, help_heading = MESSAGES)]
    pub(crate) framing: Framing,

    /// Skip this many bytes at the start, such as 24 or 1KiB.
    ///
    /// Offsets still count from the start of the file.
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "0", help_heading = MESSAGES)]
    pub(crate) skip: u64,

    /// Print each message as one line of JSON.
    #[arg(long, help_heading = PRINTED)]
    pub(crate) json: bool,

    /// The file, or - for stdin.
    pub(crate) file: PathBuf,
}

/// The profile of a peer, and what replaces parts of it.
#[derive(Debug, Args)]
#[command(next_help_heading = MESSAGES)]
pub(crate) struct Protocol {
    /// Talk as this profile says: a TOML file, a template, or the name of a profile.
    ///
    /// `framelink check --help` lists the templates, and says where profiles with a name are.
    #[arg(long, value_name = "PROFILE")]
    pub(crate) profile: Option<String>,

    /// How messages are framed, such as ascii:4; required unless --profile is given.
    ///
    /// The option replaces the framing of the profile, in both directions. `framelink presets` lists names.
    #[arg(long, value_parser = framing, required_unless_present = "profile")]
    pub(crate) framing: Option<Framing>,

    #[command(flatten)]
    pub(crate) sets: Sets,
}

/// Listen for clients, and answer their messages.
///
/// Ctrl-C, SIGTERM and SIGHUP end the program: connections get the time of --drain to finish. A second Ctrl-C or
/// SIGTERM closes them at once. The exit status is 0 if nothing was cut, else 1.
#[derive(Debug, Args)]
#[command(after_help = include_str!("help/serve.txt"))]
pub(crate) struct Serve {
    /// Listen on this address, HOST:PORT; with port 0 the system chooses a port, which is printed [default: `listen` of
    /// the profile]
    #[arg(long, value_name = "ADDR", value_parser = address, required_unless_present_any = ["profile", "sets"], help_heading = PEER)]
    pub(crate) listen: Option<String>,

    #[command(flatten)]
    pub(crate) protocol: Protocol,

    /// Reply to each message with: echo, none, text:T or hex:H [default: the rules of the profile; without any echo, or
    /// none if the profile only receives]
    ///
    /// echo returns the message, none sends no reply. text:T and hex:H are templates, such as text:0810{request:4:6}. In a
    /// profile, [[reply]] rules answer different messages differently: with `when`, `say`, `after`, `fault` and `times`.
    #[arg(long, value_parser = reply, help_heading = MESSAGES)]
    pub(crate) reply: Option<Reply>,

    /// How replies are framed, if not like requests.
    #[arg(long, value_name = "FRAMING", value_parser = framing, help_heading = MESSAGES)]
    pub(crate) reply_framing: Option<Framing>,

    /// Send this message to each client without a request, every --push-every.
    #[arg(long, value_name = "TEXT", requires = "push_every", help_heading = MESSAGES)]
    pub(crate) push: Option<String>,

    /// Send the message of --push this often, such as 10s; 1ms or more.
    #[arg(long, value_name = "TIME", requires = "push", value_parser = duration, help_heading = MESSAGES)]
    pub(crate) push_every: Option<Duration>,

    #[command(flatten)]
    pub(crate) limits: Limits,

    /// Wait this long for connections to finish when the program is told to end; 1ms or more.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "5s", help_heading = TIMES)]
    pub(crate) drain: Duration,

    #[command(flatten)]
    pub(crate) liveness: Liveness,
}

/// Listen for clients, and print their messages without answering.
///
/// Each message is printed on a line. Control characters in a message are escaped; --hex shows all bytes exactly.
/// Ctrl-C, SIGTERM and SIGHUP end the program.
#[derive(Debug, Args)]
#[command(after_help = include_str!("help/listen.txt"))]
pub(crate) struct Listen {
    /// Listen on this address, HOST:PORT; with port 0 the system chooses a port, which is printed [default: `listen` of
    /// the profile]
    #[arg(long, value_name = "ADDR", value_parser = address, required_unless_present_any = ["profile", "sets"], help_heading = PEER)]
    pub(crate) listen: Option<String>,

    #[command(flatten)]
    pub(crate) protocol: Protocol,

    #[command(flatten)]
    pub(crate) limits: Limits,

    #[command(flatten)]
    pub(crate) liveness: Liveness,

    /// Print messages as hex digits.
    #[arg(long, help_heading = PRINTED)]
    pub(crate) hex: bool,

    /// Print each message as one line of JSON.
    #[arg(long, help_heading = PRINTED)]
    pub(crate) json: bool,
}

/// Send messages, and print the replies.
///
/// Without a MESSAGE, or with -, messages are read from stdin, one per line. Each reply is printed on a line. Control
/// characters in a reply are escaped; --hex shows all bytes exactly.
///
/// With many messages in flight, replies are printed in the order of the messages. A message that answers no request is
/// printed when it arrives, with `unasked: ` before it, and a reply that arrives after its time with `late: `.
#[derive(Debug, Args)]
#[command(after_help = include_str!("help/send.txt"))]
pub(crate) struct Send {
    /// The address of the peer, HOST:PORT, or several with commas between them [default: the addresses of the profile]
    ///
    /// If the profile has addresses, a first word that is no address is a message. A first message of the form HOST:PORT
    /// therefore needs the address before it.
    #[arg(value_name = "ADDRESS", required_unless_present_any = ["profile", "sets"])]
    pub(crate) address: Option<String>,

    /// What the address or the profile says.
    #[arg(skip)]
    pub(crate) addresses: Addresses,

    /// The messages, sent one after the other: texts, or templates such as text:0200{number:6} or hex:30{utc:%H%M%S,bcd}.
    ///
    /// A template begins with text: or hex:. Lines of stdin are sent as they stand.
    #[arg(value_name = "MESSAGE")]
    pub(crate) messages: Vec<String>,

    #[command(flatten)]
    pub(crate) calls: Calls,

    #[command(flatten)]
    pub(crate) protocol: Protocol,

    /// How replies are framed, if not like requests.
    #[arg(long, value_name = "FRAMING", value_parser = framing, help_heading = MESSAGES)]
    pub(crate) reply_framing: Option<Framing>,

    /// Wait for no reply.
    ///
    /// On a long connection `send` then waits up to --timeout for the peer to close, which shows that all was received.
    #[arg(long, help_heading = MESSAGES)]
    pub(crate) no_reply: bool,

    /// Send the messages N times, 1 or more [default: 1; with --every: without end]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = MESSAGES)]
    pub(crate) repeat: Option<u64>,

    /// Wait this long for connecting, and for each message with its reply [default: 5s]
    ///
    /// With a profile, the option replaces its `timeouts.connect` and `timeouts.reply`, which are 1ms to 1d, and the
    /// default is what the profile says.
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = TIMES)]
    pub(crate) timeout: Option<Duration>,

    /// Send the messages again every TIME, 1ms or more, until Ctrl-C, SIGTERM or SIGHUP.
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = TIMES)]
    pub(crate) every: Option<Duration>,

    #[command(flatten)]
    pub(crate) liveness: Liveness,

    /// Read and print messages as hex digits.
    #[arg(long, help_heading = PRINTED)]
    pub(crate) hex: bool,

    /// Print one line of JSON for each reply, for each other message from the peer, and for each message that failed.
    #[arg(long, help_heading = PRINTED)]
    pub(crate) json: bool,
}

/// Which connections carry the messages of `send`, and how many messages are unanswered at a time. A flag replaces what
/// the profile says.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Calls {
    /// How connections are used: long, short, shared:N or pooled:N [default: long]
    ///
    /// long keeps one connection. short makes a connection for each exchange. shared:N keeps N connections, on each of
    /// which many messages are in flight. pooled:N keeps up to N connections, each with one message and its reply at a
    /// time; pooled means pooled:8. N is 1 to 1024.
    #[arg(long, value_name = "KIND", value_parser = connection, help_heading = PEER)]
    pub(crate) connection: Option<ConnectionKind>,

    /// Receive on a second connection, which is dialled at this address (simplex).
    #[arg(long, value_name = "ADDR", value_parser = address, conflicts_with = "receive_at", help_heading = PEER)]
    pub(crate) receive_from: Option<String>,

    /// Receive on a second connection, which the peer dials at this address (simplex).
    #[arg(long, value_name = "ADDR", value_parser = address, help_heading = PEER)]
    pub(crate) receive_at: Option<String>,

    /// The pattern of messages and replies: sync, duplex, simplex or send-only [default: sync, or as other options imply]
    ///
    /// sync sends a message when the reply to the last one has arrived. duplex has many messages in flight on a
    /// connection. simplex sends on one connection and receives on another. send-only expects no replies.
    #[arg(long, value_name = "KIND", value_parser = exchange, help_heading = MESSAGES, display_order = 100)]
    pub(crate) exchange: Option<ExchangeKind>,

    /// Where messages and replies have their key, such as 4:6 [default: no key; replies are matched by their order]
    ///
    /// OFFSET is the number of bytes before the key, and LEN the number of its bytes. A key of several parts has a +
    /// between them: 4:6+41:8.
    #[arg(long, value_name = "OFFSET:LEN", value_parser = key, help_heading = MESSAGES, display_order = 101)]
    pub(crate) key: Option<KeyPlaces>,

    /// Choose keys, and write them to the first place of --key [default: messages have their own keys]
    ///
    /// ascii writes digits, ebcdic EBCDIC digits, bcd two digits to a byte, hex hexadecimal digits, binary a number in
    /// network order, binary-le a number with its lowest byte first.
    #[arg(long, value_name = "KIND", value_parser = assigned, help_heading = MESSAGES, display_order = 102)]
    pub(crate) assign: Option<Encoding>,

    /// Take only messages for replies that match, such as 0:1&80=hex:80 [default: all messages]
    ///
    /// 0:4=text:0210 compares 4 bytes, 0:1&80=hex:80 the highest bit of the first byte, 2:1=odd a digit. 0:4=map:0200>0210
    /// wants 0210 in the reply to 0200. Commas join several tests, which must all hold. Other messages are unsolicited.
    #[arg(long, value_name = "MATCH", value_parser = reply_rule, help_heading = MESSAGES, display_order = 103)]
    pub(crate) reply_rule: Option<Match>,

    /// Allow N unanswered messages at a time on each connection, 1 to 65536 [default: 64]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(Duplex::MOST_IN_FLIGHT)), help_heading = LIMITS)]
    pub(crate) in_flight: Option<u32>,
}

/// Explain a profile, and say what is wrong with it.
#[derive(Debug, Args)]
#[command(after_help = CHECK_EXAMPLES, after_long_help = check_help())]
pub(crate) struct Check {
    /// A TOML file, a template, or the name of a profile; ./NAME is always a file.
    #[arg(value_name = "PROFILE")]
    pub(crate) profile: String,

    #[command(flatten)]
    pub(crate) sets: Sets,

    /// How messages are framed, instead of what the profile says; most templates need it.
    #[arg(long, value_parser = framing, help_heading = MESSAGES)]
    pub(crate) framing: Option<Framing>,

    #[command(flatten)]
    pub(crate) liveness: Liveness,

    /// Print the profile as TOML, without defaults, instead of an explanation.
    #[arg(long, help_heading = PRINTED)]
    pub(crate) toml: bool,
}

const CHECK_EXAMPLES: &str = include_str!("help/check.txt");

fn check_help() -> String {
    let line = |template: &Template| format!("  {:<18} {}\n", template.name, template.help);
    let templates = TEMPLATES.iter().map(line).collect::<String>();
    format!("Templates:\n{templates}\n{CHECK_NAMES}\n{CHECK_EXAMPLES}")
}

const CHECK_NAMES: &str = "\
A profile with a NAME is the file NAME.toml in the folder $FRAMELINK_PROFILES, or else in
$XDG_CONFIG_HOME/framelink/profiles, or else in ~/.config/framelink/profiles. A NAME has no
slashes and dots. Templates and files in the working directory come first.
";

/// Pass messages between two programs that frame them differently.
///
/// Options that begin with --to are about connections to the host, the other options about accepted connections.
///
/// Each accepted connection gets an outgoing connection of its own, unless --to-connection says otherwise. Messages
/// pass both ways unchanged and in order. When one side ends, the end is passed on after its last message.
///
/// Ctrl-C, SIGTERM and SIGHUP drain the bridge: clients that already wait are accepted, and no others. Each connection
/// ends at its next quiet moment, when all received messages have gone out and as many messages came back. After half
/// of --drain the bridge takes no new messages. After all of --drain it cuts the rest. If messages were received and
/// did not go out, the bridge counts them, and the exit status is 1. A second Ctrl-C or SIGTERM ends the bridge at
/// once.
#[derive(Debug, Args)]
#[command(after_help = include_str!("help/bridge.txt"))]
pub(crate) struct Bridge {
    /// Listen on this address, HOST:PORT; with port 0 the system chooses a port, which is printed [default: `listen` of
    /// the profile]
    #[arg(long, value_name = "ADDR", value_parser = address, required_unless_present_any = ["profile", "sets"], help_heading = PEER)]
    pub(crate) listen: Option<String>,

    /// Connect to this address of the host, HOST:PORT, or to several with commas between them [default: the addresses of
    /// its profile]
    #[arg(long, value_name = "ADDR", value_parser = addresses, required_unless_present_any = ["to_profile", "to_set"], help_heading = PEER)]
    pub(crate) to: Option<Addresses>,

    /// How connections to the host are used: long, short, shared:N or pooled:N [default: long, or what the profile
    /// says]
    ///
    /// long makes a connection for each accepted one, and passes all messages unchanged both ways. The other kinds make
    /// one exchange with the host for each message: short over a connection for each exchange, shared:N over N
    /// connections with many messages in flight on each, pooled:N over up to N connections with one message at a time
    /// on each; pooled means pooled:8. N is 1 to 1024.
    #[arg(long, value_name = "KIND", value_parser = connection, help_heading = PEER)]
    pub(crate) to_connection: Option<ConnectionKind>,

    #[command(flatten)]
    pub(crate) protocol: Protocol,

    /// Talk to the host as this profile says: a TOML file, a template, or the name of a profile.
    #[arg(long, value_name = "PROFILE", help_heading = MESSAGES)]
    pub(crate) to_profile: Option<String>,

    /// How messages are framed on connections to the host; required unless --to-profile is given.
    ///
    /// The option replaces the framing of the profile, in both directions.
    #[arg(long, value_name = "FRAMING", value_parser = framing, required_unless_present = "to_profile", help_heading = MESSAGES)]
    pub(crate) to_framing: Option<Framing>,

    /// Set a key of the profile for the host, such as reconnect.policy=round-robin; repeatable.
    #[arg(long, value_name = "KEY=VALUE", help_heading = MESSAGES)]
    pub(crate) to_set: Vec<Set>,

    /// Write the answers of the host to this new file, as [[reply]] rules of a profile for `framelink serve`.
    ///
    /// Needs --to-connection short, shared:N or pooled:N. The file is written when the bridge ends, and only its owner
    /// can read it. Copied bytes, times and numbers are recognised. Card numbers are masked.
    #[arg(long, value_name = "FILE", help_heading = MESSAGES)]
    pub(crate) record: Option<PathBuf>,

    /// As --tls, for connections to the host.
    #[arg(long, value_name = "WORDS", value_parser = set::tls_words, help_heading = PEER)]
    pub(crate) to_tls: Option<Words>,

    #[command(flatten)]
    pub(crate) limits: Limits,

    /// Wait this long for messages in flight when the bridge is told to end; 1ms or more.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration, help_heading = TIMES)]
    pub(crate) drain: Duration,

    #[command(flatten)]
    pub(crate) liveness: Liveness,

    /// As --heartbeat, for connections to the host.
    #[arg(long, value_name = "HEARTBEAT", value_parser = heartbeat, help_heading = ALIVE)]
    pub(crate) to_heartbeat: Option<Arc<Heartbeat>>,

    /// As --keepalive, for connections to the host.
    #[arg(long, value_name = "IDLE/INTERVAL/PROBES", value_parser = keepalive, help_heading = ALIVE)]
    pub(crate) to_keepalive: Option<Keepalive>,
}

/// Run a peer that misbehaves on purpose, to test a program.
///
/// A server echoes each message. A client sends a few messages and reads the replies. Either does so with the fault
/// that is chosen. Ctrl-C, SIGTERM and SIGHUP end the program; a client also ends when it is done.
#[derive(Debug, Args)]
#[command(after_help = HOSTILE_EXAMPLES, after_long_help = hostile_help(), group(ArgGroup::new("role").required(true).args(["listen", "to"])))]
pub(crate) struct Hostile {
    /// Be a server: listen on this address, HOST:PORT; with port 0 the system chooses a port, which is printed.
    #[arg(long, value_name = "ADDR", value_parser = address, help_heading = PEER)]
    pub(crate) listen: Option<String>,

    /// Be a client: connect to this address, HOST:PORT.
    #[arg(long, value_name = "ADDR", value_parser = address, help_heading = PEER)]
    pub(crate) to: Option<String>,

    /// How messages are framed, such as ascii:4; `framelink presets` lists names.
    #[arg(long, value_parser = framing, help_heading = MESSAGES)]
    pub(crate) framing: Framing,

    /// What is wrong with the peer; `framelink hostile --help` lists the names.
    #[arg(long, value_name = "NAME", value_parser = fault, help_heading = FAULT)]
    pub(crate) fault: Fault,

    /// The seed of random choices, a whole number. Runs with equal seeds make equal choices.
    ///
    /// The seed decides where a frame is cut or a header is split, and which wrong header is sent.
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = FAULT)]
    pub(crate) seed: u64,

    /// How long the pause or the delay is, 1ms or more [default: chosen by the fault]
    ///
    /// Defaults: dribble 1ms, coalesce 20ms, split-header 50ms, out-of-order 100ms, late 1s, and 1s for the late
    /// messages of shuffled. Other faults have no pause.
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = FAULT)]
    pub(crate) delay: Option<Duration>,

    /// Cut a frame after N bytes, at most after all but the last one [default: chosen by the seed]
    #[arg(long, value_name = "N", value_parser = number, help_heading = FAULT)]
    pub(crate) cut_at: Option<usize>,

    /// How many empty frames, unasked messages, or good messages before the fault [default: chosen by the fault]
    ///
    /// Defaults: empty-flood sends empty frames without end, heartbeat-storm 3 in each burst, unasked 1 message at a
    /// time; stops lets 3 messages pass, cut-fin, cut-reset, garbage-length and oversize none; shuffled holds back 32
    /// answers; a client with coalesce sends all its messages at once, and a client with deaf sends without end.
    #[arg(long, value_name = "N", value_parser = number, help_heading = FAULT)]
    pub(crate) count: Option<usize>,

    /// Send and answer these heartbeats while the fault allows it, such as literal:3f..21,interval=5s.
    #[arg(long, value_name = "HEARTBEAT", value_parser = heartbeat, help_heading = ALIVE)]
    pub(crate) heartbeat: Option<Arc<Heartbeat>>,

    /// Probe an idle peer with TCP keepalive, such as 60s/10s/6.
    #[arg(long, value_name = "IDLE/INTERVAL/PROBES", value_parser = keepalive, help_heading = ALIVE)]
    pub(crate) keepalive: Option<Keepalive>,
}

const HOSTILE_EXAMPLES: &str = include_str!("help/hostile.txt");

fn hostile_help() -> String {
    let line = |fault: &Fault| format!("  {fault:16} {}\n", fault.help());
    format!("Faults:\n{}\n{HOSTILE_EXAMPLES}", Fault::ALL.iter().map(line).collect::<String>())
}
