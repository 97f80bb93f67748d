//! Runs the seeds and the corpus on any toolchain, so that every body and every input stays valid between two runs of
//! the fuzzer.

use std::fs;
use std::path::Path;

type Body = fn(&[u8]);

const TARGETS: &[(&str, Body)] = &[
    ("admission", framelink_transport::fuzz::admission),
    ("bcd", framelink_bcd::fuzz::bcd),
    ("dialogue", framelink_session::fuzz::dialogue),
    ("heartbeat", framelink_heartbeat::fuzz::forms),
    ("heartbeat_notation", framelink_heartbeat::fuzz::notation),
    ("in_flight", framelink_session::fuzz::in_flight),
    ("lending", framelink_transport::fuzz::lending),
    ("length_header", framelink_length::fuzz::header),
    ("length_round_trip", framelink_length::fuzz::round_trip),
    ("liveness", framelink_heartbeat::fuzz::liveness),
    ("matching", framelink_template::fuzz::matching),
    ("memory", framelink_session::fuzz::memory),
    ("notation", framelink_profile::fuzz::notation),
    ("outbox", framelink_session::fuzz::outbox),
    ("profile", framelink_profile::fuzz::profile),
    ("progress", framelink_transport::fuzz::progress),
    ("proxy_header", framelink_transport::fuzz::proxy_header),
    ("pulse", framelink_session::fuzz::liveness),
    ("replies", framelink_session::fuzz::replies),
    ("reply_rules", framelink_session::fuzz::reply_rules),
    ("session", framelink_session::fuzz::session::<framelink_profile::Framing>),
    ("template", framelink_template::fuzz::template),
    ("tls", framelink_transport::fuzz::tls),
    ("unframed_bytes", framelink_unframed::fuzz::any_bytes),
    ("unframed_round_trip", framelink_unframed::fuzz::round_trip),
    ("upstream", framelink_transport::fuzz::upstream),
];

#[test]
fn every_seed_passes_and_so_do_its_beginnings() {
    for (target, body) in TARGETS {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
        let mut count = 0;
        for seed in fs::read_dir(seeds).unwrap() {
            let data = fs::read(seed.unwrap().path()).unwrap();
            for len in 0..=data.len() {
                body(&data[..len]);
            }
            count += 1;
        }
        assert!(count > 0, "{target} has seeds");
    }
}

#[test]
fn every_input_of_the_corpus_passes() {
    for (target, body) in TARGETS {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
        let mut count = 0;
        for input in fs::read_dir(corpus).unwrap() {
            body(&fs::read(input.unwrap().path()).unwrap());
            count += 1;
        }
        assert!(count > 0, "{target} has a corpus");
    }
}

#[test]
fn every_target_has_its_seeds_here() {
    let targets = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz_targets");
    let mut names: Vec<_> = fs::read_dir(targets)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, TARGETS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
}
