//! What a client sends beyond what is read of it.
//!
//! A connection that is closed while bytes of it are unread is reset, and the reset may overtake the answer that says what
//! was wrong (RFC 9112 §9.6). So the rest is read and thrown away, within bounds, before the answer goes out.

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::header,
};
use futures::StreamExt as _;
use http_body::{Frame, SizeHint};
use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{sync::oneshot, time::timeout};

/// The most that is thrown away, and for how long; whoever sends more may lose the answer.
const MOST: usize = 16 << 20;
const WITHIN: Duration = Duration::from_secs(5);

/// Has what nobody read of a body, once all who read it are done.
pub(crate) struct Unread(Option<oneshot::Receiver<Body>>);

/// Watches the body of a request.
pub(crate) fn watch(request: Request) -> (Request, Unread) {
    // Who waits to be asked for a body has not sent it (RFC 9110 §10.1.1).
    if request.headers().contains_key(header::EXPECT) || request.body().is_end_stream() {
        return (request, Unread(None));
    }
    let (give_back, unread) = oneshot::channel();
    let watched = |body| {
        Body::new(Watched {
            body,
            give_back: Some(give_back),
        })
    };
    (request.map(watched), Unread(Some(unread)))
}

impl Unread {
    /// Reads the rest.
    pub(crate) async fn throw_away(self) {
        let Some(Ok(rest)) = self.0.map(|mut unread| unread.try_recv()) else {
            return;
        };
        if rest.size_hint().lower() > MOST as u64 {
            return;
        }
        let mut rest = rest.into_data_stream();
        let reading = async {
            let mut read = 0;
            while let Some(Ok(bytes)) = rest.next().await {
                read += bytes.len();
                if read > MOST {
                    return;
                }
            }
        };
        // Slower ones may lose the answer, too.
        timeout(WITHIN, reading).await.ok();
    }
}

/// A body that is given back where it was not read to its end.
struct Watched {
    body: Body,
    give_back: Option<oneshot::Sender<Body>>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(give_back) = self.give_back.take()
            && !self.body.is_end_stream()
        {
            // Nobody wants it where the request was given up.
            give_back.send(std::mem::take(&mut self.body)).ok();
        }
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::stream;
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    /// A request whose body says how much was read of it, in pieces of 1 KiB.
    fn request(pieces: usize) -> (axum::http::request::Builder, Body, Arc<AtomicUsize>) {
        let read: Arc<AtomicUsize> = Arc::default();
        let counts = read.clone();
        let pieces = stream::iter(0..pieces).map(move |_| {
            counts.fetch_add(1, Ordering::Relaxed);
            Ok::<_, axum::Error>(Bytes::from_static(&[0; 1024]))
        });
        (Request::builder(), Body::from_stream(pieces), read)
    }

    #[tokio::test]
    async fn what_was_not_read_is_thrown_away() {
        let (builder, body, read) = request(100);
        let (request, unread) = watch(builder.body(body).expect("good"));
        let mut body = request.into_body().into_data_stream();
        body.next().await.expect("a piece").expect("good");
        drop(body);
        unread.throw_away().await;
        assert_eq!(read.load(Ordering::Relaxed), 100);
    }

    #[tokio::test]
    async fn there_is_an_end_to_it() {
        let (builder, body, read) = request(1 << 20);
        let (request, unread) = watch(builder.body(body).expect("good"));
        drop(request);
        unread.throw_away().await;
        assert_eq!(read.load(Ordering::Relaxed), MOST / 1024 + 1);
    }

    #[tokio::test]
    async fn who_waits_to_be_asked_is_not() {
        let (builder, body, read) = request(100);
        let asks = builder.header("expect", "100-continue");
        let (request, unread) = watch(asks.body(body).expect("good"));
        drop(request);
        unread.throw_away().await;
        assert_eq!(read.load(Ordering::Relaxed), 0);
    }
}
