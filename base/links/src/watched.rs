//! A connection that says when it ends.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Called when a connection that was there is gone, whoever ended it.
pub type Ended = Arc<dyn Fn() + Send + Sync>;

/// Calls `ended` when it is dropped: whoever drives it does so as soon as it sees that it is broken.
pub(crate) struct Watched<S> {
    stream: S,
    ended: Ended,
}

impl<S> Watched<S> {
    pub(crate) fn new(stream: S, ended: Ended) -> Self {
        Self { stream, ended }
    }
}

impl<S> Drop for Watched<S> {
    fn drop(&mut self) {
        (self.ended)();
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[tokio::test]
    async fn it_carries_what_its_stream_does_and_says_once_that_it_is_gone() {
        let times = Arc::new(AtomicU32::new(0));
        let counted = times.clone();
        let ended: Ended = Arc::new(move || {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        let (near, mut far) = tokio::io::duplex(16);
        let mut near = Watched::new(near, ended);
        near.write_all(b"there").await.expect("written");
        far.write_all(b"back").await.expect("written");
        let (mut out, mut back) = ([0; 5], [0; 4]);
        far.read_exact(&mut out).await.expect("read");
        near.read_exact(&mut back).await.expect("read");
        assert_eq!((&out, &back), (b"there", b"back"));
        assert_eq!(times.load(Ordering::Relaxed), 0);
        drop(near);
        assert_eq!(times.load(Ordering::Relaxed), 1);
    }
}
