//! Servers of other enterprises.

use crate::{
    client::Client,
    output::{Output, say},
    partner::Partner,
};
use anyhow::ensure;
use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

/// Federation: meeting with servers of other enterprises.
#[derive(Subcommand)]
pub(crate) enum Federation {
    /// Show which servers this one meets with
    Show,
    /// Choose with which servers this one meets: none, only those on the whitelist, or all but those on the blacklist
    Mode {
        #[arg(value_parser = ["off", "whitelist", "blacklist"])]
        mode: String,
    },
    /// Put servers on a list, as `plenaryctl federation add whitelist '*.example.net'`
    Add {
        #[arg(value_parser = ["whitelist", "blacklist"])]
        list: String,
        /// DNS names, or masks as *.example.net, v*.example.net, example.*
        #[arg(required = true)]
        servers: Vec<String>,
    },
    /// Take servers off a list, each as it was put there
    Drop {
        #[arg(value_parser = ["whitelist", "blacklist"])]
        list: String,
        #[arg(required = true)]
        servers: Vec<String>,
    },
    /// What is written down of single servers: what may be done with them, what they must prove themselves with
    #[command(subcommand)]
    Partner(Partner),
    /// Try to reach a server, and say which step fails and why: lists, DNS, address, TCP, certificate, its answer
    Test {
        /// Its domain, as oslo.example.net
        server: String,
    },
}

impl Federation {
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        match self {
            Federation::Show => {
                let settings = client.get("/settings", &[]).await?;
                let federation = &settings["federation"];
                output.one(federation, || shown(federation));
                Ok(())
            }
            Federation::Mode { mode } => change(client, |federation| federation["mode"] = json!(mode)).await,
            Federation::Add { list, servers } => {
                change(client, |federation| {
                    if let Some(masks) = federation[&list].as_array_mut() {
                        masks.extend(servers.iter().map(|server| json!(server)));
                    }
                })
                .await
            }
            Federation::Drop { list, servers } => {
                let settings = client.get("/settings", &[]).await?;
                let masks = settings["federation"][&list]
                    .as_array()
                    .cloned()
                    .unwrap_or_default();
                for server in &servers {
                    ensure!(
                        masks.iter().any(|mask| is(mask, server)),
                        "{server} is not on the {list}; `plenaryctl federation show` lists what is"
                    );
                }
                change(client, |federation| {
                    if let Some(masks) = federation[&list].as_array_mut() {
                        masks.retain(|mask| !servers.iter().any(|server| is(mask, server)));
                    }
                })
                .await
            }
            Federation::Partner(act) => act.run(client, output).await,
            Federation::Test { server } => test(client, output, &server).await,
        }
    }
}

fn is(mask: &Value, server: &str) -> bool {
    mask.as_str()
        .is_some_and(|mask| mask.eq_ignore_ascii_case(server))
}

async fn change(client: &Client, change: impl FnOnce(&mut Value)) -> anyhow::Result<()> {
    let settings = client.get("/settings", &[]).await?;
    let mut federation = settings["federation"].clone();
    change(&mut federation);
    let tag = format!("\"{}\"", settings["revision"].as_str().unwrap_or_default());
    let request = client.request(Method::PATCH, "/settings");
    let request = request
        .header("If-Match", tag)
        .json(&json!({ "federation": federation }));
    crate::client::json(request).await?;
    say("Done.");
    Ok(())
}

fn shown(federation: &Value) -> String {
    let list = |name: &str| {
        let masks = federation[name].as_array().map_or(&[][..], Vec::as_slice);
        let masks: Vec<&str> = masks.iter().filter_map(Value::as_str).collect();
        if masks.is_empty() {
            "nobody".to_owned()
        } else {
            masks.join(", ")
        }
    };
    match federation["mode"].as_str() {
        Some("whitelist") => format!("This server meets with these only: {}", list("whitelist")),
        Some("blacklist") => format!("This server meets with all but these: {}", list("blacklist")),
        _ => "This server does not meet with others.".to_owned(),
    }
}

async fn test(client: &Client, output: Output, server: &str) -> anyhow::Result<()> {
    let body = json!({ "server": server });
    let tried = client
        .write(Method::POST, "/federation/test", Some(&body))
        .await?;
    output.one(&tried, || told(&tried));
    ensure!(tried["good"] == true, "{server} cannot be met");
    Ok(())
}

fn told(tried: &Value) -> String {
    let steps = tried["steps"].as_array().map_or(&[][..], Vec::as_slice);
    let mut lines: Vec<String> = steps
        .iter()
        .map(|step| {
            let text = |key: &str| step[key].as_str().unwrap_or_default().to_owned();
            let mark = if step["good"] == true { "good  " } else { "FAILED" };
            format!(
                "{mark}  {:<12} {} ({} ms)",
                text("step"),
                text("detail"),
                step["took_ms"]
            )
        })
        .collect();
    if let Some(certificate) = tried["certificate"].as_object() {
        let text = |key: &str| {
            certificate
                .get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        lines.push(String::new());
        lines.push(format!("certificate   {}", text("subject")));
        lines.push(format!("issued by     {}", text("issuer")));
        lines.push(format!("good until    {}", text("expires_at")));
        lines.push(format!("SHA-256       {}", text("fingerprint")));
    }
    lines.join("\n")
}
