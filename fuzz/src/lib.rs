//! The harness of the fuzz targets. Each target is a function of a crate, run by libFuzzer or on files.
//!
//! ```text
//!   cargo +nightly fuzz run bcd               finds inputs on which the body panics
//!   cargo run -p framelink-fuzz --bin bcd -- FILE …     runs the body on these files, on any toolchain
//! ```

use std::env;
use std::fs;
use std::process::ExitCode;

/// Makes a fuzz target of a body, a `fn(&[u8])` that panics if an invariant does not hold.
#[macro_export]
macro_rules! target {
    ($body:path) => {
        #[cfg(fuzzing)]
        libfuzzer_sys::fuzz_target!(|data: &[u8]| $body(data));

        #[cfg(not(fuzzing))]
        fn main() -> std::process::ExitCode {
            $crate::replay($body)
        }
    };
}

/// Runs a body on the files that the command line names. Prints each name first, and ends with the first panic.
pub fn replay(body: fn(&[u8])) -> ExitCode {
    let files = env::args_os().skip(1);
    if files.len() == 0 {
        eprintln!("usage: name the files to run this target on");
        return ExitCode::from(2);
    }
    for file in files {
        let name = file.display();
        match fs::read(&file) {
            Ok(data) => {
                eprintln!("{name}: {} bytes", data.len());
                body(&data);
            }
            Err(error) => {
                eprintln!("{name}: {error}");
                return ExitCode::from(2);
            }
        }
    }
    ExitCode::SUCCESS
}
