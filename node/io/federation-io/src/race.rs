//! Addresses of a partner, tried until one answers as that partner: by TCP, TLS and the first words, as a machine whose program
//! hangs still takes connections.

use crate::{
    Reach,
    reach::{Ended, Way, chain_of},
};
use plenary_federation::head_start;
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

/// For TCP to one address, for TLS, and for the answer; each.
pub(crate) const STEP_WITHIN: Duration = Duration::from_secs(4);

/// Where one address led.
pub(crate) struct Lead {
    pub(crate) address: SocketAddr,
    pub(crate) led: Led,
}

pub(crate) enum Led {
    /// TCP did not come about.
    Nowhere(String),
    Somewhere(Box<Way>),
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
    start: Duration,
    trying: JoinSet<Lead>,
}

impl Race {
    pub(crate) fn new(reach: &Reach, server: &ServerName, addresses: Vec<SocketAddr>) -> Self {
        Self {
            reach: reach.clone(),
            server: server.clone(),
            start: head_start(addresses.len()),
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
                () = sleep(self.start), if self.left.len() > 0 => {}
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
        let result = timeout(STEP_WITHIN, self.tls.connect(socket, server.as_str())).await;
        let shaken = since.elapsed();
        let ended = match result {
            Ok(Ok((stream, shown))) => {
                let since = Instant::now();
                let chain = chain_of(&stream);
                let answer = self.greet(stream, server, chain).await;
                Ended::Greeted(Box::new(shown), answer, since.elapsed())
            }
            Ok(Err(PartnerError::Refused { refusal, certificate })) => Ended::Shut(Shut {
                words: refusal.to_string(),
                shown: certificate.map(|shown| *shown),
                is_change: refusal.is_change(),
            }),
            Ok(Err(PartnerError::Handshake(error))) => Ended::Shut(Shut {
                words: format!("the TLS handshake failed: {}", explain(&error)),
                shown: None,
                is_change: false,
            }),
            Err(_) => Ended::Shut(Shut {
                words: format!("TLS was not answered within {} s", STEP_WITHIN.as_secs()),
                shown: None,
                is_change: false,
            }),
        };
        Led::Somewhere(Box::new(Way {
            address,
            connected,
            shaken,
            ended,
        }))
    }
}
