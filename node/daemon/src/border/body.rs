//! A body from outside: no longer and no slower than any call needs.

use super::counted::Counted;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use plenary_outside::{Refused, request::BODY};
use std::{
    future::Future as _,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::Sleep;

/// The longest body comes in this time by 600 kbit/s.
pub(crate) const BODY_WITHIN: Duration = Duration::from_secs(30);

/// Why a body is read no further.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    // Read by its words where the call has a limit of its own, too.
    #[error("length limit exceeded")]
    TooLong,
    #[error("the body came too slowly")]
    TooSlow,
    #[error("the body broke off")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

pub(crate) struct Bounded<B> {
    inner: B,
    left: u64,
    ends: Pin<Box<Sleep>>,
    counted: Arc<Counted>,
}

impl<B> Bounded<B> {
    pub(crate) fn new(inner: B, counted: Arc<Counted>) -> Self {
        Self {
            inner,
            left: BODY,
            ends: Box::pin(tokio::time::sleep(BODY_WITHIN)),
            counted,
        }
    }

    fn refuse(&self, why: Refused, error: BodyError) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.counted.refuse(why);
        Poll::Ready(Some(Err(error)))
    }
}

impl<B> Body for Bounded<B>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Unpin,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.ends.as_mut().poll(cx).is_ready() {
            return self.refuse(Refused::SlowBody, BodyError::TooSlow);
        }
        let frame = match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => return Poll::Ready(Some(Err(BodyError::Broken(error.into())))),
            None => return Poll::Ready(None),
        };
        let bytes = frame.data_ref().map_or(0, Bytes::len) as u64;
        let Some(left) = self.left.checked_sub(bytes) else {
            return self.refuse(Refused::TooLarge, BodyError::TooLong);
        };
        self.left = left;
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body as Whole, to_bytes};

    fn counts(counted: &Counted, why: Refused) -> u64 {
        let mut all = counted.refused();
        all.find(|(word, _)| *word == why.as_str())
            .map_or(0, |(_, count)| count)
    }

    #[tokio::test]
    async fn a_body_is_read_to_the_limit_and_no_further() {
        let counted = Arc::new(Counted::default());
        let read = async |bytes: u64| {
            let inner = Whole::from(vec![0; usize::try_from(bytes).expect("small")]);
            to_bytes(Whole::new(Bounded::new(inner, counted.clone())), usize::MAX).await
        };
        assert_eq!(read(BODY).await.expect("all of it").len() as u64, BODY);
        read(BODY + 1).await.expect_err("too long");
        assert_eq!(counts(&counted, Refused::TooLarge), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_given_up() {
        struct Never;
        impl Body for Never {
            type Data = Bytes;
            type Error = std::io::Error;
            fn poll_frame(
                self: Pin<&mut Self>,
                _: &mut Context<'_>,
            ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
                Poll::Pending
            }
        }
        let counted = Arc::new(Counted::default());
        let began = tokio::time::Instant::now();
        let body = Whole::new(Bounded::new(Never, counted.clone()));
        to_bytes(body, usize::MAX).await.expect_err("given up");
        assert!(began.elapsed() >= BODY_WITHIN && began.elapsed() < 2 * BODY_WITHIN);
        assert_eq!(counts(&counted, Refused::SlowBody), 1);
    }
}
