//! Requests to stop.

use clap::Args;
use tokio::{
    io::AsyncReadExt as _,
    signal::unix::{SignalKind, signal},
};

/// Returns when the process is told to end (SIGTERM, SIGINT).
pub async fn stop() {
    let mut terminate = signal(SignalKind::terminate()).expect("signals can be listened to at start");
    let mut interrupt = signal(SignalKind::interrupt()).expect("signals can be listened to at start");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Returns when standard input closes: the supervisor has ended or asks this process to.
pub async fn stdin_closed() {
    let mut input = tokio::io::stdin();
    let mut buffer = [0; 64];
    while matches!(input.read(&mut buffer).await, Ok(read) if read > 0) {}
}

/// When a program that runs ends.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Until {
    /// End when standard input closes, for programs that start nodes
    #[arg(long, hide = true)]
    until_stdin_closes: bool,
}

impl Until {
    /// Returns when a signal, or whoever started this program, asks it to end.
    pub async fn asked_to_stop(self) {
        let stdin = async {
            if self.until_stdin_closes {
                stdin_closed().await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = stop() => {}
            () = stdin => {}
        }
    }
}
