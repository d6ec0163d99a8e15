//! Calling people into the run that goes on.

use crate::{
    client::{Client, encode},
    output::{Output, say},
};
use reqwest::Method;
use serde_json::json;

/// Calls people in, if any are named, and shows who was called and is not in.
pub(super) async fn call_in(
    client: &Client,
    output: Output,
    conference: &str,
    users: Vec<String>,
    invited: bool,
) -> anyhow::Result<()> {
    let path = format!("{conference}/calls");
    let called = if users.is_empty() && !invited {
        client.get(&path, &[]).await?
    } else {
        let body = match invited {
            true => json!({ "invited": true }),
            false => json!({ "users": users }),
        };
        client.write(Method::POST, &path, Some(&body)).await?
    };
    let rows = called.as_array().cloned().unwrap_or_default();
    let columns = [
        ("USER", "user"),
        ("NAME", "display_name"),
        ("STATE", "state"),
        ("SINCE", "at"),
    ];
    output.table(&rows, &columns);
    Ok(())
}

/// Takes the calls of these back; of nobody in particular: all.
pub(super) async fn call_off(client: &Client, conference: &str, users: &[String]) -> anyhow::Result<()> {
    let path = format!("{conference}/calls");
    if users.is_empty() {
        client.write(Method::DELETE, &path, None).await?;
    }
    for user in users {
        let path = format!("{path}/{}", encode(user));
        client.write(Method::DELETE, &path, None).await?;
    }
    say("Done.");
    Ok(())
}
