//! Returns free memory to the system.

/// Blocks of this many bytes or more go back to the system when they are free. It is glibc's own initial value.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const THRESHOLD: &str = "131072";

/// Makes glibc return the memory of closed connections.
///
/// When a large block is freed, glibc raises its threshold to the size of that block, and keeps later blocks up to that
/// size: four rounds of 300 clients with 8 MiB each left hundreds of MiB. A threshold from the environment is never
/// raised, but it must be set before the program starts (other ways need `unsafe`). So the program executes itself
/// again, in this process. If that fails, it only uses more memory. A variable that is set keeps its value.
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
        // `exec` returns only if it fails.
        let _ = Command::new(program).arg0(name).args(arguments).env(NAME, THRESHOLD).exec();
    }
}

/// Other systems return the memory without help.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) const fn give_back() {}
