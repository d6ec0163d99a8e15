//! What must hold after every scenario.

use crate::{Harvest, Server};
use serde_json::Value;
use std::collections::BTreeMap;

/// Checks on every node that each acknowledged account is there and was created once.
///
/// # Errors
/// Says what was lost, doubled or read too old.
pub async fn verify(server: &Server, harvest: &Harvest) -> anyhow::Result<()> {
    anyhow::ensure!(
        harvest.stale.is_empty(),
        "reads that broke the promise: {:#?}",
        harvest.stale
    );
    let newest = harvest.acknowledged.values().max().copied().unwrap_or(0);
    for node in 0..server.members.len() {
        let users = ids(server, node, "/users?sort=id", newest, "id").await?;
        let lost: Vec<_> = harvest
            .acknowledged
            .keys()
            .filter(|id| !users.contains_key(*id))
            .take(10)
            .collect();
        anyhow::ensure!(
            lost.is_empty(),
            "{} lost acknowledged accounts: {lost:?}",
            server.members[node].name
        );
        let doubled: Vec<_> = users.iter().filter(|(_, count)| **count != 1).take(10).collect();
        anyhow::ensure!(doubled.is_empty(), "accounts that are listed twice: {doubled:?}");
        let events = ids(server, node, "/events?object_kind=user", newest, "object").await?;
        let twice: Vec<_> = harvest
            .acknowledged
            .keys()
            .filter(|id| events.get(*id) != Some(&1))
            .take(10)
            .collect();
        anyhow::ensure!(
            twice.is_empty(),
            "accounts whose creation is not exactly one event: {twice:?}"
        );
    }
    Ok(())
}

/// How often each value of `field` occurs in a list, over all its pages.
async fn ids(
    server: &Server,
    node: usize,
    list: &str,
    index: u64,
    field: &str,
) -> anyhow::Result<BTreeMap<String, u32>> {
    let mut found = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let separator = if list.contains('?') { '&' } else { '?' };
        let url = server.url(node, &format!("{list}{separator}limit=500{cursor}"));
        let request = server
            .http
            .get(url)
            .bearer_auth(&server.token)
            .header("Plenary-Index", index.to_string());
        let page: Value = request.send().await?.error_for_status()?.json().await?;
        for item in page["items"].as_array().into_iter().flatten() {
            *found
                .entry(item[field].as_str().unwrap_or_default().to_owned())
                .or_insert(0) += 1;
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(found),
        }
    }
}
