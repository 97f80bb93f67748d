//! How much there may be.

use framelink_codec::notation::NotationError;

use crate::framing::{Framing, FramingPair};

/// How much there may be of what is held. How long a message may be is part of the framing.
///
/// ```
/// use framelink_profile::{Framing, Profile};
///
/// let profile = Profile::builder("ascii:4".parse::<Framing>()?).max_message(2048).build()?;
/// assert_eq!(profile.framing().send.to_string(), "ascii:4,max=2KiB", "where the limit on messages went");
/// assert_eq!(profile.limits().write_queue, 64 * 1024);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes that may wait to be written on a connection before its sender has to wait.
    pub write_queue: usize,
    /// Messages that may wait to be written on a connection before its sender has to wait.
    pub queued_messages: u32,
    /// Connections that a server holds at a time.
    pub connections: u32,
    /// How many of them one client may have: one IPv4 address, or the /64 of an IPv6 address.
    pub per_client: u32,
    /// What becomes of a connection too many.
    pub when_full: WhenFull,
    /// Bytes that all connections of a server hold together.
    pub memory: usize,
    /// How many of these bytes the connections of one client hold together.
    pub memory_per_client: usize,
    /// How many empty messages a client may send a second, where they are heartbeats; a client that sends more is closed. Where empty
    /// messages are not heartbeats, each is answered like any other message, and their number has no limit.
    pub empty_messages: u32,
}

/// What a server does about a connection too many.
///
/// ```
/// assert_eq!(framelink_profile::WhenFull::default().name(), "refuse-newest");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WhenFull {
    /// It is closed at once.
    #[default]
    RefuseNewest,
    /// The oldest is closed for it: of the same client, where that has too many.
    DropOldest,
}

impl WhenFull {
    /// The word for it in a file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RefuseNewest => "refuse-newest",
            Self::DropOldest => "drop-oldest",
        }
    }
}

impl Limits {
    /// 64 KiB, as the session has it.
    pub const WRITE_QUEUE: usize = 64 * 1024;
    /// 4096.
    pub const QUEUED_MESSAGES: u32 = 4096;
    /// 1000: less than the 1024 files that a process may have open by default on Linux, so that this limit, which can be
    /// told to whoever is refused, is met before the system's.
    pub const CONNECTIONS: u32 = 1000;
    /// The most connections that can be allowed: 1048576, the most files of a process on Linux.
    pub const MOST_CONNECTIONS: u32 = 1 << 20;
    /// 250: four clients are needed to take all places.
    pub const PER_CLIENT: u32 = 250;
    /// 16 MiB: with it a server lives in a container of 64 MiB, with all that the program, its threads and its allocator need besides. The
    /// default is more where messages are long: see [`default_memory`](Self::default_memory).
    pub const MEMORY: usize = 16 * 1024 * 1024;
    /// The least that can be said of memory, beside the longest messages: 128 KiB, two of the largest reads.
    pub const LEAST_MEMORY: usize = 128 * 1024;
    /// 100: a heartbeat is one in seconds.
    pub const EMPTY_MESSAGES: u32 = 100;
    /// The most that can be allowed of messages that wait, and of empty ones a second: 1048576.
    pub const MOST_MESSAGES: u32 = 1 << 20;

    /// How much memory the connections of a server hold together by default: [`MEMORY`](Self::MEMORY), or four times what one connection
    /// needs for its longest messages, where that is more.
    #[must_use]
    pub fn default_memory(framing: &FramingPair) -> usize {
        Self::least_memory(framing).saturating_mul(4).max(Self::MEMORY)
    }

    /// The least memory with which one connection can receive its longest message and send its longest reply.
    #[must_use]
    pub fn least_memory(framing: &FramingPair) -> usize {
        let longest = framing.receive.max_payload().saturating_add(framing.send.max_payload());
        longest.saturating_add(Self::LEAST_MEMORY)
    }

    /// How much of it the connections of one client hold by default: half, but not less than one needs.
    #[must_use]
    pub fn default_memory_per_client(memory: usize, framing: &FramingPair) -> usize {
        Self::least_memory(framing).max(memory / 2).min(memory)
    }

    /// So many bytes of requests are handled at a time on one connection, or one request that is longer.
    #[must_use]
    pub const fn handled(&self) -> usize {
        self.memory_per_client / 4
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            write_queue: Self::WRITE_QUEUE,
            queued_messages: Self::QUEUED_MESSAGES,
            connections: Self::CONNECTIONS,
            per_client: Self::PER_CLIENT,
            when_full: WhenFull::default(),
            memory: Self::MEMORY,
            memory_per_client: Self::MEMORY / 2,
            empty_messages: Self::EMPTY_MESSAGES,
        }
    }
}

/// The framing with no larger payloads than this.
pub(super) fn lowered(framing: Framing, max: usize) -> Result<Framing, NotationError> {
    if framing.max_payload() <= max {
        return Ok(framing);
    }
    // The normal form has `max` last, and leaves it out where it is the default.
    let text = framing.to_string();
    let without = text.split_once(",max=").map_or(&*text, |(before, _)| before);
    format!("{without},max={max}").parse()
}
