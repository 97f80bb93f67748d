//! Memory that is not needed any more goes back to the system.

/// From this size on memory is taken from the system by itself, and goes back as soon as it is free. It is glibc's own first choice.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const THRESHOLD: &str = "131072";

/// Has glibc give back what connections needed that are closed.
///
/// When large memory is freed, glibc keeps blocks up to that size for itself from then on: four rounds of 300 clients with 8 MiB each left
/// hundreds of MiB. A threshold that is said stays as it is, and it can only be said in the environment, before the program begins (other
/// ways need `unsafe`). So the program begins once more, in the same process. Where that is not possible nothing is lost but memory. A
/// variable that is set already is left as it is.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn give_back() {
    use std::env::{args_os, current_exe, var_os};
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    const NAME: &str = "MALLOC_MMAP_THRESHOLD_";
    if var_os(NAME).is_some() || var_os("GLIBC_TUNABLES").is_some() {
        return;
    }
    let mut arguments = args_os();
    if let (Ok(program), Some(name)) = (current_exe(), arguments.next()) {
        // It returns only where it has failed.
        let _ = Command::new(program).arg0(name).args(arguments).env(NAME, THRESHOLD).exec();
    }
}

/// Other systems do by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) const fn give_back() {}
