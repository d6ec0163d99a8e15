//! A server at the other end: how long it may stay, how much it may send, and what it may speak of.

use super::{
    Hall, Side,
    bounds::{Bounds, Meter},
    cap::Cap,
    names::Names,
};
use crate::{doors::Close, driver::End, standing::Standing};
use plenary_cascade::Control;
use plenary_identity::PartnerCertificate;
use plenary_model::ServerName;
use rustls_pki_types::CertificateDer;
use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::{
    sync::{mpsc, watch},
    time::Sleep,
};

/// Datagrams that one link may send, by the second and at once: 250 Mbit/s of large ones.
const DATAGRAMS: (u64, u64) = (25_000, 25_000);
/// Control messages. Of a conference that begins for a server, all tracks are told at once.
const MESSAGES: (u64, u64) = (500, 20_000);
/// Certificates that hold longer are looked at again when the link is made anew.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3_600);

pub(super) struct Partner<'a> {
    hall: &'a Hall,
    chain: Vec<CertificateDer<'static>>,
    server: ServerName,
    side: Side,
    met: watch::Receiver<Option<Bounds>>,
    stopping: watch::Receiver<bool>,
    /// Of a link that was dialled: ends when nobody needs it any more.
    needed: Option<&'a mut mpsc::Receiver<Infallible>>,
    expires: Pin<Box<Sleep>>,
    datagrams: Meter,
    messages: Meter,
    /// Of all links with that server.
    cap: Arc<Cap>,
}

impl<'a> Partner<'a> {
    pub(super) fn new(
        hall: &'a Hall,
        server: &ServerName,
        side: Side,
        (chain, certificate): (Vec<CertificateDer<'static>>, &PartnerCertificate),
        met: watch::Receiver<Option<Bounds>>,
        needed: Option<&'a mut mpsc::Receiver<Infallible>>,
    ) -> Self {
        let valid = certificate.expires.duration_since(SystemTime::now());
        let expires = Box::pin(tokio::time::sleep(valid.unwrap_or_default().min(LONGEST)));
        Self {
            hall,
            chain,
            server: server.clone(),
            side,
            met,
            stopping: hall.stopping.subscribe(),
            needed,
            expires,
            datagrams: Meter::new(DATAGRAMS.0, DATAGRAMS.1),
            messages: Meter::new(MESSAGES.0, MESSAGES.1),
            cap: hall.caps.of(server),
        }
    }

    fn limit(&self) -> Option<u64> {
        (*self.met.borrow()).and_then(Bounds::bytes_per_s)
    }
}

impl Standing for Partner<'_> {
    async fn over(&mut self) -> End {
        loop {
            // Also what was told since the first words.
            if self.met.has_changed().unwrap_or(false) {
                if self.met.borrow_and_update().is_none() {
                    return End::Closed(Close::NotAllowed);
                }
                if self.hall.believes(&self.server, &self.chain).is_err() {
                    return End::Closed(Close::NotBelieved);
                }
            }
            tokio::select! {
                biased;
                () = until_true(&mut self.stopping) => return End::Stopped,
                () = unneeded(&mut self.needed) => return End::Stopped,
                () = self.expires.as_mut() => return End::Closed(Close::Expired),
                () = told(&mut self.met) => {}
            }
        }
    }

    fn bytes_per_s(&self) -> Option<u64> {
        // Whoever holds the cap is a link.
        let links = Arc::strong_count(&self.cap) as u64;
        Some(self.limit()? / links.max(1))
    }

    fn may_send(&mut self) -> bool {
        self.limit().is_none_or(|limit| self.cap.may_send(limit))
    }

    fn sent(&mut self, bytes: usize) {
        if self.limit().is_some() {
            self.cap.sent(bytes as u64);
        }
    }

    fn bears(&mut self, now_us: u64, bytes: usize) -> bool {
        let few = self.datagrams.try_take(now_us, 1);
        let Some(limit) = self.limit() else {
            return few;
        };
        few && self.cap.bears(limit, bytes as u64)
    }

    fn hears(&mut self, now_us: u64, messages: usize) -> bool {
        messages == 0 || self.messages.try_take(now_us, messages as u64)
    }

    fn take(&self, message: &mut Control) -> bool {
        Names::new(self.side, &self.hall.me, &self.server).take(message)
    }
}

/// A sender that is gone tells nothing any more.
async fn until_true(told: &mut watch::Receiver<bool>) {
    if told.wait_for(|stops| *stops).await.is_err() {
        std::future::pending().await
    }
}

/// Comes when there is something to be looked at, and leaves that as it is.
async fn told(met: &mut watch::Receiver<Option<Bounds>>) {
    if met.changed().await.is_err() {
        std::future::pending().await
    }
    met.mark_changed();
}

async fn unneeded(needed: &mut Option<&mut mpsc::Receiver<Infallible>>) {
    match needed {
        Some(needed) => drop(needed.recv().await),
        None => std::future::pending().await,
    }
}
