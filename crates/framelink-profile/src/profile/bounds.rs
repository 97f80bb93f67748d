//! The bounds of each value.

use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use framelink_codec::notation::{ShowDuration, ShowSize};

use super::first::FirstCut;
use super::signing::{Keys, MOST_MEANWHILE};
use super::{
    Access, ConnectionKind, Duplex, FirstStep, Limits, Pooled, Preamble, Profile, ProfileError, Reconnect, Shared,
    Timeouts, address,
};
use crate::socket::SocketOptions;

type Checked = Result<(), ProfileError>;

/// Systems take sizes and counts as a C `int`.
const MOST_INT: u32 = i32::MAX.unsigned_abs();
/// A name and its terminating zero are 16 bytes on Linux, the BSDs and macOS.
const MOST_INTERFACE: usize = 15;
/// The most bytes of the name of a file, as Linux has it.
const MOST_NAME: usize = 4096;
/// Windows stores the linger time in seconds as 16 bits.
const MOST_LINGER: Duration = Duration::from_secs(u16::MAX as u64);

pub(super) fn check(profile: &Profile) -> Checked {
    address::check(profile)?;
    check_len("preamble.send", profile.preamble.send().len(), Preamble::MOST, "bytes")?;
    check_len("preamble.expect", profile.preamble.expect().len(), Preamble::MOST, "bytes")?;
    check_timeouts(&profile.timeouts)?;
    if let ConnectionKind::Shared(shared) = profile.connection {
        check_count("connection.connections", shared.connections, Shared::MOST, "connections")?;
    }
    if let ConnectionKind::Pooled(pooled) = profile.connection {
        check_pooled(&pooled)?;
    }
    check_reconnect(&profile.reconnect)?;
    check_len("first", profile.first().len(), FirstStep::MOST, "steps")?;
    for (at, step) in profile.first().iter().enumerate() {
        if let Some(FirstCut::Bytes(count)) = step.cut {
            check_number(Keys::FIRST_BYTES.at(at), count, FirstStep::MOST_BYTES, "bytes")?;
        }
    }
    check_len("meanwhile", profile.meanwhile().len(), MOST_MEANWHILE, "rules")?;
    if let Some(duplex) = profile.exchange.duplex() {
        check_count("exchange.in-flight", duplex.in_flight, Duplex::MOST_IN_FLIGHT, "requests")?;
    }
    check_limits(&profile.limits)?;
    check_memory(profile)?;
    check_len("access.allow", profile.access.allow.len(), Access::MOST, "networks")?;
    check_len("access.deny", profile.access.deny.len(), Access::MOST, "networks")?;
    profile.idle_limit.map_or(Ok(()), |limit| check_time("liveness.idle-limit", limit))?;
    check_socket(&profile.socket)
}

pub(super) fn check_len(key: &'static str, len: usize, most: usize, what: &str) -> Checked {
    if len <= most {
        return Ok(());
    }
    Err(ProfileError::out_of_bounds(key, format!("{len} {what}"), format!("up to {most}")))
}

/// Checks the name of a file that a profile names.
pub(super) fn check_file(key: &'static str, file: &Path, example: &str) -> Checked {
    if file.file_name().is_some() && file.to_str().is_some_and(|name| name.len() <= MOST_NAME) {
        return Ok(());
    }
    let found: String = file.to_string_lossy().chars().take(64).collect();
    let allowed = format!("the name of a file in UTF-8, of up to {MOST_NAME} bytes, such as `{example}`");
    Err(ProfileError::out_of_bounds(key, format!("`{}`", found.escape_debug()), allowed))
}

fn check_timeouts(timeouts: &Timeouts) -> Checked {
    check_time("timeouts.connect", timeouts.connect)?;
    timeouts.reply.map_or(Ok(()), |reply| check_time("timeouts.reply", reply))?;
    check_time("timeouts.write", timeouts.write)?;
    check_time("timeouts.close", timeouts.close)?;
    check_time("timeouts.first-message", timeouts.first_message)?;
    check_time("timeouts.first-request", timeouts.first_request)?;
    check_order("timeouts.first-message", timeouts.first_message, "timeouts.first-request", timeouts.first_request)?;
    check_time("timeouts.frame", timeouts.frame)?;
    check_time("timeouts.idle", timeouts.idle)?;
    check_time_up_to("timeouts.lifetime", timeouts.lifetime, Timeouts::MOST_LIFETIME, "30d")
}

fn check_pooled(pooled: &Pooled) -> Checked {
    check_count("connection.max", pooled.max, Pooled::MOST, "connections")?;
    let most = format!("up to {}, which is connection.max", pooled.max);
    for (key, number) in [("connection.min", pooled.min), ("connection.max-idle", pooled.max_idle)] {
        if number > pooled.max {
            return Err(ProfileError::out_of_bounds(key, number, most));
        }
    }
    if pooled.max_idle < pooled.min {
        let allowed = format!("{} or more, which is connection.min", pooled.min);
        return Err(ProfileError::out_of_bounds("connection.max-idle", pooled.max_idle, allowed));
    }
    pooled.wait.map_or(Ok(()), |wait| check_time("connection.wait", wait))?;
    check_time("connection.idle", pooled.idle)?;
    check_time("connection.lifetime", pooled.lifetime)?;
    pooled.uses.map_or(Ok(()), |uses| check_count("connection.uses", uses, MOST_INT, "uses"))
}

fn check_reconnect(reconnect: &Reconnect) -> Checked {
    check_time("reconnect.first", reconnect.first)?;
    check_time("reconnect.cap", reconnect.cap)?;
    check_order("reconnect.first", reconnect.first, "reconnect.cap", reconnect.cap)?;
    check_count("reconnect.eject-after", reconnect.eject_after, Reconnect::MOST_FAILURES, "failures")?;
    check_time("reconnect.fail-back", reconnect.fail_back)
}

/// Checks that the second time is not shorter than the first.
fn check_order(first_key: &str, first: Duration, key: &'static str, time: Duration) -> Checked {
    if first <= time {
        return Ok(());
    }
    let allowed = format!("{} or more, which is {first_key}", ShowDuration(first));
    Err(ProfileError::out_of_bounds(key, ShowDuration(time), allowed))
}

/// Checks for whole milliseconds, as in a file, up to a day. A longer time is a wrong unit, or as good as no limit.
pub(super) fn check_time(key: &'static str, time: Duration) -> Checked {
    check_time_up_to(key, time, Timeouts::MOST, "1d")
}

fn check_time_up_to(key: &'static str, time: Duration, most: Duration, shown: &str) -> Checked {
    if time.subsec_nanos().is_multiple_of(1_000_000) && !time.is_zero() && time <= most {
        return Ok(());
    }
    Err(ProfileError::out_of_bounds(key, shown_exactly(time), format!("whole milliseconds from 1ms to {shown}")))
}

/// Shows fractions of a millisecond too, which the notation cannot.
fn shown_exactly(time: Duration) -> String {
    let is_whole = time.subsec_nanos().is_multiple_of(1_000_000);
    if is_whole { ShowDuration(time).to_string() } else { format!("{time:?}") }
}

fn check_limits(limits: &Limits) -> Checked {
    check_number("limits.write-queue", limits.write_queue, MOST_INT as usize, "bytes")?;
    let (connections, messages) = (Limits::MOST_CONNECTIONS, Limits::MOST_MESSAGES);
    check_count("limits.queued-messages", limits.queued_messages, messages, "messages")?;
    check_count("limits.connections", limits.connections, connections, "connections")?;
    check_count("limits.connections-per-client", limits.per_client, connections, "connections")?;
    check_count("limits.empty-messages", limits.empty_messages, messages, "messages a second")
}

/// Checks that one client can send and receive the longest messages.
fn check_memory(profile: &Profile) -> Checked {
    let (limits, least) = (&profile.limits, Limits::least_memory(&profile.framing));
    let (memory, share) = (limits.memory, limits.memory_per_client);
    if share > memory {
        let allowed = format!("up to {}, which is limits.memory", ShowSize(memory));
        return Err(ProfileError::out_of_bounds("limits.memory-per-client", ShowSize(share), allowed));
    }
    let key = if memory < least { "limits.memory" } else { "limits.memory-per-client" };
    if share >= least {
        return Ok(());
    }
    let found = ShowSize(if memory < least { memory } else { share });
    let allowed =
        format!("{least} bytes or more: the longest message each way, and 128KiB to read and write them with");
    Err(ProfileError::out_of_bounds(key, found, allowed))
}

fn check_socket(socket: &SocketOptions) -> Checked {
    // Some systems take 0 as "refuse every connection".
    check_count("socket.backlog", socket.backlog, MOST_INT, "connections")?;
    for (key, size) in [("socket.receive-buffer", socket.receive_buffer), ("socket.send-buffer", socket.send_buffer)] {
        size.map_or(Ok(()), |size| check_number(key, size, MOST_INT as usize, "bytes"))?;
    }
    socket.interface.as_deref().map_or(Ok(()), check_interface)?;
    if let Some(source) = socket.source.filter(|source| source.ip().is_multicast()) {
        return Err(ProfileError::out_of_bounds("socket.source", source, "an address of one machine, not of a group"));
    }
    match socket.linger {
        Some(linger) if linger.subsec_nanos() != 0 || linger > MOST_LINGER => {
            let allowed =
                format!("whole seconds up to {}, because the system counts in seconds", MOST_LINGER.as_secs());
            Err(ProfileError::out_of_bounds("socket.linger", shown_exactly(linger), allowed))
        }
        _ => Ok(()),
    }
}

fn check_interface(name: &str) -> Checked {
    let is_odd = |c: char| c.is_whitespace() || c.is_control() || c == '/';
    if (1..=MOST_INTERFACE).contains(&name.len()) && !name.contains(is_odd) {
        return Ok(());
    }
    let found = format!("`{}`", name.escape_debug());
    let allowed = format!("a name of 1 to {MOST_INTERFACE} bytes without blanks and slashes, such as `eth0`");
    Err(ProfileError::out_of_bounds("socket.interface", found, allowed))
}

fn check_count(key: &'static str, count: u32, most: u32, what: &str) -> Checked {
    check_number(key, count as usize, most as usize, what)
}

fn check_number(key: &'static str, number: usize, most: usize, what: &str) -> Checked {
    check_number_in(key, number, 1..=most, what)
}

pub(super) fn check_number_in(key: &'static str, number: usize, range: RangeInclusive<usize>, what: &str) -> Checked {
    if range.contains(&number) {
        return Ok(());
    }
    Err(ProfileError::out_of_bounds(key, number, format!("{} to {} {what}", range.start(), range.end())))
}
