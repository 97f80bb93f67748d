//! The bodies of the fuzz targets hold on inputs that are alike at every run.

use framelink_heartbeat::fuzz::{forms, liveness, notation};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn the_machine_holds_its_bound(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        liveness(&bytes);
    }

    #[test]
    fn forms_recognise_what_they_make(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        forms(&bytes);
    }

    #[test]
    fn notations_round_trip(text in "(empty|literal|numbered|pattern|smpp|mqtt|iec104|iso8583|diameter)(:[0-9a-f.]{0,20})?(,(answered|mark|answer|number|by|interval|timeout|tries|life)(=[0-9a-z:]{0,9})?){0,4}") {
        notation(text.as_bytes());
    }

    #[test]
    fn notations_of_templates_round_trip(text in "(smpp|pattern:'(text|hex):[0-9]{0,2}00(\\{(number:[1-9](,bcd)?|env:A|utc:%H|random:2)\\}){0,2}')(,(probe='0:2=(text|hex):[0-9]{2,4}'|probe='len=[0-9]..9'|answer='text:[0-9]{0,3}(\\{request:[0-3]:[1-3]\\})?'|answer=[0-3]:[0-9]{2}|answered-by='(0:1=text:[0-9]|1:2=request|any)'|by=both|tries=2)){0,4}") {
        notation(text.as_bytes());
    }
}
