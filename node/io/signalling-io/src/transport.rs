//! One WebSocket: reading, writing without waiting, and closing.

use crate::Options;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use futures::{
    SinkExt as _, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use plenary_signalling::Close;
use std::time::Duration;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use tokio_util::task::TaskTracker;

/// Room for what is not kept for acknowledgement: answers to as much as a client may say at once, at most so many.
const ANSWERS: u64 = 1_000;
/// And room for pings.
const BEATS: usize = 100;

/// What a client sent.
#[derive(Debug)]
pub(crate) enum Received {
    Text(Utf8Bytes),
    Binary(usize),
    Control(usize),
    Oversize,
    /// The connection is gone; `left` if the client closed it for good (1000).
    Gone {
        left: bool,
    },
}

/// One WebSocket, its writing half in a task of its own.
pub(crate) struct Transport {
    incoming: SplitStream<WebSocket>,
    outgoing: mpsc::Sender<String>,
    closing: oneshot::Sender<Close>,
    close_wait: Duration,
}

impl Transport {
    pub(crate) fn new(socket: WebSocket, options: &Options, tasks: &TaskTracker) -> Self {
        let (sink, incoming) = socket.split();
        let answers = options.limits.burst_messages.min(ANSWERS) as usize;
        let (outgoing, queue) = mpsc::channel(options.limits.kept_messages.saturating_add(answers + BEATS));
        let (closing, close) = oneshot::channel();
        tasks.spawn(write(
            sink,
            queue,
            close,
            options.write_timeout,
            options.close_wait,
        ));
        Self {
            incoming,
            outgoing,
            closing,
            close_wait: options.close_wait,
        }
    }

    /// Queues a message; false if the client takes them too slowly, or is gone.
    pub(crate) fn send(&self, text: String) -> bool {
        self.outgoing.try_send(text).is_ok()
    }

    /// What comes next. Can be dropped and asked again without losing anything.
    pub(crate) async fn receive(&mut self) -> Received {
        tokio::select! {
            message = self.incoming.next() => read(message),
            () = self.outgoing.closed() => Received::Gone { left: false },
        }
    }

    /// Lets go of a connection that is gone, and answers the client's goodbye if there was one.
    pub(crate) fn finish(self, tasks: &TaskTracker) {
        let Self {
            mut incoming,
            close_wait,
            ..
        } = self;
        tasks.spawn(async move { timeout(close_wait, drain(&mut incoming)).await.ok() });
    }

    /// Says goodbye without making the caller wait.
    pub(crate) fn close(self, close: Close, tasks: &TaskTracker) {
        let Self {
            mut incoming,
            outgoing,
            closing,
            close_wait,
        } = self;
        tracing::debug!(%close, "closing a connection");
        // A writer that has ended cannot say goodbye.
        closing.send(close).ok();
        tasks.spawn(async move {
            outgoing.closed().await;
            // What the client sends until it has heard is read and forgotten: to reset the connection would take the
            // goodbye from it.
            timeout(close_wait, drain(&mut incoming)).await.ok();
        });
    }
}

async fn drain(incoming: &mut SplitStream<WebSocket>) {
    while let Some(Ok(_)) = incoming.next().await {}
}

fn read(message: Option<Result<Message, axum::Error>>) -> Received {
    match message {
        Some(Ok(Message::Text(text))) => Received::Text(text),
        Some(Ok(Message::Binary(bytes))) => Received::Binary(bytes.len()),
        Some(Ok(Message::Ping(bytes) | Message::Pong(bytes))) => Received::Control(bytes.len()),
        Some(Ok(Message::Close(frame))) => Received::Gone {
            left: frame.is_some_and(|frame| frame.code == 1000),
        },
        // The type of the error belongs to a crate that axum does not show.
        Some(Err(error)) if error.to_string().starts_with("Space limit exceeded") => Received::Oversize,
        Some(Err(_)) | None => Received::Gone { left: false },
    }
}

/// Writes until it is told to close or nobody can tell any more.
async fn write(
    mut sink: SplitSink<WebSocket, Message>,
    mut queue: mpsc::Receiver<String>,
    mut close: oneshot::Receiver<Close>,
    write_timeout: Duration,
    close_wait: Duration,
) {
    let close = loop {
        let text = tokio::select! {
            biased;
            close = &mut close => break close,
            text = queue.recv() => text,
        };
        let Some(text) = text else { return };
        let sent = tokio::select! {
            biased;
            close = &mut close => break close,
            sent = timeout(write_timeout, sink.send(Message::Text(text.into()))) => sent,
        };
        if !matches!(sent, Ok(Ok(()))) {
            return;
        }
    };
    let Ok(close) = close else { return };
    let goodbye = async {
        while let Ok(text) = queue.try_recv() {
            sink.feed(Message::Text(text.into())).await?;
        }
        sink.send(close_message(&close)).await
    };
    timeout(close_wait, goodbye).await.ok();
}

fn close_message(close: &Close) -> Message {
    Message::Close(Some(CloseFrame {
        code: close.code().number(),
        reason: close.reason().into(),
    }))
}

/// Closes a socket that has no transport yet.
pub(crate) async fn turn_away(mut socket: WebSocket, close: Close, close_wait: Duration) {
    tracing::debug!(%close, "turning a connection away");
    let goodbye = async {
        socket.send(close_message(&close)).await.ok();
        while let Some(Ok(_)) = socket.recv().await {}
    };
    timeout(close_wait, goodbye).await.ok();
}

/// The first text on a socket. A socket that ends before, or sends other things, gives what came instead.
pub(crate) async fn first_text(socket: &mut WebSocket) -> Result<Utf8Bytes, Received> {
    loop {
        match read(socket.recv().await) {
            Received::Text(text) => return Ok(text),
            Received::Control(_) => {}
            other => return Err(other),
        }
    }
}
