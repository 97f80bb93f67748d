//! What a hostile peer does.

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
            /// Every fault, in the order in which help should list them.
            pub const ALL: &'static [Self] = &[$(Self::$fault),*];

            /// Its name, in kebab-case.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$fault => $name,)*
                }
            }

            /// What it does, in a line.
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
    /// What is wrong with a peer. It plays a server that answers each message with the same, or a client that sends
    /// messages and reads the replies: it does the sensible thing of its role with the fault in it.
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
        /// The framing refuses it, and not only because the number is a little too great.
        GarbageLength: "garbage-length", "sends a header that is no length";
        Oversize: "oversize", "announces, or sends, more than the limit allows";
        /// Nothing is read meanwhile.
        EmptyFlood: "empty-flood", "sends empty frames without end, or up to a number";
        Silent: "silent", "reads everything, sends nothing";
        Late: "late", "sends each message after a delay";
        Twice: "twice", "sends each message twice";
        OutOfOrder: "out-of-order", "sends messages two at a time, in swapped order";
        /// Of a hundred messages 2 come late, 1 comes twice, and 1 behind an unsolicited message.
        Shuffled: "shuffled", "sends messages in any order, a few of them late, twice, or behind one nobody asked for";
        /// One comes behind each message.
        Unsolicited: "unasked", "sends messages nobody asked for, also before the first";
        /// A client sends until it can send no more.
        Deaf: "deaf", "reads nothing, so that the window closes";
        Stops: "stops", "sends a few messages, then neither reads nor writes, and keeps the connection";
        HeartbeatStorm: "heartbeat-storm", "answers all that comes, empty frames too, with several empty frames more";
        Slam: "slam", "closes the connection at once";
    }
}

/// Its name.
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

/// A name that no fault has; the message lists those there are.
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
