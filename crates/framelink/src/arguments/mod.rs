//! What the command line can say.

/// Calls the setters of a builder for which a flag has a value.
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
pub(crate) mod profile;
pub(crate) mod set;
pub(crate) mod values;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{ArgGroup, Args, Parser, Subcommand};
use framelink_testkit::Fault;
use framelink_transport::profile::{ConnectionKind, Duplex, ExchangeKind, TEMPLATES};
use framelink_transport::session::{Assigned, KeyPlace};
use framelink_transport::{Framing, Heartbeat, Keepalive};

use self::limits::Limits;
use self::liveness::Liveness;
use self::set::{Set, Sets};
use self::values::{
    Addresses, Reply, address, addresses, assigned, connection, duration, exchange, fault, framing, heartbeat,
    keepalive, key, number, reply, size,
};

/// Exchange framed messages over TCP with programs that cannot be changed.
#[derive(Debug, Parser)]
#[command(version, after_help = NOTATION_HELP, after_long_help = NOTATION_HELP)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const NOTATION_HELP: &str = "\
A FRAMING says how messages are cut, for example:
  ascii:4            four ASCII digits of length, then the message
  net:2,counts=self  two-byte network integer that counts itself too
  bcd:2              two bytes of packed BCD
  line               ends with CR LF
  between:02..03     from STX to ETX
  until-close        the whole connection is one message
and presets: dns, kafka, tpkt, modbus, mllp, netstring, iec104, smpp, …; `framelink presets` lists them all

Exit status: 0 done, 1 the data or the peer was at fault, 2 bad usage.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Cut the bytes of a file into messages
    Inspect(Inspect),
    /// Answer messages
    Serve(Serve),
    /// Send messages and print the replies
    Send(Send),
    /// Print the messages that come, and answer none
    Listen(Listen),
    /// Say what a profile means, and what is wrong with it
    Check(Check),
    /// List the framings and heartbeats that have a name
    Presets,
    /// Pass messages between two programs that frame them differently
    Bridge(Bridge),
    /// Be a peer that misbehaves on purpose, to test a program
    Hostile(Hostile),
    #[cfg(feature = "load")]
    Load(Box<load::Load>),
    /// Watch messages cross a bridge on this machine, byte by byte
    Demo,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  framelink inspect --framing tpkt --skip 24 capture.bin")]
pub(crate) struct Inspect {
    /// How messages are cut
    #[arg(long, value_parser = framing)]
    pub(crate) framing: Framing,

    /// Leave out so many bytes at the start; offsets still count from the start of the file
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "0")]
    pub(crate) skip: u64,

    /// Print a JSON object a line instead of text
    #[arg(long)]
    pub(crate) json: bool,

    /// The file, or - for stdin
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  framelink serve --listen 127.0.0.1:7000 --framing ascii:4 --reply text:OK")]
pub(crate) struct Serve {
    /// The address to listen on; port 0 lets the system choose one, which is printed
    #[arg(long, value_name = "ADDR", value_parser = address)]
    pub(crate) listen: String,

    /// How to talk to this kind of peer: a TOML file, or the name of a template
    #[arg(long, value_name = "PROFILE")]
    pub(crate) profile: Option<String>,

    /// How messages are cut; with a profile, instead of what that says
    #[arg(long, value_parser = framing, required_unless_present = "profile")]
    pub(crate) framing: Option<Framing>,

    /// What to reply: echo, none, text:T or hex:H [default: echo, or none where the profile only receives]
    #[arg(long, value_parser = reply)]
    pub(crate) reply: Option<Reply>,

    /// How replies are framed, if not like what comes
    #[arg(long, value_name = "FRAMING", value_parser = framing)]
    pub(crate) reply_framing: Option<Framing>,

    /// What to send to each client that nobody asked for, again and again
    #[arg(long, value_name = "TEXT", requires = "push_every")]
    pub(crate) push: Option<String>,

    /// How often
    #[arg(long, value_name = "TIME", requires = "push", value_parser = duration)]
    pub(crate) push_every: Option<Duration>,

    /// How long connections may take to finish when the program is told to end
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "5s")]
    pub(crate) drain: Duration,

    #[command(flatten)]
    pub(crate) sets: Sets,

    #[command(flatten)]
    pub(crate) liveness: Liveness,

    #[command(flatten)]
    pub(crate) limits: Limits,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Messages are printed a line each; control characters in them are escaped, --hex shows them exactly.
Ctrl-C, SIGTERM and SIGHUP end it.

Example:
  framelink listen --listen 127.0.0.1:7000 --framing ascii:4")]
pub(crate) struct Listen {
    /// The address to listen on; port 0 lets the system choose one, which is printed
    #[arg(long, value_name = "ADDR", value_parser = address)]
    pub(crate) listen: String,

    /// How to talk to this kind of peer: a TOML file, or the name of a template
    #[arg(long, value_name = "PROFILE")]
    pub(crate) profile: Option<String>,

    /// How messages are cut; with a profile, instead of what that says
    #[arg(long, value_parser = framing, required_unless_present = "profile")]
    pub(crate) framing: Option<Framing>,

    /// Print messages as hex digits
    #[arg(long)]
    pub(crate) hex: bool,

    /// Print a JSON object a line instead of text
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) sets: Sets,

    #[command(flatten)]
    pub(crate) liveness: Liveness,

    #[command(flatten)]
    pub(crate) limits: Limits,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Without a MESSAGE, or with -, messages are read from stdin, a line each.
Replies are printed a line each; control characters in them are escaped, --hex shows them exactly.
With many messages in flight replies are printed in the order of the messages, and what answers none \
when it comes, behind `unasked: ` or `late: `.

Examples:
  framelink send 127.0.0.1:7000 --framing ascii:4 'hello, world'
  framelink send 127.0.0.1:7000 --framing ascii:4 --receive-at 0.0.0.0:7001 --key 4:6 < requests")]
pub(crate) struct Send {
    /// The address to connect to, HOST:PORT, or several with commas between
    #[arg(value_name = "ADDRESS", value_parser = addresses)]
    pub(crate) addresses: Addresses,

    /// How to talk to this kind of peer: a TOML file, or the name of a template
    #[arg(long, value_name = "PROFILE")]
    pub(crate) profile: Option<String>,

    /// How messages are framed; with a profile, instead of what that says
    #[arg(long, value_parser = framing, required_unless_present = "profile")]
    pub(crate) framing: Option<Framing>,

    /// How replies are framed, if not like what is sent
    #[arg(long, value_name = "FRAMING", value_parser = framing)]
    pub(crate) reply_framing: Option<Framing>,

    /// Read and print messages as hex digits
    #[arg(long)]
    pub(crate) hex: bool,

    /// Print a JSON object a line instead of text: for each reply, for what else comes, and for each message that failed
    #[arg(long)]
    pub(crate) json: bool,

    /// Wait for no reply
    #[arg(long)]
    pub(crate) no_reply: bool,

    /// How long connecting, and each message with its reply, may take; with a profile, instead of its `timeouts.connect`
    /// and `timeouts.reply` [default: 5s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,

    /// Send the messages again and again, this often, until Ctrl-C, SIGTERM or SIGHUP
    #[arg(long, value_name = "TIME", requires = "messages", value_parser = duration)]
    pub(crate) every: Option<Duration>,

    /// Send the messages so many times
    #[arg(long, value_name = "N", requires = "messages", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) repeat: Option<u64>,

    #[command(flatten)]
    pub(crate) sets: Sets,

    #[command(flatten)]
    pub(crate) liveness: Liveness,

    #[command(flatten)]
    pub(crate) calls: Calls,

    /// The messages, sent one after the other
    #[arg(value_name = "MESSAGE")]
    pub(crate) messages: Vec<String>,
}

/// How many messages are unanswered at a time, and over what; with a profile, instead of what that says.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Many messages in flight")]
pub(crate) struct Calls {
    /// What goes to and fro: sync, duplex, simplex or send-only [default: sync, or what the other flags here need]
    #[arg(long, value_name = "KIND", value_parser = exchange)]
    pub(crate) exchange: Option<ExchangeKind>,

    /// How long connections live: long, short, shared:N for N connections that share the messages, or pooled:N for up to N that are lent for
    /// a message and its reply each [default: long]
    #[arg(long, value_name = "KIND", value_parser = connection)]
    pub(crate) connection: Option<ConnectionKind>,

    /// Where messages and replies have their key; without one, replies come in order
    #[arg(long, value_name = "OFFSET:LEN", value_parser = key)]
    pub(crate) key: Option<KeyPlace>,

    /// Choose keys, and write them to their place: binary or digits
    #[arg(long, value_name = "KIND", value_parser = assigned)]
    pub(crate) assign: Option<Assigned>,

    /// So many messages may be unanswered at a time, on each connection [default: 64]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(Duplex::MOST_IN_FLIGHT)))]
    pub(crate) in_flight: Option<u32>,

    /// Receive on a connection of its own: dial it at this address
    #[arg(long, value_name = "ADDR", value_parser = address, conflicts_with = "receive_at")]
    pub(crate) receive_from: Option<String>,

    /// Receive on a connection of its own: wait for the peer to dial it at this address
    #[arg(long, value_name = "ADDR", value_parser = address)]
    pub(crate) receive_at: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = check_help())]
pub(crate) struct Check {
    /// A TOML file, or the name of a template; ./NAME is a file whatever its name
    #[arg(value_name = "PROFILE")]
    pub(crate) profile: String,

    /// How messages are cut, instead of what the profile says; templates need it
    #[arg(long, value_parser = framing)]
    pub(crate) framing: Option<Framing>,

    /// Print the profile as TOML, defaults left out, instead of what it means
    #[arg(long)]
    pub(crate) toml: bool,

    #[command(flatten)]
    pub(crate) sets: Sets,

    #[command(flatten)]
    pub(crate) liveness: Liveness,
}

fn check_help() -> String {
    let mut help = "Templates:\n".to_owned();
    for template in TEMPLATES {
        help += &format!("  {:<18} {}\n", template.name, template.help);
    }
    help += "\nExample:\n  framelink check short-sync --framing ascii:4 --toml > switch.toml";
    help
}

#[derive(Debug, Args)]
#[command(after_help = "\
Each accepted connection gets an outgoing one of its own. Messages pass both ways unchanged and in order; one side's end \
is passed on after its last message.

Ctrl-C, SIGTERM and SIGHUP drain: clients that wait are accepted, and no others; each connection ends at its next quiet moment, when all that came has \
gone out and as many messages came back. After half of --drain nothing more is taken, after all of it what is left is cut. \
Messages that came and did not go out are counted, and the exit status is 1. A second Ctrl-C or SIGTERM ends the bridge at once.

Example:
  framelink bridge --listen 0.0.0.0:7000 --framing ascii:4 --to 10.1.2.3:8000 --to-framing bcd:2")]
pub(crate) struct Bridge {
    /// The address to listen on; port 0 lets the system choose one, which is printed
    #[arg(long, value_name = "ADDR", value_parser = address)]
    pub(crate) listen: String,

    /// How to talk to those who connect: a TOML file, or the name of a template
    #[arg(long, value_name = "PROFILE")]
    pub(crate) profile: Option<String>,

    /// How messages are framed on accepted connections; with a profile, instead of what that says
    #[arg(long, value_parser = framing, required_unless_present = "profile")]
    pub(crate) framing: Option<Framing>,

    #[command(flatten)]
    pub(crate) sets: Sets,

    /// The address to connect to, HOST:PORT, or several with commas between
    #[arg(long, value_name = "ADDR", value_parser = addresses)]
    pub(crate) to: Addresses,

    /// How to talk to whom we connect to: a TOML file, or the name of a template
    #[arg(long, value_name = "PROFILE", help_heading = OUTGOING)]
    pub(crate) to_profile: Option<String>,

    /// How messages are framed on outgoing connections; with a profile, instead of what that says
    #[arg(long, value_name = "FRAMING", value_parser = framing, required_unless_present = "to_profile", help_heading = OUTGOING)]
    pub(crate) to_framing: Option<Framing>,

    /// Outgoing connections: long, one for each accepted one, which passes all messages unchanged both ways; or one exchange for each
    /// message, over pooled:N, shared:N or short ones [default: long, or what the profile says]
    #[arg(long, value_name = "KIND", value_parser = connection, help_heading = OUTGOING)]
    pub(crate) to_connection: Option<ConnectionKind>,

    /// Any key of the profile for outgoing connections, such as reconnect.policy=round-robin
    #[arg(long, value_name = "KEY=VALUE", help_heading = OUTGOING)]
    pub(crate) to_set: Vec<Set>,

    /// How long what is in flight may take when the bridge is told to end
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration)]
    pub(crate) drain: Duration,

    #[command(flatten)]
    pub(crate) limits: Limits,

    /// For accepted connections.
    #[command(flatten)]
    pub(crate) liveness: Liveness,

    /// The same for outgoing connections; --heartbeat is for accepted ones
    #[arg(long, value_name = "HEARTBEAT", value_parser = heartbeat, help_heading = OUTGOING)]
    pub(crate) to_heartbeat: Option<Arc<Heartbeat>>,

    /// The same for outgoing connections; --keepalive is for accepted ones
    #[arg(long, value_name = "IDLE/INTERVAL/PROBES", value_parser = keepalive, help_heading = OUTGOING)]
    pub(crate) to_keepalive: Option<Keepalive>,
}

const OUTGOING: &str = "Outgoing connections";

#[derive(Debug, Args)]
#[command(after_help = hostile_help(), group(ArgGroup::new("role").required(true).args(["listen", "to"])))]
pub(crate) struct Hostile {
    /// Be a server: the address to listen on; port 0 lets the system choose one, which is printed
    #[arg(long, value_name = "ADDR", value_parser = address)]
    pub(crate) listen: Option<String>,

    /// Be a client: the address to connect to, HOST:PORT
    #[arg(long, value_name = "ADDR", value_parser = address)]
    pub(crate) to: Option<String>,

    /// How messages are framed
    #[arg(long, value_parser = framing)]
    pub(crate) framing: Framing,

    /// What is wrong with the peer, by its name in the list below
    #[arg(long, value_name = "NAME", value_parser = fault)]
    pub(crate) fault: Fault,

    /// Where a frame is cut or a header split, and which bad header is sent, is chosen by this number
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,

    /// The pause, or the delay, of a fault that has one, if not its own
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) delay: Option<Duration>,

    /// The byte of a frame before which it is cut, if not by the seed
    #[arg(long, value_name = "N", value_parser = number)]
    pub(crate) cut_at: Option<usize>,

    /// Heartbeats that the peer sends and answers for as long as its fault lets it, such as literal:3f..21,interval=5s
    #[arg(long, value_name = "HEARTBEAT", value_parser = heartbeat)]
    pub(crate) heartbeat: Option<Arc<Heartbeat>>,

    /// Have the system ask an idle peer's, such as 60s/10s/6
    #[arg(long, value_name = "IDLE/INTERVAL/PROBES", value_parser = keepalive)]
    pub(crate) keepalive: Option<Keepalive>,

    /// How many, if not as many as the fault has by itself: empty frames, unasked messages, good messages before the fault
    #[arg(long, value_name = "N", value_parser = number)]
    pub(crate) count: Option<usize>,
}

fn hostile_help() -> String {
    let mut help = "\
A server answers each message with the same, a client sends a few messages and reads the replies, and in that is the fault:\n"
        .to_owned();
    for fault in Fault::ALL {
        help += &format!("  {fault:16} {}\n", fault.help());
    }
    help + "\nCtrl-C, SIGTERM and SIGHUP end it; a client ends when it is done.\n\n\
        Example:\n  framelink hostile --listen 127.0.0.1:7000 --framing ascii:4 --fault cut-reset --seed 7"
}
