//! Properties of every framing that can be built.

use framelink_codec::{FrameReader, FrameWriter, check, read_message, write_message};
use framelink_length::{
    Counts, Decode, DecodeError, Decoded, Encode, EncodeError, Field, Frames, Length, LengthBuilder, parser,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::{option, sample};

/// The options of a framing, for a builder and for a notation.
#[derive(Clone, Debug)]
struct Options {
    field: Field,
    at: Option<usize>,
    prefix: Vec<u8>,
    mask: Option<u64>,
    gap: Option<usize>,
    infix: Vec<u8>,
    tail: Option<usize>,
    suffix: Vec<u8>,
    counts: Counts,
    zero: bool,
    keep: bool,
    lower: bool,
    max: Option<usize>,
}

impl Options {
    fn builder(&self) -> LengthBuilder {
        let mut builder = Length::builder(self.field)
            .prefix(self.prefix.as_slice())
            .infix(self.infix.as_slice())
            .suffix(self.suffix.as_slice())
            .counts(self.counts)
            .zero_is_empty(self.zero)
            .keep_header(self.keep)
            .lower_case(self.lower);
        builder = self.at.into_iter().fold(builder, LengthBuilder::at);
        builder = self.mask.into_iter().fold(builder, LengthBuilder::mask);
        builder = self.gap.into_iter().fold(builder, LengthBuilder::gap);
        builder = self.tail.into_iter().fold(builder, LengthBuilder::tail);
        self.max.into_iter().fold(builder, LengthBuilder::max)
    }

    fn build(&self) -> Length {
        self.builder().build().expect("a strategy of framings that build")
    }

    /// The options in the notation, without an order.
    fn notation(&self) -> Vec<String> {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let some = |name: &str, value: Option<String>| value.map(|value| format!("{name}={value}"));
        let fixed = |name: &str, bytes: &[u8]| (!bytes.is_empty()).then(|| format!("{name}={}", hex(bytes)));
        let flag = |name: &str, set: bool| set.then(|| name.to_owned());
        let digits = self.field.most_bytes() * 2;
        [
            some("at", self.at.map(|len| len.to_string())),
            fixed("prefix", &self.prefix),
            some("mask", self.mask.map(|mask| format!("{mask:0digits$x}"))),
            some("gap", self.gap.map(|len| len.to_string())),
            fixed("infix", &self.infix),
            some("tail", self.tail.map(|len| len.to_string())),
            fixed("suffix", &self.suffix),
            match self.counts {
                Counts::Rest => None,
                Counts::Payload => Some("counts=payload".to_owned()),
                Counts::Itself => Some("counts=self".to_owned()),
                Counts::Frame => Some("counts=frame".to_owned()),
                Counts::Adjust(by) => Some(format!("adjust={by:+}")),
                other => panic!("{other:?} is new"),
            },
            flag("zero=empty", self.zero),
            flag("keep", self.keep),
            flag("lower", self.lower),
            some("max", self.max.map(|max| max.to_string())),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// A payload for each of these lengths above the least. All can be sent; they are whole frames if frames are kept.
    fn messages(&self, lengths: &[usize]) -> Vec<Vec<u8>> {
        let bare = Self { keep: false, ..self.clone() }.build();
        let within = |len: usize| bare.least_payload().saturating_add(len).min(bare.max_payload());
        let payload = |len: usize| (0..=250).cycle().skip(len % 251).take(within(len)).collect::<Vec<u8>>();
        let message = |len| if self.keep { check::write(&bare, &payload(len)) } else { payload(len) };
        lengths.iter().map(|&len| message(len)).collect()
    }
}

fn fields() -> impl Strategy<Value = Field> {
    prop_oneof![
        (1_u8..=8).prop_map(Field::Net),
        (1_u8..=8).prop_map(Field::Le),
        (1_u8..=18).prop_map(Field::Ascii),
        (1_u8..=16).prop_map(Field::Hex),
        (1_u8..=18).prop_map(Field::Ebcdic),
        (1_u8..=9).prop_map(Field::Bcd),
        prop_oneof![0_u8..b'0', b':'..=0xff].prop_map(Field::Decimal),
        Just(Field::Varint),
    ]
}

/// Fixed bytes, and the length of the part that begins with them.
fn part() -> impl Strategy<Value = (Option<usize>, Vec<u8>)> {
    let fixed = || prop_oneof![2 => Just(Vec::new()), 1 => vec(any::<u8>(), 1..6)];
    (fixed(), option::of(0_usize..10)).prop_map(|(fixed, more)| (more.map(|more| fixed.len() + more), fixed))
}

fn counts() -> impl Strategy<Value = Counts> {
    prop_oneof![
        Just(Counts::Rest),
        Just(Counts::Payload),
        Just(Counts::Itself),
        Just(Counts::Frame),
        (-30_i64..30).prop_map(Counts::Adjust),
        (-70_000_i64..70_000).prop_map(Counts::Adjust),
    ]
}

/// Valid options: those that do not go with the others are left out.
fn specs() -> impl Strategy<Value = Options> {
    let max = prop_oneof![Just(None), (0_usize..2000).prop_map(Some), (0_usize..2_000_000).prop_map(Some)];
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (fields(), part(), option::of(0_u32..64), part(), part(), counts(), flags, max).prop_filter_map(
        "a framing that builds",
        |(field, (at, prefix), bits, (gap, infix), (tail, suffix), counts, (zero, keep, lower), max)| {
            let mask = bits.map(|bits| u64::MAX >> bits & field.largest());
            let mask = mask.filter(|_| matches!(field, Field::Net(_) | Field::Le(_)));
            let lower = lower && matches!(field, Field::Hex(_));
            let mut options =
                Options { field, at, prefix, mask, gap, infix, tail, suffix, counts, zero, keep, lower, max };
            loop {
                match options.builder().build().err().map(|error| error.option()) {
                    None => return Some(options),
                    Some(Some("zero")) => options.zero = false,
                    Some(Some("max")) if options.max.is_some() => options.max = None,
                    Some(_) => return None,
                }
            }
        },
    )
}

/// Bytes of which about half look like a header.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        3 => 0_u8..12,
        2 => b'0'..=b'9',
        1 => 0xf0_u8..=0xf9,
        1 => Just(b':'),
        2 => any::<u8>(),
    ];
    vec(byte, 0..120)
}

fn chunks() -> impl Strategy<Value = Vec<usize>> {
    vec(1_usize..40, 1..6)
}

fn wire(length: &Length, messages: &[Vec<u8>]) -> Vec<u8> {
    messages.iter().flat_map(|message| check::write(length, message)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Payloads within the limits can be sent, and are decoded unchanged.
    #[test]
    fn sent_payloads_are_decoded_unchanged(spec in specs(), lengths in vec(0_usize..700, 0..6), chunks in chunks()) {
        let length = spec.build();
        let messages = spec.messages(&lengths);
        let (read, fault) = check::read(&length, &wire(&length, &messages), &chunks);
        prop_assert_eq!(fault, None);
        prop_assert!(read == messages, "{} messages came back as {}", messages.len(), read.len());
    }

    /// Chunks of any sizes give equal messages and an equal fault, for good and bad streams.
    #[test]
    fn chunks_change_nothing(
        spec in specs(),
        lengths in vec(0_usize..60, 0..4),
        behind in noise(),
        change in option::of((any::<sample::Index>(), any::<u8>())),
        chunks in chunks(),
    ) {
        let length = spec.build();
        let mut stream = wire(&length, &spec.messages(&lengths));
        stream.extend(behind);
        if let (Some((at, byte)), false) = (change, stream.is_empty()) {
            let at = at.index(stream.len());
            stream[at] = byte;
        }
        stream.truncate(3000);
        check::any_bytes(&length, &stream, &chunks);
    }

    /// No frame is outside the input.
    #[test]
    fn no_frame_is_outside_the_input(spec in specs(), lengths in vec(0_usize..60, 0..3), behind in noise()) {
        let length = spec.build();
        let stream = [wire(&length, &spec.messages(&lengths)), behind].concat();
        let mut frames = Frames::new(&length, &stream);
        let mut consumed = 0;
        while let Some(Ok(frame)) = frames.next() {
            prop_assert_eq!(frame.offset, consumed);
            prop_assert!(!frame.wire.is_empty() && frame.wire == &stream[consumed..consumed + frame.wire.len()]);
            consumed += frame.wire.len();
            prop_assert_eq!((frames.offset(), frames.rest()), (consumed, &stream[consumed..]));
        }
        prop_assert!(consumed >= wire(&length, &spec.messages(&lengths)).len());
        if let Ok(Decoded::Incomplete(need)) = length.decode(frames.rest(), 0, None) {
            prop_assert!(need.missing > 0 && need.looked_at <= frames.rest().len());
        }
    }

    /// The encoder accepts a payload if and only if the decoder accepts the header that announces it.
    #[test]
    fn both_directions_have_the_same_limits(spec in specs(), size in 0_usize..3000, around in 0_usize..5) {
        let spec = Options { keep: false, ..spec };
        let length = spec.build();
        // This framing with only the limit of the header.
        let wide = Options { max: None, ..spec.clone() }.build();
        let (least, max) = (length.least_payload(), length.max_payload());
        for size in [size, least + size, (least + around).saturating_sub(2), (max + around).saturating_sub(2)] {
            if size > 300_000 {
                continue;
            }
            let payload = vec![7; size];
            match (length.envelope(&payload), wide.envelope(&payload)) {
                (Ok(envelope), Ok(wide)) => {
                    prop_assert!(envelope == wide && (least..=max).contains(&size));
                    let wire = check::write(&length, &payload);
                    let got = length.decode(&wire, 0, None);
                    prop_assert!(matches!(got, Ok(Decoded::Frame(frame)) if frame.payload_len() == size), "{got:?}");
                }
                (Err(EncodeError::OverLimit { payload_len, limit }), Ok(wide)) => {
                    prop_assert_eq!((payload_len, limit), (size, max));
                    // The gap comes after the number and does not matter here.
                    let refused = Err(DecodeError::OverLimit { announced: size as u64, limit });
                    prop_assert_eq!(length.decode(wide.head.as_ref(), 0, None), refused);
                }
                (Err(EncodeError::TooShort { payload_len, least: said }), Err(_)) => {
                    prop_assert_eq!((payload_len, said), (size, least));
                    prop_assert!(size < least);
                }
                (Err(EncodeError::TooLong { payload_len, most }), Err(_)) => {
                    prop_assert_eq!(payload_len, size);
                    prop_assert!(size > most && max <= most);
                }
                (Err(EncodeError::OverLimit { .. }), Err(EncodeError::OverLimit { .. })) => {
                    prop_assert!(size > max && size > wide.max_payload());
                }
                other => prop_assert!(false, "{} bytes of {}..={}: {:?}", size, least, max, other),
            }
        }
    }

    /// A kept message is accepted if and only if it is one whole frame.
    #[test]
    fn kept_messages_are_checked_like_received_frames(spec in specs(), len in 0_usize..60, behind in noise()) {
        let spec = Options { keep: true, ..spec };
        let length = spec.build();
        let mut message = spec.messages(&[len]).concat();
        message.truncate(3000);
        for message in [&message[..], &message[..message.len() - 1], &[&message[..], &[0]].concat(), &behind] {
            let is_frame = |decoded| matches!(decoded, Decoded::Frame(frame) if frame.frame_len == message.len());
            let is_whole = length.decode(message, 0, None).is_ok_and(is_frame);
            let sent = length.envelope(message);
            prop_assert_eq!(sent.is_ok(), is_whole, "{:02x?}: {:?}", message, sent);
            prop_assert!(sent.is_err() || check::write(&length, message) == message);
        }
    }

    /// A printed framing parses to an equal value and prints unchanged.
    #[test]
    fn the_notation_survives_printing_and_reading(spec in specs()) {
        let length = spec.build();
        let normal = length.to_string();
        prop_assert_eq!(normal.parse(), Ok(length));
        prop_assert_eq!(normal.parse::<Length>().map(|again| again.to_string()), Ok(normal));
    }

    /// In serde, a framing is the string of its notation.
    #[cfg(feature = "serde")]
    #[test]
    fn in_serde_a_framing_is_its_notation(spec in specs()) {
        let length = spec.build();
        let json = serde_json::to_string(&length).unwrap();
        prop_assert_eq!(&json, &format!("\"{length}\""));
        prop_assert_eq!(serde_json::from_str::<Length>(&json).unwrap(), length);
    }

    /// A builder, and a notation with options in any order, give equal framings.
    #[test]
    fn a_builder_and_a_notation_give_equal_framings(
        (spec, options) in specs().prop_flat_map(|spec| {
            let options = spec.notation();
            (Just(spec), Just(options).prop_shuffle())
        })
    ) {
        let notation = [vec![spec.field.to_string()], options].concat().join(",");
        prop_assert_eq!(notation.parse(), Ok(spec.build()), "{}", notation);
    }

    /// All ways to write give equal bytes.
    #[test]
    fn every_way_to_write_gives_equal_bytes(spec in specs(), lengths in vec(0_usize..700, 1..4)) {
        let length = spec.build();
        let messages = spec.messages(&lengths);
        let expected = wire(&length, &messages);
        let mut writer = FrameWriter::new(Vec::new(), length);
        let mut written = Vec::new();
        let (mut framed, mut codec) = (bytes::BytesMut::new(), length.codec());
        for message in &messages {
            writer.write(message).unwrap();
            write_message(&mut written, &length, message).unwrap();
            tokio_util::codec::Encoder::encode(&mut codec, message, &mut framed).unwrap();
        }
        prop_assert!(writer.into_inner() == expected, "FrameWriter");
        prop_assert!(written == expected, "write_message");
        prop_assert!(framed == expected, "Encoder");
    }

    /// All ways to read give equal messages.
    #[test]
    fn every_way_to_read_gives_equal_messages(spec in specs(), lengths in vec(0_usize..700, 1..4)) {
        let length = spec.build();
        let messages = spec.messages(&lengths);
        let stream = wire(&length, &messages);
        let mut frames = Frames::new(&length, &stream);
        let mut reader = FrameReader::new(&stream[..], length);
        let mut one_by_one = &stream[..];
        let (mut framed, mut codec) = (bytes::BytesMut::from(&stream[..]), length.codec());
        let mut parsed = &stream[..];
        for message in &messages {
            prop_assert!(frames.next().unwrap().unwrap().payload == message, "Frames");
            prop_assert!(reader.read().unwrap().unwrap().payload == message, "FrameReader");
            prop_assert!(read_message(&mut one_by_one, &length).unwrap().unwrap() == *message, "read_message");
            let item = tokio_util::codec::Decoder::decode(&mut codec, &mut framed).unwrap().unwrap();
            prop_assert!(item == message, "Decoder");
            let (rest, payload) = parser::frame::<nom::error::Error<_>>(&length)(parsed).unwrap();
            prop_assert!(payload == message, "parser::frame");
            parsed = rest;
        }
        prop_assert!(frames.next().is_none() && reader.read().unwrap().is_none());
        prop_assert!(read_message(&mut one_by_one, &length).unwrap().is_none());
        prop_assert!(framed.is_empty() && parsed.is_empty() && one_by_one.is_empty());
    }
}
