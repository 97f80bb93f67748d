//! Limits on what is held.

use framelink_codec::notation::NotationError;

use crate::framing::{Framing, FramingPair};

/// Limits on what a connection or a server holds. The limit on messages is part of the framing.
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
    /// The most bytes that wait to be written on a connection before its sender has to wait.
    pub write_queue: usize,
    /// The most messages that wait to be written on a connection before its sender has to wait.
    pub queued_messages: u32,
    /// The most connections of a server at a time.
    pub connections: u32,
    /// The most connections of one client: one IPv4 address, or the /64 of an IPv6 address.
    pub per_client: u32,
    /// What happens when there are too many connections.
    pub when_full: WhenFull,
    /// The most bytes that all connections of a server hold together.
    pub memory: usize,
    /// The most bytes that the connections of one client hold together.
    pub memory_per_client: usize,
    /// The most empty heartbeats of a client per second. A client that sends more is closed. Empty messages that are
    /// not heartbeats are answered like others, without this limit.
    pub empty_messages: u32,
}

/// What a server does when there are too many connections.
///
/// ```
/// assert_eq!(framelink_profile::WhenFull::default().name(), "refuse-newest");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WhenFull {
    /// Closes the new connection at once.
    #[default]
    RefuseNewest,
    /// Closes the oldest connection: of that client, if the client has too many.
    DropOldest,
}

impl WhenFull {
    /// Returns the word for this value in a profile.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RefuseNewest => "refuse-newest",
            Self::DropOldest => "drop-oldest",
        }
    }
}

impl Limits {
    /// The default: 64 KiB, like the default of the session.
    pub const WRITE_QUEUE: usize = 64 * 1024;
    /// The default: 4096.
    pub const QUEUED_MESSAGES: u32 = 4096;
    /// The default: 1000. A process on Linux may open 1024 files by default. This limit is met first.
    pub const CONNECTIONS: u32 = 1000;
    /// The largest limit of connections: 1048576, the most files of a process on Linux.
    pub const MOST_CONNECTIONS: u32 = 1 << 20;
    /// The default: 250. It takes four clients to use all connections.
    pub const PER_CLIENT: u32 = 250;
    /// The default for short messages: 16 MiB. A server then fits into a container of 64 MiB, including its program,
    /// threads and allocator. With long messages it is more: see [`default_memory`](Self::default_memory).
    pub const MEMORY: usize = 16 * 1024 * 1024;
    /// The least memory beside the longest messages: 128 KiB, two of the largest reads.
    pub const LEAST_MEMORY: usize = 128 * 1024;
    /// The default: 100. Normal heartbeats are seconds apart.
    pub const EMPTY_MESSAGES: u32 = 100;
    /// The largest limit of waiting messages, and of empty messages per second: 1048576.
    pub const MOST_MESSAGES: u32 = 1 << 20;

    /// Returns the default memory of a server: [`MEMORY`](Self::MEMORY), or four times what one connection needs for
    /// its longest messages, if that is more.
    #[must_use]
    pub fn default_memory(framing: &FramingPair) -> usize {
        Self::least_memory(framing).saturating_mul(4).max(Self::MEMORY)
    }

    /// Returns the least memory for one connection to receive its longest message and send its longest reply.
    #[must_use]
    pub fn least_memory(framing: &FramingPair) -> usize {
        let longest = framing.receive.max_payload().saturating_add(framing.send.max_payload());
        longest.saturating_add(Self::LEAST_MEMORY)
    }

    /// Returns the default memory of one client: half of `memory`, but not less than a connection needs.
    #[must_use]
    pub fn default_memory_per_client(memory: usize, framing: &FramingPair) -> usize {
        Self::least_memory(framing).max(memory / 2).min(memory)
    }

    /// Returns how many bytes of requests are handled at a time on one connection. One request may be longer.
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

/// Lowers the limit of a framing to `max`.
pub(super) fn lowered(framing: Framing, max: usize) -> Result<Framing, NotationError> {
    if framing.max_payload() <= max {
        return Ok(framing);
    }
    // The normal form has `max` last, and leaves a default out.
    let text = framing.to_string();
    let without = text.split_once(",max=").map_or(&*text, |(before, _)| before);
    format!("{without},max={max}").parse()
}
