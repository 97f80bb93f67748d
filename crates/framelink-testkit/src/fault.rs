//! What a hostile peer does.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

/// What is wrong with a peer. It plays a server that answers each message with the same, or a client that sends messages
/// and reads the replies: it does the sensible thing of its role with the fault in it.
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
    /// An honest echo, or an honest client: the control.
    None,
    /// Each byte is written by itself, a pause between them.
    Dribble,
    /// The header comes in two segments, a pause between them.
    SplitHeader,
    /// What gathered within a pause is written at once.
    Coalesce,
    /// A frame is cut at a byte, and the writing side is closed.
    CutFin,
    /// A frame is cut at a byte, and the connection is reset.
    CutReset,
    /// A header that the framing refuses, and not only for being a little too great.
    GarbageLength,
    /// A header that announces more than the limit allows, or a message that goes on beyond it.
    Oversize,
    /// Empty frames, without end or up to a number; nothing is read meanwhile.
    EmptyFlood,
    /// Everything is read and nothing is sent.
    Silent,
    /// Each message comes after a delay.
    Late,
    /// Each message comes twice.
    Twice,
    /// Messages come two at a time, the second before the first.
    OutOfOrder,
    /// Messages come in any order; of a hundred 2 come late, 1 comes twice, and 1 behind one that nobody asked for.
    Shuffled,
    /// Messages that nobody asked for, before the first and behind each.
    Unasked,
    /// Nothing is read: the window closes. A client sends until it can send no more.
    Deaf,
    /// A few messages, then the connection is kept, and neither read nor written.
    Stops,
    /// Each message and each empty frame is answered, several empty frames behind it.
    HeartbeatStorm,
    /// The connection is closed as soon as it stands.
    Slam,
}

/// One line a fault: name, and help.
const TABLE: &[(Fault, &str, &str)] = &[
    (Fault::None, "none", "an honest echo, or an honest client: the control"),
    (Fault::Dribble, "dribble", "sends one byte at a time, with a pause after each"),
    (Fault::SplitHeader, "split-header", "sends the header in two segments, with a pause between them"),
    (Fault::Coalesce, "coalesce", "gathers messages for a while and sends them in one segment"),
    (Fault::CutFin, "cut-fin", "cuts a frame at a byte, then closes its side (FIN)"),
    (Fault::CutReset, "cut-reset", "cuts a frame at a byte, then resets the connection (RST)"),
    (Fault::GarbageLength, "garbage-length", "sends a header that is no length"),
    (Fault::Oversize, "oversize", "announces, or sends, more than the limit allows"),
    (Fault::EmptyFlood, "empty-flood", "sends empty frames without end, or up to a number"),
    (Fault::Silent, "silent", "reads everything, sends nothing"),
    (Fault::Late, "late", "sends each message after a delay"),
    (Fault::Twice, "twice", "sends each message twice"),
    (Fault::OutOfOrder, "out-of-order", "sends messages two at a time, in swapped order"),
    (
        Fault::Shuffled,
        "shuffled",
        "sends messages in any order, a few of them late, twice, or behind one nobody asked for",
    ),
    (Fault::Unasked, "unasked", "sends messages nobody asked for, also before the first"),
    (Fault::Deaf, "deaf", "reads nothing, so that the window closes"),
    (Fault::Stops, "stops", "sends a few messages, then neither reads nor writes, and keeps the connection"),
    (
        Fault::HeartbeatStorm,
        "heartbeat-storm",
        "answers all that comes, empty frames too, with several empty frames more",
    ),
    (Fault::Slam, "slam", "closes the connection at once"),
];

impl Fault {
    /// Every fault, in the order in which help should list them.
    pub const ALL: &'static [Self] = &{
        let mut all = [Self::None; TABLE.len()];
        let mut i = 0;
        while i < TABLE.len() {
            all[i] = TABLE[i].0;
            i += 1;
        }
        all
    };

    /// Its name, in kebab-case.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.line().1
    }

    /// What it does, in a line.
    #[must_use]
    pub fn help(self) -> &'static str {
        self.line().2
    }

    /// The tests see to it that each fault has its line.
    fn line(self) -> &'static (Self, &'static str, &'static str) {
        TABLE.iter().find(|line| line.0 == self).unwrap_or(&TABLE[0])
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_a_name_of_its_own_that_parses() {
        for (fault, (same, name, help)) in Fault::ALL.iter().copied().zip(TABLE) {
            assert_eq!((fault, fault.name(), fault.help()), (*same, *name, *help));
            assert_eq!(name.parse(), Ok(fault));
            assert_eq!(fault.to_string(), *name);
            assert_eq!(Fault::ALL.iter().filter(|other| other.name() == *name).count(), 1, "{name}");
        }
        // Slam is the last variant: none was left out of the table.
        assert_eq!(Fault::Slam as usize + 1, TABLE.len());
    }
}
