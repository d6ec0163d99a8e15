//! What the programs have in common as programs: exit codes, options, configuration, signals, sockets, random secrets.
//!
//! Deliberately not here: logs, metrics and health (`plenary-telemetry`), and what any program is about.

pub mod addresses;
pub mod config;
pub mod options;
pub mod ports;
pub mod secret;
pub mod signals;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::process::ExitCode;

/// Something that the person who starts the program can change; exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(String);

impl UsageError {
    /// With this sentence.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The error with its causes, in one line.
    pub fn caused(error: impl Into<anyhow::Error>) -> Self {
        Self(format!("{:#}", error.into()))
    }
}

/// The disk did not keep what was written. Starting again by itself would trust a cache that holds what the disk
/// does not; exit code 3.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UnsafeDisk(pub String);

/// Writes a line to standard output; a closed pipe is no reason to end a server.
pub fn say(text: &str) {
    use std::io::Write as _;
    writeln!(std::io::stdout(), "{text}").ok();
}

/// Ends a program: says what went wrong, and with which exit code.
pub fn end(program: &str, done: anyhow::Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{program}: {error:#}");
            let usage = error.chain().any(|cause| cause.is::<UsageError>());
            let unsafe_disk = error.chain().any(|cause| cause.is::<UnsafeDisk>());
            ExitCode::from(match (usage, unsafe_disk) {
                (true, _) => 2,
                (_, true) => 3,
                _ => 1,
            })
        }
    }
}

/// Does what a command does, with the runtime of the process.
///
/// # Errors
/// Those of the work, or when the system gives no threads.
pub fn with_runtime(work: impl FnOnce(&tokio::runtime::Runtime) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = work(&runtime);
    // Threads that still read standard input are not waited for.
    runtime.shutdown_background();
    done
}

/// Takes as many file descriptors as the system allows; says how many.
pub fn descriptors() -> u64 {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return 1_024;
    };
    if soft < hard && setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok() {
        return hard;
    }
    soft
}
