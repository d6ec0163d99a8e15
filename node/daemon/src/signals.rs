//! Requests to stop.

use tokio::{
    io::AsyncReadExt as _,
    signal::unix::{SignalKind, signal},
};

/// Returns when the process is told to end (SIGTERM, SIGINT).
pub(crate) async fn stop() {
    let mut terminate = signal(SignalKind::terminate()).expect("signals can be listened to at start");
    let mut interrupt = signal(SignalKind::interrupt()).expect("signals can be listened to at start");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Returns when standard input closes: the supervisor has ended or asks this process to.
pub(crate) async fn stdin_closed() {
    let mut input = tokio::io::stdin();
    let mut buffer = [0; 64];
    while matches!(input.read(&mut buffer).await, Ok(read) if read > 0) {}
}
