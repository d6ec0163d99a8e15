//! The WebSocket of docs/protocols/signalling.md; a run lives as long as its socket.

use anyhow::{Context as _, bail};
use futures::{SinkExt as _, StreamExt as _};
use plenary_signalling::{ClientBody, ClientFrame, Hello, ServerBody, ServerFrame, Welcome};
use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

/// How long a node may take to welcome, for who would rather try another one.
const WELCOME: Duration = Duration::from_secs(2);
/// How long a node may take to say goodbye.
const CLOSE: Duration = Duration::from_secs(2);

/// A connection by which messages come and go, with their numbers.
pub struct Signal {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    sent: u64,
    handled: u64,
    heard: u64,
}

/// What a node says.
#[derive(Debug)]
pub enum Heard {
    Body(Box<ServerBody>),
    /// A sign of life.
    Beat,
}

impl Signal {
    /// A new run at the node of this URL (`http://…`).
    ///
    /// # Errors
    /// No welcome came within 2 s.
    pub async fn open(node: &str, token: &str) -> anyhow::Result<Self> {
        Self::open_within(node, token, WELCOME).await
    }

    /// The same with another patience.
    ///
    /// # Errors
    /// No welcome came in this time.
    pub async fn open_within(node: &str, token: &str, patience: Duration) -> anyhow::Result<Self> {
        Self::open_from(None, node, token, patience).await
    }

    /// The same from an address of this machine.
    ///
    /// # Errors
    /// No welcome came in this time.
    pub async fn open_from(
        from: Option<IpAddr>,
        node: &str,
        token: &str,
        patience: Duration,
    ) -> anyhow::Result<Self> {
        let url = format!("{}/api/v1/signal", node.replacen("http", "ws", 1));
        let welcomed = async {
            let mut socket = match from {
                None => tokio_tungstenite::connect_async(url).await?.0,
                Some(from) => {
                    let near = TcpSocket::new_v4()?;
                    near.bind(SocketAddr::new(from, 0))?;
                    let (_, to) = node.split_once("://").context("a node has a URL")?;
                    let found = tokio::net::lookup_host(to.trim_end_matches('/')).await?;
                    let to = found.into_iter().find(SocketAddr::is_ipv4);
                    let stream = near.connect(to.context("a node has an address")?).await?;
                    tokio_tungstenite::client_async(url, MaybeTlsStream::Plain(stream))
                        .await?
                        .0
                }
            };
            let hello = Hello {
                token: token.to_owned(),
                resume: None,
                last_seq: 0,
            };
            socket.send(Message::text(hello.to_json())).await?;
            let text = next(&mut socket).await?;
            Welcome::parse(&text).with_context(|| format!("no welcome: {text}"))?;
            Ok(Self {
                socket,
                sent: 0,
                handled: 0,
                heard: 0,
            })
        };
        timeout(patience, welcomed).await.context("no welcome in time")?
    }

    /// Bytes of all messages that came, but for signs of life.
    #[must_use]
    pub fn heard_bytes(&self) -> u64 {
        self.heard
    }

    /// Asks for something.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn say(&mut self, body: ClientBody) -> anyhow::Result<()> {
        self.sent += 1;
        let frame = ClientFrame::Body {
            seq: self.sent,
            ack: self.handled,
            body,
        };
        self.write(&frame).await
    }

    /// Says that all was handled that came so far.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn ping(&mut self) -> anyhow::Result<()> {
        let ack = self.handled;
        self.write(&ClientFrame::Ping { ack }).await
    }

    /// What comes next. Loses nothing when it is dropped before it is done.
    ///
    /// # Errors
    /// The connection is gone, or what came makes no sense.
    pub async fn hear(&mut self) -> anyhow::Result<Heard> {
        let text = next(&mut self.socket).await?;
        match ServerFrame::parse(&text)? {
            ServerFrame::Body { seq, body, .. } => {
                if seq != self.handled + 1 {
                    bail!("message {seq} came after {}", self.handled);
                }
                self.handled = seq;
                self.heard += text.len() as u64;
                Ok(Heard::Body(Box::new(body)))
            }
            ServerFrame::Ping { .. } | ServerFrame::Pong { .. } => Ok(Heard::Beat),
        }
    }

    /// Says that this is the end, and lets the node read it: a socket that is closed with something unread takes back
    /// what it has sent.
    pub async fn close(mut self) {
        let closed = async {
            self.socket.close(None).await?;
            while self.socket.next().await.transpose()?.is_some() {}
            anyhow::Ok(())
        };
        timeout(CLOSE, closed).await.ok();
    }

    async fn write(&mut self, frame: &ClientFrame) -> anyhow::Result<()> {
        Ok(self.socket.send(Message::text(frame.to_json())).await?)
    }
}

async fn next(socket: &mut WebSocketStream<MaybeTlsStream<TcpStream>>) -> anyhow::Result<String> {
    loop {
        match socket.next().await.context("the node closed the connection")?? {
            Message::Text(text) => return Ok(text.as_str().to_owned()),
            Message::Close(frame) => bail!("the node closed the connection: {frame:?}"),
            _ => {}
        }
    }
}
