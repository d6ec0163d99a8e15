//! A node's end for the web: what clients say goes back.

use super::{endpoint, target};
use anyhow::Context as _;
use plenary_border::{Offer, Policy, Service};
use plenary_border_client::{FromOutside, Inside, Target, tunnel};
use plenary_contracts::border::v1::Figures;
use plenary_identity::Identity;
use rustls::pki_types::CertificateDer;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::mpsc,
    time::{Duration, Instant},
};
use tokio::{
    io::AsyncWriteExt as _,
    sync::{oneshot, watch},
};

/// Connections that it bears.
const MOST: usize = 20_000;

struct Repeats {
    ready: mpsc::Sender<()>,
}

impl Inside for Repeats {
    fn serve(&self, client: FromOutside) {
        tokio::spawn(async move {
            let (mut from, mut to) = tokio::io::split(client.stream);
            tokio::io::copy(&mut from, &mut to).await.ok();
            to.shutdown().await.ok();
        });
    }

    fn certify(&self, _: &Target, _: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
        None
    }

    fn hear(&self, _: &Target, _: &str, _: Option<Figures>) {
        self.ready.send(()).ok();
    }
}

pub(super) async fn repeat(
    node: &Identity,
    address: SocketAddr,
    name: &str,
    mut ended: oneshot::Receiver<()>,
    ready: mpsc::Sender<()>,
) -> anyhow::Result<()> {
    let (endpoint, target) = (endpoint()?, target(address)?);
    let offer = Offer {
        names: BTreeMap::from([(
            Service::Web,
            BTreeSet::from([name.parse().context("a host name")?]),
        )]),
        drains: false,
        most: MOST,
    };
    let (_offers, offer) = watch::channel(offer);
    let (_policies, policy) = watch::channel(Policy::default());
    let repeats = Repeats { ready };
    let deadline = Instant::now() + super::READY_WITHIN;
    loop {
        tokio::select! {
            lost = tunnel::run(&endpoint, node, &target, "bench", (offer.clone(), policy.clone()), &repeats) => match lost {
                Err(error) if Instant::now() > deadline => return Err(error.into()),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            _ = &mut ended => return Ok(()),
        }
    }
}
