//! The door that browsers come in by: so many connections, and none that says nothing.

use axum_server::accept::Accept;
use plenary_cluster_io::{Share, Shares};
use plenary_rest_api::Network;
use std::{
    future::Future as _,
    io,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::Sleep,
};

/// What HTTP/2 begins with (RFC 9113 §3.4). Until it is told from HTTP/1, no other limit of time is at work.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// More connections than this are of no use to one node.
const MOST: u64 = 65_536;

/// How many connections there may be at once.
#[derive(Clone)]
pub(crate) struct Doors {
    shares: Arc<Shares>,
    proxies: Arc<[Network]>,
    first_within: Duration,
}

impl Doors {
    /// Three quarters of the file descriptors, so that disk and other nodes have theirs; half of that for one
    /// address, but for proxies, behind which is everybody.
    pub(crate) fn new(proxies: Vec<Network>, first_within: Duration) -> Self {
        let most = usize::try_from((plenary_program::descriptors() / 4 * 3).min(MOST)).unwrap_or(usize::MAX);
        Self {
            shares: Shares::new(most, most / 2),
            proxies: proxies.into(),
            first_within,
        }
    }

    /// A door with `inner` behind it, as TLS.
    pub(crate) fn before<A>(&self, inner: A) -> Door<A> {
        Door {
            doors: self.clone(),
            inner,
        }
    }

    fn take(&self, stream: &TcpStream) -> io::Result<Share> {
        let address = stream.peer_addr()?.ip().to_canonical();
        self.place_of(address)
    }

    /// A place for a client that comes from there.
    pub(crate) fn place_of(&self, address: IpAddr) -> io::Result<Share> {
        let is_proxy = self.proxies.iter().any(|network| network.contains(address));
        let share = self.shares.take((!is_proxy).then_some(address));
        share.ok_or_else(|| {
            tracing::debug!(%address, "too many connections");
            io::ErrorKind::ConnectionRefused.into()
        })
    }
}

impl Doors {
    /// The same guard for a connection that came by no socket of ours.
    pub(crate) fn guard<S>(&self, inner: S, place: Share) -> Guarded<S> {
        let waiting = Waiting {
            ends: Box::pin(tokio::time::sleep(self.first_within)),
            matched: 0,
        };
        Guarded {
            inner,
            waiting: Some(waiting),
            _place: place,
        }
    }
}

#[derive(Clone)]
pub(crate) struct Door<A> {
    doors: Doors,
    inner: A,
}

impl<A, S> Accept<TcpStream, S> for Door<A>
where
    A: Accept<TcpStream, S, Future: Send + 'static>,
{
    type Stream = Guarded<A::Stream>;
    type Service = A::Service;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let place = match self.doors.take(&stream) {
            Ok(place) => place,
            Err(error) => return Box::pin(async { Err(error) }),
        };
        let accepted = self.inner.accept(stream, service);
        let doors = self.doors.clone();
        Box::pin(async move {
            let (inner, service) = accepted.await?;
            Ok((doors.guard(inner, place), service))
        })
    }
}

/// A connection with its place, which ends if it does not begin to ask in time.
pub(crate) struct Guarded<S> {
    inner: S,
    waiting: Option<Waiting>,
    _place: Share,
}

struct Waiting {
    ends: Pin<Box<Sleep>>,
    /// How much of the preface of HTTP/2 has come.
    matched: usize,
}

impl Waiting {
    /// Whether these bytes tell which HTTP it is; from then on that has its own limits.
    fn is_over(&mut self, bytes: &[u8]) -> bool {
        for byte in bytes {
            if PREFACE.get(self.matched) != Some(byte) {
                return true;
            }
            self.matched += 1;
        }
        self.matched == PREFACE.len()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let ends = self.waiting.as_mut().map(|waiting| waiting.ends.as_mut());
        if ends.is_some_and(|ends| ends.poll(cx).is_ready()) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buf);
        let came = buf.filled().get(before..).unwrap_or_default();
        if self.waiting.as_mut().is_some_and(|waiting| waiting.is_over(came)) {
            self.waiting = None;
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }
    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum_server::accept::DefaultAcceptor;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    async fn pair(doors: &Doors) -> (io::Result<Guarded<TcpStream>>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (socket, _) = accepted.expect("accepted");
        let door = doors.before(DefaultAcceptor::new());
        let stream = door.accept(socket, ()).await.map(|(stream, ())| stream);
        (stream, client.expect("connected"))
    }

    fn doors(most: usize, most_each: usize) -> Doors {
        Doors {
            shares: Shares::new(most, most_each),
            proxies: Arc::new([]),
            first_within: Duration::from_millis(200),
        }
    }

    #[tokio::test]
    async fn who_says_nothing_or_not_enough_is_put_out() {
        for beginning in ["", "PRI * HTTP/2.0\r\n\r\nSM"] {
            let (stream, mut client) = pair(&doors(1, 1)).await;
            let mut stream = stream.expect("let in");
            client.write_all(beginning.as_bytes()).await.expect("sent");
            let mut text = String::new();
            let ended = stream.read_to_string(&mut text).await.expect_err("put out");
            assert_eq!(ended.kind(), io::ErrorKind::TimedOut, "{beginning:?}");
        }
    }

    #[tokio::test]
    async fn who_has_begun_stays() {
        let preface = String::from_utf8_lossy(PREFACE).into_owned();
        for beginning in ["G", "PRX", preface.as_str()] {
            let (stream, mut client) = pair(&doors(1, 1)).await;
            let mut stream = stream.expect("let in");
            client.write_all(beginning.as_bytes()).await.expect("sent");
            let mut buffer = vec![0; beginning.len()];
            stream.read_exact(&mut buffer).await.expect("the beginning");
            let waited = tokio::time::timeout(Duration::from_millis(600), stream.read_u8()).await;
            assert!(waited.is_err(), "{beginning:?}: {waited:?}");
        }
    }

    #[tokio::test]
    async fn one_address_has_its_part_and_proxies_all() {
        let mut doors = doors(3, 1);
        let (first, _one) = pair(&doors).await;
        let first = first.expect("let in");
        let (second, _two) = pair(&doors).await;
        assert!(second.is_err(), "one address has one place");
        drop(first);
        doors.proxies = Arc::new(["127.0.0.0/8".parse().expect("good")]);
        let mut open = Vec::new();
        for _ in 0..3 {
            let (stream, client) = pair(&doors).await;
            open.push((stream.expect("a proxy"), client));
        }
        assert!(pair(&doors).await.0.is_err(), "all places are taken");
    }
}
