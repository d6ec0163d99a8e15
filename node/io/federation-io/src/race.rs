//! Addresses of a partner, tried until one answers as that partner: by TCP and TLS, as a machine whose program hangs still takes
//! connections.

use crate::Reach;
use plenary_identity::{PartnerCertificate, PartnerError, explain};
use plenary_model::ServerName;
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::{
    net::TcpStream,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::client::TlsStream;

/// For TCP to one address, and for TLS; each.
pub(crate) const STEP_WITHIN: Duration = Duration::from_secs(4);
/// An address is tried so long before the next one is, too: longer than a handshake takes over any line that people would
/// meet by.
const HEAD_START: Duration = Duration::from_millis(500);

/// Where one address led.
pub(crate) struct Lead {
    pub(crate) address: SocketAddr,
    pub(crate) led: Led,
}

pub(crate) enum Led {
    /// TCP did not come about.
    Nowhere(String),
    Connected {
        /// What TCP took.
        connected: Duration,
        /// What TLS took after that.
        shaken: Duration,
        result: Result<(Box<TlsStream<TcpStream>>, PartnerCertificate), Shut>,
    },
}

/// Why there is no TLS.
pub(crate) struct Shut {
    pub(crate) words: String,
    /// What was shown, and refused.
    pub(crate) shown: Option<PartnerCertificate>,
    /// It is not what is pinned.
    pub(crate) is_change: bool,
}

/// Each address has its start before the next one (RFC 8305 §5); all that were begun go on until one is good enough.
pub(crate) struct Race {
    reach: Reach,
    server: ServerName,
    left: std::vec::IntoIter<SocketAddr>,
    trying: JoinSet<Lead>,
}

impl Race {
    pub(crate) fn new(reach: &Reach, server: &ServerName, addresses: Vec<SocketAddr>) -> Self {
        Self {
            reach: reach.clone(),
            server: server.clone(),
            left: addresses.into_iter(),
            trying: JoinSet::new(),
        }
    }

    /// The next that led somewhere or nowhere; `None` once all have.
    pub(crate) async fn next(&mut self) -> Option<Lead> {
        loop {
            if let Some(address) = self.left.next() {
                let (reach, server) = (self.reach.clone(), self.server.clone());
                self.trying.spawn(async move {
                    let led = reach.lead(address, &server).await;
                    Lead { address, led }
                });
            }
            tokio::select! {
                tried = self.trying.join_next() => match tried {
                    Some(Ok(lead)) => return Some(lead),
                    // Nobody ends these tasks.
                    Some(Err(_)) => {}
                    None => return None,
                },
                () = sleep(HEAD_START), if self.left.len() > 0 => {}
            }
        }
    }
}

impl Reach {
    async fn lead(&self, address: SocketAddr, server: &ServerName) -> Led {
        let since = Instant::now();
        let socket = match timeout(STEP_WITHIN, TcpStream::connect(address)).await {
            Ok(Ok(socket)) => socket,
            Ok(Err(error)) => return Led::Nowhere(error.to_string()),
            Err(_) => return Led::Nowhere(format!("no answer within {} s", STEP_WITHIN.as_secs())),
        };
        socket.set_nodelay(true).ok();
        let connected = since.elapsed();
        let since = Instant::now();
        let result = match timeout(STEP_WITHIN, self.tls.connect(socket, server.as_str())).await {
            Ok(Ok((stream, shown))) => Ok((Box::new(stream), shown)),
            Ok(Err(PartnerError::Refused { refusal, certificate })) => Err(Shut {
                words: refusal.to_string(),
                shown: certificate.map(|shown| *shown),
                is_change: refusal.is_change(),
            }),
            Ok(Err(PartnerError::Handshake(error))) => Err(Shut {
                words: format!("the TLS handshake failed: {}", explain(&error)),
                shown: None,
                is_change: false,
            }),
            Err(_) => Err(Shut {
                words: format!("TLS was not answered within {} s", STEP_WITHIN.as_secs()),
                shown: None,
                is_change: false,
            }),
        };
        Led::Connected {
            connected,
            shaken: since.elapsed(),
            result,
        }
    }
}
