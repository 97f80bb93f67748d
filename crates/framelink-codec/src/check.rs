//! Invariants of every framing, as functions for tests and fuzz targets. They panic if an invariant does not hold.

use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt::{Debug, Display};
use core::str::FromStr;

use crate::notation::NotationError;
use crate::{Codec, Decode, Decoded, Encode, End, Ends, Envelope, Fault, Frame};

/// Checks one vector of a framing whose frames end by themselves: the encoder writes it (unless `read_only`), and the
/// decoder reads it whole, cut at every byte, and followed by other bytes.
///
/// # Panics
/// If one of these does not hold. The message contains `name`.
pub fn vector<F: Decode + Encode>(framing: &F, name: &str, wire: &[u8], payload: &[u8], read_only: bool) {
    if !read_only {
        assert_eq!(write(framing, payload), wire, "{name}: written");
    }
    if let Some(shortcut) = framing.whole_frame(wire) {
        assert_eq!(frame(framing, wire, None), Some(shortcut), "{name}: by the shortcut");
    }
    let whole = frame(framing, wire, None).unwrap_or_else(|| panic!("{name}: in one piece"));
    assert_eq!((whole.payload(wire), whole.frame_len), (payload, wire.len()), "{name}: in one piece");
    for cut in 0..wire.len() {
        let got = framing.decode(&wire[..cut], 0, None);
        assert!(matches!(got, Ok(Decoded::Incomplete(_))), "{name}: first {cut} bytes: {got:?}");
    }
    let trailed = [wire, b"next"].concat();
    assert_eq!(frame(framing, &trailed, None), Some(whole), "{name}: with bytes behind it");
    assert_eq!(read(framing, &trailed, &[1]).0.first().map(Vec::as_slice), Some(payload), "{name}: byte by byte");
}

/// Checks that `wire` is refused with these words in the message, also if it arrives byte by byte.
///
/// # Panics
/// If it is not. The message contains `name`.
pub fn rejected<F: Decode>(framing: &F, name: &str, wire: &[u8], words: &str) {
    let error = framing.decode(wire, 0, None).expect_err(name);
    let text = alloc::format!("{error}");
    assert!(text.contains(words), "{name}: {text:?} does not say {words:?}");
    let fault = read(framing, wire, &[1]).1;
    assert!(
        matches!(fault, Some(Fault::Wrong { error: again, .. }) if again == error),
        "{name}: byte by byte it is {fault:?}"
    );
}

/// Checks that every payload that the framing accepts is decoded again, in chunks of any sizes.
///
/// # Panics
/// If a payload is not.
pub fn round_trip<F: Decode + Encode>(framing: &F, payloads: &[&[u8]], chunks: &[usize]) {
    let mut wire = Vec::new();
    let mut sent = Vec::new();
    for &payload in payloads {
        let Ok(envelope) = framing.envelope(payload) else {
            assert_eq!(framing.short_head(payload.len()), None, "the shortcut refuses this payload too");
            let mut appended = Vec::from([7]);
            assert!(framing.append_frame(payload, &mut appended).is_err() && appended == [7], "nothing is appended");
            continue;
        };
        check_short_head(framing, payload, &envelope);
        wire.extend_from_slice(envelope.head.as_ref());
        wire.extend_from_slice(payload);
        wire.extend_from_slice(envelope.suffix.as_ref());
        sent.push(payload.to_vec());
        // These messages end with silence, a read or the close, which bytes cannot show.
        if framing.ends() != Ends::Itself {
            break;
        }
    }
    // With `each-read`, each chunk would be a message.
    let chunks = if matches!(framing.ends(), Ends::Read(_)) { &[usize::MAX] } else { chunks };
    let (messages, fault) = read(framing, &wire, chunks);
    assert_eq!(fault, None, "what the encoder wrote is read");
    assert!(messages == sent, "what was sent is what was read");
}

/// Checks a decoder on any bytes: chunking changes nothing, no frame is outside the input, and each
/// [`Need`](crate::Need) is true.
///
/// # Panics
/// If one of these does not hold.
pub fn any_bytes<F: Decode>(framing: &F, input: &[u8], chunks: &[usize]) {
    let _ = framing.guess(input);
    if matches!(framing.ends(), Ends::Read(_)) {
        let _ = read(framing, input, chunks);
        return;
    }
    let whole = read(framing, input, &[usize::MAX]);
    for chunks in [&[1], chunks] {
        let (messages, fault) = read(framing, input, chunks);
        assert!(messages == whole.0, "chunking changes no message");
        assert_eq!(without_guess(fault), without_guess(whole.1), "chunking changes no fault");
    }
}

/// Reads a stream up to its close. The sizes in `chunks` are used in turn, again and again. Returns the messages, and
/// the fault that ended the stream, if any.
///
/// # Panics
/// If the results of the decoder are inconsistent.
pub fn read<F: Decode>(framing: &F, stream: &[u8], chunks: &[usize]) -> (Vec<Vec<u8>>, Option<Fault<F::Error>>) {
    let mut codec = Codec::new(framing);
    let mut messages = Vec::new();
    let (mut start, mut came, mut needed) = (0, 0, 0);
    let mut sizes = chunks.iter().copied().cycle();
    let after_read = matches!(framing.ends(), Ends::Read(_)).then_some(End::Read);
    loop {
        let size = sizes.next().unwrap_or(1).clamp(1, stream.len() - came + 1);
        let closed = came == stream.len();
        came = stream.len().min(came + size);
        let end = if closed { Some(End::Closed) } else { after_read };
        while start < came {
            let input = &stream[start..came];
            if let Some(frame) = framing.whole_frame(input) {
                assert_eq!(framing.decode(input, 0, None), Ok(Decoded::Frame(frame)), "the shortcut of {input:02x?}");
            }
            match codec.cut(input, end) {
                Ok(Decoded::Frame(frame)) => {
                    assert!(end.is_some() || input.len() >= needed, "a message came before what was needed");
                    needed = 0;
                    assert!(frame.frame_len > 0 && frame.frame_len <= input.len(), "{frame:?} of {}", input.len());
                    assert!(frame.payload_start <= frame.payload_end && frame.payload_end <= frame.frame_len);
                    messages.push(frame.payload(input).to_vec());
                    start += frame.frame_len;
                }
                Ok(Decoded::Incomplete(need)) => {
                    assert!(need.missing > 0 && need.looked_at <= input.len(), "{need:?} of {}", input.len());
                    needed = needed.max(input.len() + need.missing);
                    break;
                }
                Err(fault) => {
                    assert_eq!(codec.cut(b"", None), Err(fault), "a decoder stays in its first fault");
                    return (messages, Some(fault));
                }
            }
        }
        if closed {
            return (messages, None);
        }
    }
}

/// Checks any text as a notation: an accepted text prints a normal form that parses to an equal value, and an error
/// points into the text.
///
/// # Panics
/// If that does not hold.
pub fn notation<F>(text: &[u8])
where
    F: FromStr<Err = NotationError> + Display + Debug + PartialEq,
{
    let Ok(text) = core::str::from_utf8(text) else { return };
    match text.parse::<F>() {
        Ok(framing) => {
            let normal = alloc::format!("{framing}");
            assert_eq!(normal.parse(), Ok(framing), "{text:?} prints as {normal:?}");
        }
        Err(error) => {
            let columns = text.chars().count() + 1;
            assert!(error.column() >= 1 && error.column() + error.len() <= columns + 1, "{text:?}: {error:?}");
            assert!(!error.message().is_empty());
        }
    }
}

/// Runs the body of a fuzz target on fixed inputs of 0 to 63 bytes. `pick` makes each byte from the round, the position
/// and a pseudorandom byte.
pub fn pseudo_random(rounds: usize, pick: impl Fn(usize, usize, u8) -> u8, body: impl Fn(&[u8])) {
    // Knuth's linear congruential generator (MMIX). Its high bits are good.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut input = Vec::new();
    for round in 0..rounds {
        input.clear();
        for place in 0..round % 64 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let [high, ..] = state.to_be_bytes();
            input.push(pick(round, place, high));
        }
        body(&input);
    }
}

/// Runs the body of a fuzz target that drives a state machine on `rounds` fixed short inputs. Eight inputs are joined
/// into one, because a machine may show a fault only after many steps.
pub fn any_steps(rounds: usize, body: fn(&[u8])) {
    let joined = RefCell::new(Vec::new());
    pseudo_random(
        rounds,
        |_, _, byte| byte,
        |bytes| {
            let mut joined = joined.borrow_mut();
            joined.extend_from_slice(bytes);
            if bytes.len() % 8 == 7 {
                body(&joined);
                joined.clear();
            }
        },
    );
}

/// Writes one message.
///
/// # Panics
/// If the framing refuses the payload.
pub fn write<F: Encode>(framing: &F, payload: &[u8]) -> Vec<u8> {
    let envelope = framing.envelope(payload).expect("a payload that can be sent");
    check_short_head(framing, payload, &envelope);
    let wire = [envelope.head.as_ref(), payload, envelope.suffix.as_ref()].concat();
    let mut appended = Vec::from([7]);
    assert!(framing.append_frame(payload, &mut appended).is_ok());
    assert_eq!(appended.get(1..), Some(&wire[..]), "the appended frame is equal");
    wire
}

/// Checks that the shortcut returns the head of the envelope, or nothing.
fn check_short_head<F: Encode>(framing: &F, payload: &[u8], envelope: &Envelope) {
    if let Some(head) = framing.short_head(payload.len()) {
        assert_eq!(head.bytes.get(..usize::from(head.len)), Some(envelope.head.as_ref()));
        assert!(envelope.suffix.is_empty() && !envelope.ends_stream);
    }
}

fn frame<F: Decode>(framing: &F, input: &[u8], end: Option<End>) -> Option<Frame> {
    match framing.decode(input, 0, end) {
        Ok(Decoded::Frame(frame)) => Some(frame),
        _ => None,
    }
}

fn without_guess<E>(fault: Option<Fault<E>>) -> Option<Fault<E>> {
    fault.map(|fault| match fault {
        Fault::Wrong { error, .. } => Fault::Wrong { error, guess: None },
        Fault::Truncated { came, missing, .. } => Fault::Truncated { came, missing, guess: None },
    })
}
