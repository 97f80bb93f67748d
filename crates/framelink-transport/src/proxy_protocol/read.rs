//! Reads a header: bytes in; the header, or how many more bytes it has at least.

use std::net::SocketAddr;

use ppp::v2::{self, Command, Protocol, Type, TypeLengthValues};
use ppp::{v1, v2::PROTOCOL_PREFIX};

use super::{ProxiedTls, ProxyError, ProxyInfo};

/// What the first bytes of a connection contain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderStep {
    /// A whole header, and how many bytes it has.
    Whole(Box<ProxyInfo>, usize),
    /// A part of a header. At least so many more bytes belong to it, so that no byte of the client is read with them.
    Missing(usize),
}

/// The longest header of version 1, with CR LF.
const LONGEST_LINE: usize = 107;
/// The shortest header of version 1: `PROXY UNKNOWN`, CR LF.
const SHORTEST_LINE: usize = 15;
/// How many bytes of a header of version 2 come before those that its length counts.
const FIXED: usize = 16;

/// Reads the header at the start of these bytes, which has up to `max` bytes.
///
/// # Errors
/// If the bytes are no header, or if the header has more than `max` bytes.
pub fn read_header(bytes: &[u8], max: usize) -> Result<HeaderStep, ProxyError> {
    match bytes {
        _ if begins(bytes, b"PROXY ") => read_line(bytes, max.min(LONGEST_LINE)),
        _ if begins(bytes, PROTOCOL_PREFIX) => read_binary(bytes, max),
        _ => Err(ProxyError::NoHeader(bytes.iter().take(8).copied().collect())),
    }
}

/// Returns whether the bytes begin with the signature, or are the beginning of it.
fn begins(bytes: &[u8], signature: &[u8]) -> bool {
    bytes.iter().zip(signature).all(|(came, expected)| came == expected)
}

fn read_line(bytes: &[u8], max: usize) -> Result<HeaderStep, ProxyError> {
    let Some(end) = bytes.iter().take(max).position(|byte| *byte == b'\n') else {
        let missing = missing_of_line(bytes);
        return match bytes.len() + missing {
            len if len > max => Err(ProxyError::TooLong { len, max }),
            _ => Ok(HeaderStep::Missing(missing)),
        };
    };
    let line = bytes.get(..=end).unwrap_or_default();
    let header = v1::Header::try_from(line).map_err(|error| wrong(&error))?;
    if header.header.len() != line.len() {
        return Err(ProxyError::Wrong("its line ends with LF alone".to_owned()));
    }
    let (client, server): (SocketAddr, SocketAddr) = match header.addresses {
        v1::Addresses::Unknown => return Ok(HeaderStep::Whole(Box::default(), line.len())),
        v1::Addresses::Tcp4(a) => {
            ((a.source_address, a.source_port).into(), (a.destination_address, a.destination_port).into())
        }
        v1::Addresses::Tcp6(a) => {
            ((a.source_address, a.source_port).into(), (a.destination_address, a.destination_port).into())
        }
    };
    Ok(HeaderStep::Whole(Box::new(ProxyInfo::new(client, server)), line.len()))
}

/// Returns how many bytes are missing to the end of an unfinished line, at least: the rest of the field that has begun,
/// each later field in its shortest form, and CR LF. So a line takes few reads, and no read goes beyond it.
fn missing_of_line(line: &[u8]) -> usize {
    let least: &[usize] = match () {
        () if line.starts_with(b"PROXY TCP4 ") => &[5, 4, 7, 7, 1, 1],
        () if line.starts_with(b"PROXY TCP6 ") => &[5, 4, 2, 2, 1, 1],
        () => &[],
    };
    let begun = line.split(|byte| *byte == b' ').count();
    let last = line.rsplit(|byte| *byte == b' ').next().map_or(0, <[u8]>::len);
    let of_last = least.get(begun - 1).map_or(0, |least| least.saturating_sub(last));
    let of_later: usize = least.iter().skip(begun).map(|least| least + 1).sum();
    let of_end = if line.ends_with(b"\r") { 1 } else { 2 };
    (of_last + of_later + of_end).max(SHORTEST_LINE.saturating_sub(line.len()))
}

fn read_binary(bytes: &[u8], max: usize) -> Result<HeaderStep, ProxyError> {
    let Some(&[.., high, low]) = bytes.first_chunk::<FIXED>() else {
        // The shortest header of version 1 is shorter, but these bytes are of version 2.
        let is_known = bytes.first() == PROTOCOL_PREFIX.first();
        let least = if is_known { FIXED } else { SHORTEST_LINE };
        return Ok(HeaderStep::Missing(least - bytes.len()));
    };
    let len = FIXED + usize::from(u16::from_be_bytes([high, low]));
    if len > max {
        return Err(ProxyError::TooLong { len, max });
    }
    let Some(whole) = bytes.get(..len) else { return Ok(HeaderStep::Missing(len - bytes.len())) };
    let header = v2::Header::try_from(whole).map_err(|error| wrong(&error))?;
    Ok(HeaderStep::Whole(Box::new(info(&header)?), len))
}

fn info(header: &v2::Header<'_>) -> Result<ProxyInfo, ProxyError> {
    let mut info = ProxyInfo::default();
    // A proxy that connects for itself may say more, which is about itself.
    if header.command == Command::Local {
        return Ok(info);
    }
    if header.protocol == Protocol::Stream {
        (info.client, info.server) = match header.addresses {
            v2::Addresses::IPv4(a) => (
                Some((a.source_address, a.source_port).into()),
                Some((a.destination_address, a.destination_port).into()),
            ),
            v2::Addresses::IPv6(a) => (
                Some((a.source_address, a.source_port).into()),
                Some((a.destination_address, a.destination_port).into()),
            ),
            v2::Addresses::Unspecified | v2::Addresses::Unix(_) => (None, None),
        };
    }
    for value in header.tlvs() {
        let value = value.map_err(|error| wrong(&error))?;
        match value.kind {
            kind if kind == Type::ALPN as u8 => info.alpn = Some(value.value.into_owned()),
            kind if kind == Type::Authority as u8 => info.authority = Some(text(&value.value)),
            kind if kind == Type::UniqueId as u8 => info.unique_id = Some(value.value.into_owned()),
            kind if kind == Type::SSL as u8 => info.tls = tls(&value.value)?,
            _ => {}
        }
    }
    Ok(info)
}

/// The bits of the field `client` of `PP2_TYPE_SSL`.
pub(super) const USES_TLS: u8 = 1;
pub(super) const HAS_CERTIFICATE: u8 = 2 | 4;

fn tls(value: &[u8]) -> Result<Option<ProxiedTls>, ProxyError> {
    let Some((&[client, a, b, c, d], values)) = value.split_first_chunk() else {
        return Err(ProxyError::Wrong(format!("PP2_TYPE_SSL has {} bytes, and it has at least 5", value.len())));
    };
    if client & USES_TLS == 0 {
        return Ok(None);
    }
    let has_certificate = client & HAS_CERTIFICATE != 0;
    let is_verified = has_certificate && [a, b, c, d] == [0; 4];
    let mut tls = ProxiedTls { has_certificate, is_verified, ..ProxiedTls::default() };
    for value in TypeLengthValues::from(values) {
        let value = value.map_err(|error| wrong(&error))?;
        match value.kind {
            kind if kind == Type::SSLVersion as u8 => tls.version = Some(text(&value.value)),
            kind if kind == Type::SSLCommonName as u8 => tls.common_name = Some(text(&value.value)),
            kind if kind == Type::SSLCipher as u8 => tls.cipher = Some(text(&value.value)),
            _ => {}
        }
    }
    Ok(Some(tls))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn wrong(error: &dyn std::error::Error) -> ProxyError {
    ProxyError::Wrong(error.to_string().trim_end_matches('.').to_owned())
}

#[cfg(test)]
mod tests;
