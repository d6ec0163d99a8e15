//! Ways to ask for the administration by the way of a Border Controller, byte by byte inside of TLS.

use anyhow::{Context as _, ensure};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

const LONG: Duration = Duration::from_secs(20);

/// Targets, with which other ways to read them might lead to the administration.
const TARGETS: [&str; 26] = [
    "/admin",
    "/admin/",
    "/ADMIN",
    "/admin/users",
    "//admin",
    "///admin",
    "/./admin",
    "/home/../admin",
    "/m/weekly/../../admin",
    "/%2e%2e/admin",
    "/m/%2E%2E/admin",
    "/m/..%2fadmin",
    "/m/..%2Fadmin",
    "/m/%252e%252e%252fadmin",
    "/%61dmin",
    "/admin%2f",
    "/admin%20",
    "/admin%00",
    "/admin;x=1",
    "/admin.",
    "/m\\..\\admin",
    "/m/..%5cadmin",
    "/api/v1/users",
    "/api/v1//users",
    "/api/v1/me/../users",
    "/api/v1/users?x=/api/v1/me",
];

/// The port for the web of a Border Controller, and who is asked for there.
pub(crate) struct Door {
    pub(crate) at: SocketAddr,
    server: ServerName<'static>,
    /// By HTTP/1.1, and by HTTP/2.
    one: TlsConnector,
    two: TlsConnector,
}

impl Door {
    /// `root`: the enterprise's, PEM.
    pub(crate) fn new(at: SocketAddr, server: &str, root: &str) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(root.as_bytes())?)?;
        let by = |protocol: &[u8]| {
            let mut config = ClientConfig::builder()
                .with_root_certificates(roots.clone())
                .with_no_client_auth();
            config.alpn_protocols = vec![protocol.to_vec()];
            TlsConnector::from(Arc::new(config))
        };
        Ok(Self {
            at,
            server: ServerName::try_from(server.to_owned())?,
            one: by(b"http/1.1"),
            two: by(b"h2"),
        })
    }

    /// A connection from this address, at which nothing was said.
    pub(crate) async fn knock(&self, from: Ipv4Addr) -> std::io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((from, 0).into())?;
        socket.connect(self.at).await
    }

    pub(crate) async fn dial(&self, from: Ipv4Addr) -> std::io::Result<TlsStream<TcpStream>> {
        self.one
            .connect(self.server.clone(), self.knock(from).await?)
            .await
    }

    pub(crate) async fn dial_two(&self, from: Ipv4Addr) -> std::io::Result<TlsStream<TcpStream>> {
        self.two
            .connect(self.server.clone(), self.knock(from).await?)
            .await
    }

    pub(crate) fn server(&self) -> std::borrow::Cow<'_, str> {
        self.server.to_str()
    }
}

/// All that is answered to these bytes, until the connection is over.
pub(crate) async fn said(tls: &mut TlsStream<TcpStream>, bytes: &str) -> anyhow::Result<String> {
    tls.write_all(bytes.as_bytes()).await?;
    let mut answer = Vec::new();
    let read = timeout(LONG, tls.read_to_end(&mut answer)).await;
    // Some servers end without saying so; what was answered counts.
    read.context("the connection does not end")?.ok();
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Tries all of them with the token of an administrator, and gives how many there were.
///
/// # Errors
/// Which one led somewhere.
pub(crate) async fn all_fail(
    controller: SocketAddr,
    server: &str,
    root: &str,
    token: &str,
) -> anyhow::Result<usize> {
    let door = Door::new(controller, server, root)?;
    let head = format!(
        "Host: {server}\r\nAuthorization: Bearer {token}\r\nX-Forwarded-For: 127.0.0.1\r\nX-Original-URL: /admin\r\n\
         X-HTTP-Method-Override: GET\r\n"
    );
    let mut requests: Vec<String> = TARGETS
        .iter()
        .map(|target| format!("GET {target} HTTP/1.1\r\n{head}Connection: close\r\n\r\n"))
        .collect();
    requests.extend([
        format!("GET https://{server}/admin HTTP/1.1\r\n{head}Connection: close\r\n\r\n"),
        format!("GET http://127.0.0.1/admin HTTP/1.1\r\n{head}Connection: close\r\n\r\n"),
        format!("OPTIONS * HTTP/1.1\r\n{head}Connection: close\r\n\r\n"),
        format!("CONNECT 127.0.0.1:80 HTTP/1.1\r\n{head}\r\n"),
        format!("TRACE / HTTP/1.1\r\n{head}Connection: close\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}Connection: close\r\n\r\n"),
    ]);
    let smuggled = format!("GET /admin HTTP/1.1\r\n{head}\r\n");
    let length = smuggled.len() + 5;
    let both = [
        format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n"),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n"),
        format!("Transfer-Encoding: xchunked\r\nContent-Length: {length}\r\n"),
        format!("Content-Length: 5\r\nContent-Length: {length}\r\n"),
    ];
    requests.extend(
        both.iter().map(|lengths| {
            format!("POST /api/v1/session HTTP/1.1\r\n{head}{lengths}\r\n0\r\n\r\n{smuggled}")
        }),
    );
    for request in &requests {
        let mut tls = door.dial(Ipv4Addr::LOCALHOST).await?;
        let answer = said(&mut tls, request).await?;
        let first = request.lines().next().unwrap_or_default();
        let status = answer.get(9..12).unwrap_or_default();
        ensure!(status.starts_with('4'), "{first}: {answer:?}");
        ensure!(answer.matches("HTTP/1.1 ").count() == 1, "{first}: {answer:?}");
    }
    // What is open still is, by the same way.
    let mut tls = door.dial(Ipv4Addr::LOCALHOST).await?;
    let page = format!("GET / HTTP/1.1\r\n{head}Connection: close\r\n\r\n");
    let answer = said(&mut tls, &page).await?;
    ensure!(answer.starts_with("HTTP/1.1 200"), "the page: {answer:?}");
    Ok(requests.len())
}
