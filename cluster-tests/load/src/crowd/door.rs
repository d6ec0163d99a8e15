//! How a crowd gets in: seats for it, a conference, and a token for each.

use crate::quickstart::{Quickstart, text};
use anyhow::{Context as _, ensure};
use plenary_licences::{
    Seats,
    licence::{Covers, Edition, Licence, LicenceId, Signed, Signer, Support, Term},
};
use plenary_model::Timestamp;
use serde_json::{Value, json};
use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};
use tokio::{task::JoinSet, time::sleep};

/// A conference takes 200 guests a day from one network; so many come from each.
const FROM_ONE_ADDRESS: usize = 200;
/// A guest is asked for so often, with so long in between, while a node says that it cannot now.
const TRIES: u32 = 50;
const AGAIN: Duration = Duration::from_millis(200);
/// Guests that ask at the same time.
const AT_ONCE: usize = 16;

/// Seats beside those that quickstart has.
pub(super) async fn seat(server: &Quickstart, guests: usize) -> anyhow::Result<()> {
    let licence = Licence {
        id: LicenceId(rand::random()),
        enterprise: "Load".into(),
        contact: String::new(),
        covers: Covers::Any,
        seats: Seats {
            guest: u32::try_from(guests)?,
            ..Seats::NONE
        },
        extensions: Default::default(),
        term: Term::Lifetime,
        edition: Edition::Server,
        support: Support::Basic,
        issued: Timestamp(1),
        valid_from: Timestamp(1),
        valid_until: None,
    };
    let file = Signed::issue(&licence, &Signer::for_development()?)?;
    server
        .post("/api/v1/licence", server.admin(), &json!({ "file": file }))
        .await
        .map(drop)
}

/// A conference that lets guests in and has a podium.
pub(super) async fn open(server: &Quickstart, cid: &str) -> anyhow::Result<()> {
    let conference =
        json!({ "cid": cid, "name": "Crowd", "access": "public", "settings": { "mode": "role_based" } });
    server
        .post("/api/v1/conferences", server.admin(), &conference)
        .await
        .map(drop)
}

/// Tokens of so many guests.
pub(super) async fn guests(server: &Quickstart, cid: &str, count: usize) -> anyhow::Result<Vec<String>> {
    let urls = server.urls();
    let mut tokens = Vec::new();
    let mut asking = JoinSet::new();
    let mut client = from(0)?;
    for number in 0..count {
        if number.is_multiple_of(FROM_ONE_ADDRESS) {
            client = from(number / FROM_ONE_ADDRESS)?;
        }
        let url = format!("{}/api/v1/conferences/{cid}/guests", urls[number % urls.len()]);
        let request = client
            .post(url)
            .json(&json!({ "name": format!("Guest {number:04}") }));
        asking.spawn(token(request));
        if asking.len() >= AT_ONCE {
            tokens.push(asking.join_next().await.context("some ask")???);
        }
    }
    while let Some(token) = asking.join_next().await {
        tokens.push(token??);
    }
    Ok(tokens)
}

/// A node under load may be behind for a moment.
async fn token(request: reqwest::RequestBuilder) -> anyhow::Result<String> {
    let mut tries = 0;
    loop {
        let again = request.try_clone().context("the request can be sent again")?;
        let answer = again.send().await?;
        let (status, said) = (answer.status(), answer.text().await?);
        if status.is_success() {
            let guest: Value = serde_json::from_str(&said)?;
            return text(&guest["token"]);
        }
        tries += 1;
        ensure!(
            status.as_u16() == 503 && tries < TRIES,
            "no guest: {status} {said}"
        );
        sleep(AGAIN).await;
    }
}

/// A client with an address of its own on loopback.
fn from(number: usize) -> anyhow::Result<reqwest::Client> {
    let last = u8::try_from(number + 2).context("too many guests for addresses of one block")?;
    let address = IpAddr::V4(Ipv4Addr::new(127, 0, 7, last));
    Ok(reqwest::Client::builder()
        .no_proxy()
        .local_address(address)
        .build()?)
}
