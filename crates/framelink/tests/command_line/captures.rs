//! Streams of real protocols: if there is a folder of captures beside the project, each capture has the frames that its
//! list names.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::common::{Running, framelink};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures")
}

#[test]
fn every_capture_is_cut_into_the_frames_that_its_list_names() {
    let Ok(cases) = std::fs::read_to_string(folder().join("cases.json")) else {
        eprintln!("left out: there is no folder of captures beside the project");
        return;
    };
    let cases: Vec<Value> = serde_json::from_str(&cases).unwrap();
    assert!(!cases.is_empty(), "a list of captures that is empty");
    for case in &cases {
        check(case);
    }
}

fn check(case: &Value) {
    let name = case["file"].as_str().expect("a file");
    let framing = case["framing"].as_str().expect("a framing");
    let skip = case["skip"].as_u64().expect("bytes to skip");
    let tail = case["tail"].as_u64().expect("a tail");
    let frames = case["frames"].as_array().expect("lengths of frames");
    let path = folder().join(name);
    let path = path.to_str().expect("a path that is text");

    let skip_text = skip.to_string();
    let arguments = ["inspect", "--json", "--framing", framing, "--skip", &skip_text, path];
    let done = Running::run(&mut framelink(arguments));
    let lines: Vec<Value> =
        done.stdout.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    let got: Vec<&Value> = lines.iter().filter_map(|line| line.get("frame_len")).collect();
    assert_eq!(got, frames.iter().collect::<Vec<_>>(), "{name}: the frames, {}", done.stderr);

    let mut offset = skip;
    for line in &lines[..frames.len()] {
        assert_eq!(line["offset"], offset, "{name}: where a frame begins");
        offset += line["frame_len"].as_u64().expect("a length");
    }
    let got_tail = lines.get(frames.len()).map_or(0, |line| line["tail"].as_u64().expect("a tail"));
    assert_eq!(got_tail, tail, "{name}: the tail");
    assert_eq!(done.code, Some(i32::from(tail > 0)), "{name}: the exit code");
    let bytes = std::fs::metadata(path).expect("a capture").len();
    assert_eq!(offset + tail, bytes, "{name}: every byte is accounted for");
}
