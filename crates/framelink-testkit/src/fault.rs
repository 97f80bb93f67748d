//! The faults of a hostile peer.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

macro_rules! faults {
    ($(#[$of_all:meta])* pub enum Fault { $($(#[$doc:meta])* $fault:ident: $name:literal, $help:literal;)* }) => {
        $(#[$of_all])*
        pub enum Fault {
            $(#[doc = concat!("`", $name, "`: ", $help, ".")] $(#[$doc])* $fault,)*
        }

        impl Fault {
            /// All faults, in the order of the help.
            pub const ALL: &'static [Self] = &[$(Self::$fault),*];

            /// Returns the name, in kebab-case.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$fault => $name,)*
                }
            }

            /// Returns what the peer does, in one line.
            #[must_use]
            pub const fn help(self) -> &'static str {
                match self {
                    $(Self::$fault => $help,)*
                }
            }
        }
    };
}

faults! {
    /// A fault of a peer. A server echoes each message, and a client sends messages and reads the replies. Apart from
    /// its fault, the peer behaves as its role should.
    ///
    /// ```
    /// use framelink_testkit::Fault;
    ///
    /// let fault: Fault = "cut-reset".parse()?;
    /// assert_eq!((fault, fault.name()), (Fault::CutReset, "cut-reset"));
    /// for fault in Fault::ALL {
    ///     println!("{fault:16} {}", fault.help());
    /// }
    /// # Ok::<(), framelink_testkit::UnknownFault>(())
    /// ```
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum Fault {
        None: "none", "an honest echo, or an honest client: the control";
        Dribble: "dribble", "sends one byte at a time, with a pause after each";
        SplitHeader: "split-header", "sends the header in two segments, with a pause between them";
        Coalesce: "coalesce", "gathers messages for a while and sends them in one segment";
        CutFin: "cut-fin", "cuts a frame at a byte, then closes its side (FIN)";
        CutReset: "cut-reset", "cuts a frame at a byte, then resets the connection (RST)";
        /// The framing refuses the header, and not only because the number is a little too large.
        GarbageLength: "garbage-length", "sends a header that is no length";
        Oversize: "oversize", "announces, or sends, more than the limit allows";
        /// The peer reads nothing meanwhile.
        EmptyFlood: "empty-flood", "sends empty frames without end, or up to a number";
        Silent: "silent", "reads everything, sends nothing";
        Late: "late", "sends each message after a delay";
        Twice: "twice", "sends each message twice";
        OutOfOrder: "out-of-order", "sends messages two at a time, in swapped order";
        /// Of a hundred messages 2 are late, 1 is sent twice, and 1 follows an unsolicited message.
        Shuffled: "shuffled", "sends messages in any order, a few late, twice, or after an unsolicited one";
        /// One follows each message.
        Unsolicited: "unasked", "sends unsolicited messages, also before the first";
        /// A client sends until the socket takes no more.
        Deaf: "deaf", "reads nothing, so that the window closes";
        Stops: "stops", "sends a few messages, then neither reads nor writes, and keeps the connection";
        HeartbeatStorm: "heartbeat-storm", "answers each message, and each empty frame, with several empty frames more";
        Slam: "slam", "closes the connection at once";
    }
}

/// Prints the name.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(name: &str) -> Result<Self, UnknownFault> {
        Self::ALL.iter().copied().find(|fault| fault.name() == name).ok_or_else(|| UnknownFault(name.to_owned()))
    }
}

/// The error for an unknown name. Its text lists all names.
///
/// ```
/// use framelink_testkit::Fault;
///
/// let error = "rude".parse::<Fault>().unwrap_err();
/// assert!(error.to_string().starts_with("no fault is called `rude`, expected one of none, dribble, split-header, "));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownFault(String);

impl fmt::Display for UnknownFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = Fault::ALL.iter().map(|fault| fault.name()).collect();
        write!(f, "no fault is called `{}`, expected one of {}", self.0, names.join(", "))
    }
}

impl Error for UnknownFault {}
