//! Servers that dial us: handshakes within bounds, then only who speaks for a domain that this server meets with.

use super::{
    Bounds, Hall, Side,
    hello::{Answer, Hello, HelloError, hear, say},
    partner::Partner,
};
use crate::{
    doors::{Close, Shares},
    driver::{Driver, End},
    tls,
};
use plenary_identity::PartnerCertificate;
use plenary_model::ServerName;
use quinn::{Connection, Incoming};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// Handshakes and first words at a time, in all and for one address.
const HANDSHAKES: (usize, usize) = (64, 16);
/// From so many on, who dials must first show that the address is theirs (Retry, RFC 9000 §8.1.2).
const SUSPICIOUS: usize = 8;
/// For the handshake and the first words together.
const WITHIN: Duration = Duration::from_secs(5);

/// Accepts until the endpoint is closed.
pub(super) async fn accept(hall: Arc<Hall>) {
    let shares = Shares::new(HANDSHAKES.0, HANDSHAKES.1);
    while let Some(incoming) = hall.endpoint.accept().await {
        let address = incoming.remote_address();
        if !incoming.remote_address_validated() && shares.all() >= SUSPICIOUS {
            // An error means that it may not be retried; it will come again.
            drop(incoming.retry());
            continue;
        }
        let Some(share) = shares.clone().take(address.ip()) else {
            tracing::debug!(%address, "too many handshakes on the port for media of partners at this moment");
            incoming.ignore();
            continue;
        };
        let hall = hall.clone();
        tokio::spawn(async move {
            let welcomed = tokio::time::timeout(WITHIN, welcome(&hall, incoming)).await;
            drop(share);
            match welcomed {
                Ok(Ok(Some(guest))) => serve(&hall, guest).await,
                // They were told why.
                Ok(Ok(None)) => {}
                Ok(Err(error)) => {
                    tracing::info!(%error, %address, "a server that dialled for media did not get through");
                }
                Err(_) => tracing::info!(%address, "a server that dialled for media took too long"),
            }
        });
    }
}

/// A server that is welcome.
struct Guest {
    connection: Connection,
    server: ServerName,
    certificate: PartnerCertificate,
    met: watch::Receiver<Option<Bounds>>,
}

/// Shakes hands and hears the first words; `None` for whom this server does not meet.
async fn welcome(hall: &Hall, incoming: Incoming) -> Result<Option<Guest>, HelloError> {
    let address = incoming.remote_address();
    let connection = incoming.accept()?.await?;
    let hello: Hello = match hear(&connection).await {
        Ok(hello) => hello,
        Err(HelloError::Unreadable) => {
            Close::BadHello.close(&connection);
            return Err(HelloError::Unreadable);
        }
        Err(error) => return Err(error),
    };
    let (Ok(server), Ok(wanted)) = (
        hello.server.parse::<ServerName>(),
        hello.wanted.parse::<ServerName>(),
    ) else {
        Close::BadHello.close(&connection);
        return Ok(None);
    };
    if wanted != hall.me {
        tracing::info!(%address, %wanted, "a server looks for another one here: its DNS leads to the wrong place");
        Close::NotMe.close(&connection);
        return Ok(None);
    }
    let certificate = match hall.believes(&server, &tls::chain(&connection)) {
        Ok(certificate) if server != hall.me => certificate,
        Ok(_) => {
            Close::NotAllowed.close(&connection);
            return Ok(None);
        }
        Err(why) => {
            tracing::info!(%server, %address, reason = %why, "somebody who does not prove it claimed to be a server");
            let words = format!("this server does not believe that you are {server}: {why}");
            Close::NotBelieved.close_saying(&connection, &words);
            return Ok(None);
        }
    };
    let met = hall.circle.meets(&server).await;
    if met.borrow().is_none() {
        tracing::info!(%server, %address, "a server that this one does not meet with dialled for media");
        Close::NotAllowed.close(&connection);
        return Ok(None);
    }
    Ok(Some(Guest {
        connection,
        server,
        certificate,
        met,
    }))
}

/// Has a link with a server that is welcome, until it ends.
async fn serve(hall: &Hall, guest: Guest) {
    let (connection, server) = (&guest.connection, &guest.server);
    let Some(entry) = hall.table.accept(server) else {
        tracing::warn!(%server, "a server has as many links for media as this one bears");
        return Close::TooMany.close(connection);
    };
    hall.ways
        .prove(connection.local_ip(), connection.remote_address());
    if let Err(error) = say(connection, &Answer { ok: true }).await {
        return tracing::info!(%server, %error, "a server that dialled for media is gone again");
    }
    let chain = tls::chain(connection);
    let shown = (chain, &guest.certificate);
    let mut partner = Partner::new(hall, server, Side::Guest, shown, guest.met, None);
    let driver = Driver::new(
        &hall.events,
        entry.link,
        connection,
        &mut partner,
        &entry.known.outbox,
    );
    let end = driver.run().await;
    tracing::info!(%server, link = %entry.link, ?end, "a server's link for media ended");
    match end {
        End::Stopped | End::Replaced => Close::Stopping.close(connection),
        End::Closed(close) => close.close(connection),
        End::Lost(_) => {}
    }
}
