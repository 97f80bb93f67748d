//! The bodies of the fuzz targets hold on inputs that are alike at every run.

use framelink_template::fuzz::{matching, template};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn templates_round_trip_and_keep_their_bounds(
        text in "(text|hex):([0-9a-z ]{0,4}|\\\\x[0-9a-f]{2}|\\\\[{}n'\\\\]|[,.'\"é]|\\{(number:[0-9]{1,2}(,(bcd|hex|of=[a-b]))?|utc:[%YmdHS3f,']{1,9}(,ebcdic)?|local:\"%H,%M\"|request(:[0-9]{1,2}:[0-9]{1,2})?|random:[1-9](,binary)?|env:A|length:[1-4](,(binary|binary-le))?,of=(all|rest|p|q)|pad:[0-9]{1,2}|part:[pq]|end)\\}){0,8}",
        rest in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        template(&[text.as_bytes(), b"\n", &rest].concat());
    }

    #[test]
    fn matches_round_trip_and_explain_themselves(
        tests in proptest::collection::vec(
            "([0-3]:[1-3](&[0-9a-f]{2,4})?|len)!?=(text:[a-c.\\\\|>]{1,3}|hex:([0-9a-f]{2}){1,3}|text:[a-c]..[a-c]|[0-9]{1,2}|[0-9]..[0-9]|odd|even|request(:[0-3]:[1-3])?|map:([a-c]>[a-c]|hex:[0-9a-f]{2}>[0-9a-f]{2})|map:a>b\\|b>c)",
            1..4,
        ),
        message in "[a-c]{0,6}",
        request in "[a-c]{0,6}",
    ) {
        matching(&[tests.join(",").as_bytes(), b"\n", message.as_bytes(), b"\n", request.as_bytes()].concat());
    }

    #[test]
    fn any_text_is_accepted_or_refused_at_a_column(text in ".{0,40}") {
        template(text.as_bytes());
        template(&[b"text:", text.as_bytes()].concat());
        matching(text.as_bytes());
        matching(&[b"0:1=", text.as_bytes()].concat());
    }
}
