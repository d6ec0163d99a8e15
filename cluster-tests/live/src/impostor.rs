//! Somebody who says that they are a server: with whatever certificate, and whatever words.

use anyhow::Context as _;
use hyper_util::rt::TokioIo;
use plenary_contracts::federation::v1::{
    AttendRequest, Begin, Bidding, DeliverRequest, Delivery, GreetRequest, RingBegin, RingRequest,
    attend_request::What, delivery, federation_client::FederationClient, ring_request,
};
use quinn::crypto::rustls::QuicServerConfig;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    io::AsyncReadExt as _,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tonic::{
    Status,
    transport::{Channel, Endpoint, Uri},
};

/// A public authority, which everybody trusts.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// What somebody shows.
pub(crate) struct Mask {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

/// What a server answered: the code for programs, and the words.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: String,
    pub(crate) words: String,
}

impl From<Status> for Answer {
    fn from(status: Status) -> Self {
        let code = status.metadata().get("plenary-code");
        Self {
            code: code
                .and_then(|code| code.to_str().ok())
                .unwrap_or_default()
                .into(),
            words: status.message().to_owned(),
        }
    }
}

impl Authority {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "Public Authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        Ok(Self(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?))
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for a server of this domain, from and to the first of these years.
    pub(crate) fn issue(&self, domain: &str, years: [i32; 2]) -> anyhow::Result<Mask> {
        let key = KeyPair::generate()?;
        let certificate = params(domain, years)?.signed_by(&key, &self.0)?;
        Ok(Mask::new(certificate.der().clone(), &key))
    }
}

/// Writes the authority's certificate of a domain, and its key, as PEM; together or not at all to whoever reads both anew.
pub(crate) fn write_papers(
    authority: &Authority,
    domain: &str,
    chain: &Path,
    key: &Path,
) -> anyhow::Result<()> {
    let pair = KeyPair::generate()?;
    let certificate = params(domain, [2020, 2099])?.signed_by(&pair, &authority.0)?;
    fs::write(key, pair.serialize_pem())?;
    fs::write(chain, certificate.pem())?;
    Ok(())
}

impl Mask {
    fn new(certificate: CertificateDer<'static>, key: &KeyPair) -> Self {
        Self {
            chain: vec![certificate],
            key: PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        }
    }

    /// A certificate that nobody but its owner vouches for.
    pub(crate) fn self_signed(domain: &str) -> anyhow::Result<Self> {
        let key = KeyPair::generate()?;
        let certificate = params(domain, [2020, 2099])?.self_signed(&key)?;
        Ok(Self::new(certificate.der().clone(), &key))
    }

    /// Goes to the server of this name and root (PEM), at this address, and shows itself.
    pub(crate) async fn go(&self, address: SocketAddr, server: &str, root: &str) -> anyhow::Result<Impostor> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(root.as_bytes())?)?;
        let mut config = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_client_auth_cert(self.chain.clone(), self.key.clone_key())?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        let connector = TlsConnector::from(Arc::new(config));
        let name = ServerName::try_from(server.to_owned())?;
        let connect = tower::service_fn(move |_: Uri| {
            let (connector, name) = (connector.clone(), name.clone());
            async move {
                let socket = TcpStream::connect(address).await?;
                connector.connect(name, socket).await.map(TokioIo::new)
            }
        });
        let endpoint = Endpoint::from_static("http://partner");
        let channel = endpoint.connect_with_connector(connect).await;
        let client = FederationClient::new(channel.context("the port does not let it connect")?);
        Ok(Impostor {
            client,
            wanted: server.to_owned(),
        })
    }
}

/// Somebody who waits where others look for a server, by TCP and UDP at the same port.
pub(crate) struct Stand {
    address: SocketAddr,
    counts: Arc<Counts>,
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct Counts {
    calls: AtomicUsize,
    links: AtomicUsize,
    said: AtomicUsize,
}

impl Mask {
    /// Shows itself to whoever comes, says nothing, and counts what is said to it.
    pub(crate) async fn stand(&self, at: Ipv4Addr) -> anyhow::Result<Stand> {
        let config = |alpn: &[u8]| -> anyhow::Result<ServerConfig> {
            let builder = ServerConfig::builder_with_protocol_versions(&[&rustls::version::TLS13]);
            let builder = builder.with_no_client_auth();
            let mut config = builder.with_single_cert(self.chain.clone(), self.key.clone_key())?;
            config.alpn_protocols = vec![alpn.to_vec()];
            Ok(config)
        };
        let quic = QuicServerConfig::try_from(config(b"plenary-federation-media/1")?)?;
        let quic = quinn::ServerConfig::with_crypto(Arc::new(quic));
        let tls = TlsAcceptor::from(Arc::new(config(b"h2")?));
        let listener = TcpListener::bind((at, 0)).await?;
        let address = listener.local_addr()?;
        let endpoint = quinn::Endpoint::server(quic, address)?;
        let counts = Arc::<Counts>::default();
        let mut tasks = JoinSet::new();
        let counted = counts.clone();
        tasks.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (tls, counts) = (tls.clone(), counted.clone());
                tokio::spawn(async move {
                    let Ok(mut stream) = tls.accept(socket).await else {
                        return;
                    };
                    counts.calls.fetch_add(1, Ordering::Relaxed);
                    let said = stream.read(&mut [0; 1_024]).await.unwrap_or(0);
                    counts.said.fetch_add(said, Ordering::Relaxed);
                });
            }
        });
        let counted = counts.clone();
        tasks.spawn(async move {
            while let Some(incoming) = endpoint.accept().await {
                let counts = counted.clone();
                tokio::spawn(async move {
                    let Ok(connection) = incoming.await else { return };
                    counts.links.fetch_add(1, Ordering::Relaxed);
                    if connection.accept_uni().await.is_ok() {
                        counts.said.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        Ok(Stand {
            address,
            counts,
            _tasks: tasks,
        })
    }
}

impl Stand {
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Handshakes by TCP.
    pub(crate) fn calls(&self) -> usize {
        self.counts.calls.load(Ordering::Relaxed)
    }

    /// Handshakes by QUIC.
    pub(crate) fn links(&self) -> usize {
        self.counts.links.load(Ordering::Relaxed)
    }

    /// Bytes and streams after those.
    pub(crate) fn said(&self) -> usize {
        self.counts.said.load(Ordering::Relaxed)
    }
}

fn params(domain: &str, [from, to]: [i32; 2]) -> anyhow::Result<CertificateParams> {
    let mut params = CertificateParams::new([domain.to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, domain);
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(to, 1, 1);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

/// A connection over which something is said.
#[derive(Clone)]
pub(crate) struct Impostor {
    client: FederationClient<Channel>,
    wanted: String,
}

impl Impostor {
    /// Says to be this server.
    pub(crate) async fn greet(&mut self, server: &str) -> Result<(), Answer> {
        let words = GreetRequest {
            server: server.into(),
            wanted: self.wanted.clone(),
            protocols: vec![1],
            capabilities: Vec::new(),
            pages: Vec::new(),
        };
        Ok(self.client.greet(words).await.map(drop)?)
    }

    /// Says that this user of this server comes into a conference.
    pub(crate) async fn attend(&mut self, server: &str, user: &str, join: &str) -> Result<(), Answer> {
        let begin = AttendRequest {
            what: Some(What::Begin(Begin {
                server: server.into(),
                wanted: self.wanted.clone(),
                user: user.into(),
                name: "Somebody".into(),
                rights: Vec::new(),
                join: join.into(),
            })),
        };
        Ok(self.client.attend(tokio_stream::once(begin)).await.map(drop)?)
    }

    /// Has it ring at somebody, always by the same call.
    pub(crate) async fn ring(&mut self, server: &str, to: &str) -> Result<(), Answer> {
        let begin = RingRequest {
            what: Some(ring_request::What::Begin(RingBegin {
                server: server.into(),
                wanted: self.wanted.clone(),
                call: "flood".into(),
                user: "somebody".into(),
                name: "Somebody".into(),
                to: to.into(),
                enter: "flood".into(),
                into: String::new(),
            })),
        };
        Ok(self.client.ring(tokio_stream::once(begin)).await.map(drop)?)
    }

    /// Invites somebody, always by the same invitation.
    pub(crate) async fn deliver(&mut self, server: &str, user: &str) -> Result<(), Answer> {
        let invited = Bidding {
            id: "flood".into(),
            name: "Flood".into(),
            owner: "somebody".into(),
            owner_name: "Somebody".into(),
            ..Bidding::default()
        };
        let request = DeliverRequest {
            server: server.into(),
            wanted: self.wanted.clone(),
            deliveries: vec![Delivery {
                conference: format!("flood@{server}"),
                user: user.into(),
                revision: 1,
                what: Some(delivery::What::Invited(invited)),
            }],
        };
        Ok(self.client.deliver(request).await.map(drop)?)
    }
}
