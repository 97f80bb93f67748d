//! Properties of any framing, any payloads and any bytes.

use std::time::Duration;

use framelink_codec::{Encode, check};
use framelink_unframed::{Unframed, UnframedBuilder};
use proptest::prelude::*;

/// Bytes of a few values, so that payloads contain delimiters, and delimiters overlap themselves.
fn letters(len: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(&b"ab\r\n"[..]), len)
}

fn builder() -> impl Strategy<Value = UnframedBuilder> {
    prop_oneof![
        Just(Unframed::until_close()),
        (1_u64..200_000).prop_map(|millis| Unframed::quiet(Duration::from_millis(millis))),
        Just(Unframed::each_read()),
        (1_usize..20).prop_map(Unframed::fixed),
        any::<bool>().prop_map(|alone| Unframed::line().lf_alone(alone)),
        letters(1..17).prop_map(|end| Unframed::delimited(&end)),
        letters(1..4).prop_map(|end| Unframed::delimited(&end)),
        (letters(1..17), letters(1..17)).prop_map(|(start, end)| Unframed::between(&start, &end)),
        (letters(1..3), letters(1..4)).prop_map(|(start, end)| Unframed::between(&start, &end)),
    ]
}

fn framing() -> impl Strategy<Value = Unframed> {
    (builder(), prop::option::of(0_usize..40)).prop_filter_map("no frame can exist", |(builder, max)| {
        max.map_or(builder, |max| builder.max(max)).build().ok()
    })
}

fn chunks() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(1_usize..20, 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    /// Every payload that the encoder accepts is decoded again.
    #[test]
    fn sent_payloads_are_read_again(
        framing in framing(),
        payloads in prop::collection::vec(letters(0..40), 0..8),
        chunks in chunks(),
    ) {
        let payloads: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
        check::round_trip(&framing, &payloads, &chunks);
    }

    /// A payload that the encoder refuses because of its bytes would not be decoded again.
    #[test]
    fn refused_payloads_could_not_be_read(delimiter in letters(1..5), payload in letters(0..20)) {
        let framing = Unframed::delimited(&delimiter).build().unwrap();
        let wire = [&payload[..], &delimiter].concat();
        let (messages, _) = check::read(&framing, &wire, &[usize::MAX]);
        prop_assert_eq!(framing.envelope(&payload).is_ok(), messages.first() == Some(&payload));
    }

    /// Chunks of other sizes change no message and no fault.
    #[test]
    fn any_chunking_gives_the_same_messages(framing in framing(), stream in letters(0..120), chunks in chunks()) {
        check::any_bytes(&framing, &stream, &chunks);
    }

    /// The same for whole frames followed by other bytes.
    #[test]
    fn any_chunking_gives_the_same_messages_before_a_fault(
        framing in framing(),
        payloads in prop::collection::vec(letters(0..20), 0..5),
        behind in letters(0..50),
        chunks in chunks(),
    ) {
        let mut stream = Vec::new();
        for payload in &payloads {
            if framing.envelope(payload).is_ok() {
                stream.extend(check::write(&framing, payload));
            }
        }
        stream.extend(behind);
        check::any_bytes(&framing, &stream, &chunks);
    }

    /// A printed framing parses to an equal value.
    #[test]
    fn display_then_parse_is_the_identity(framing in framing()) {
        prop_assert_eq!(framing.to_string().parse(), Ok(framing));
    }
}
