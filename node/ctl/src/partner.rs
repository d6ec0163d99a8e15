//! Single servers of other enterprises: how they are, and what is written down of them.

use crate::{
    client::{Client, encode},
    output::{Output, say},
};
use anyhow::Context as _;
use clap::{ArgAction, Args, Subcommand};
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// Servers of other enterprises, one by one.
#[derive(Subcommand)]
pub(crate) enum Partner {
    /// List those of whom something is written down or known, and how they are
    List,
    /// Show one: how it is, its certificate, its terms
    Show {
        /// Its domain, as oslo.example.net
        server: String,
    },
    /// Write down what may be done with a server; what is not given stays as it is
    Set {
        server: String,
        #[command(flatten)]
        terms: Terms,
    },
    /// Choose what a server must prove itself with: one authority, one certificate, or what everybody believes
    #[command(
        after_help = "A new certificate of a partner is confirmed like this: plenaryctl federation partner pin oslo.example.net --certificate SHA-256"
    )]
    Pin {
        server: String,
        #[command(flatten)]
        proof: Proof,
    },
    /// Answer a server again that misbehaved
    Release { server: String },
    /// Forget what is written down of a server; it is then treated as all others are
    Drop { server: String },
}

#[derive(Args)]
pub(crate) struct Terms {
    /// Whom to ask there, for administrators
    #[arg(long)]
    note: Option<String>,
    /// No terms of its own any more: as for all others
    #[arg(long, conflicts_with_all = ["calls", "conferences", "chat", "content", "recording", "bandwidth", "participants"])]
    usual: bool,
    /// Calls of two
    #[arg(long, action = ArgAction::Set)]
    calls: Option<bool>,
    /// Conferences of either server
    #[arg(long, action = ArgAction::Set)]
    conferences: Option<bool>,
    /// Messages and files
    #[arg(long, action = ArgAction::Set)]
    chat: Option<bool>,
    /// Screens
    #[arg(long, action = ArgAction::Set)]
    content: Option<bool>,
    /// They may record people of this server; nothing can be recorded yet, it counts once that is possible
    #[arg(long, action = ArgAction::Set)]
    recording: Option<bool>,
    /// Of all media, in each direction, in kbit/s; 0: no limit
    #[arg(long, value_name = "KBPS")]
    bandwidth: Option<u32>,
    /// People of theirs in conferences here at a time; 0: no limit
    #[arg(long, value_name = "PEOPLE")]
    participants: Option<u32>,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Proof {
    /// File with the certificate of the authority (PEM): it alone counts for this server
    #[arg(long, value_name = "FILE")]
    authority: Option<PathBuf>,
    /// SHA-256 of the certificate that alone counts for this server, in hexadecimal
    #[arg(long, value_name = "SHA-256")]
    certificate: Option<String>,
    /// Nothing is pinned: a certificate counts that this machine trusts for everybody
    #[arg(long)]
    nothing: bool,
}

const COLUMNS: &[(&str, &str)] = &[
    ("SERVER", "server"),
    ("STATE", "state"),
    ("MET LAST", "met"),
    ("CERTIFICATE UNTIL", "until"),
    ("NOTE", "note"),
];

impl Partner {
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        match self {
            Partner::List => list(client, output).await,
            Partner::Show { server } => {
                let partner = client.get(&path(&server), &[]).await?;
                output.one(&partner, || shown(&partner));
                Ok(())
            }
            Partner::Set { server, terms } => {
                let usual = client.get("/settings", &[]).await?["partner_terms"].clone();
                change(client, &server, |partner| terms.put(partner, &usual)).await
            }
            Partner::Pin { server, proof } => {
                let authority = match &proof.authority {
                    Some(file) => Some(
                        std::fs::read_to_string(file)
                            .with_context(|| format!("{} cannot be read", file.display()))?,
                    ),
                    None => None,
                };
                change(client, &server, |partner| {
                    partner.insert("authority".into(), json!(authority));
                    partner.insert("certificate".into(), json!(proof.certificate));
                })
                .await
            }
            Partner::Release { server } => {
                let path = format!("{}/release", path(&server));
                client.write(Method::POST, &path, None).await?;
                say(&format!("{server} is answered again."));
                Ok(())
            }
            Partner::Drop { server } => {
                client.write(Method::DELETE, &path(&server), None).await?;
                say("Done.");
                Ok(())
            }
        }
    }
}

impl Terms {
    fn put(&self, partner: &mut Map<String, Value>, usual: &Value) {
        if let Some(note) = &self.note {
            partner.insert("note".into(), json!(note));
        }
        if self.usual {
            partner.insert("terms".into(), Value::Null);
        }
        let limit = |value: u32| if value == 0 { Value::Null } else { json!(value) };
        let given = [
            ("calls", self.calls.map(Value::Bool)),
            ("conferences", self.conferences.map(Value::Bool)),
            ("chat", self.chat.map(Value::Bool)),
            ("content", self.content.map(Value::Bool)),
            ("recording", self.recording.map(Value::Bool)),
            ("bandwidth_kbps", self.bandwidth.map(limit)),
            ("participants", self.participants.map(limit)),
        ];
        for (name, value) in given {
            let Some(value) = value else { continue };
            let terms = partner.entry("terms").or_insert(Value::Null);
            if terms.is_null() {
                *terms = usual.clone();
            }
            terms[name] = value;
        }
    }
}

fn path(server: &str) -> String {
    format!("/federation/partners/{}", encode(server))
}

/// Changes what is written down, or writes it down the first time; not over the change of somebody else.
async fn change(
    client: &Client,
    server: &str,
    change: impl FnOnce(&mut Map<String, Value>),
) -> anyhow::Result<()> {
    let all = client.get("/federation/partners", &[]).await?;
    let server = server.trim().trim_end_matches('.').to_lowercase();
    let known = all["items"]
        .as_array()
        .and_then(|items| items.iter().find(|one| one["server"] == server.as_str()));
    let mut partner = Map::new();
    for name in ["note", "terms", "authority", "certificate"] {
        if let Some(value) = known.map(|known| known[name].clone()) {
            partner.insert(name.into(), value);
        }
    }
    change(&mut partner);
    let revision = known.and_then(|known| known["revision"].as_str()).unwrap_or("0");
    let request = client
        .request(Method::PUT, &path(&server))
        .header("If-Match", format!("\"{revision}\""))
        .json(&partner);
    crate::client::json(request).await?;
    say("Done.");
    Ok(())
}

async fn list(client: &Client, output: Output) -> anyhow::Result<()> {
    let all = client.get("/federation/partners", &[]).await?;
    let items = all["items"].as_array().map_or(&[][..], Vec::as_slice);
    if output.json {
        output.one(&all, String::new);
        return Ok(());
    }
    let rows: Vec<Value> = items
        .iter()
        .map(|one| {
            let day = |at: &Value| at.as_str().map(|at| at.chars().take(10).collect::<String>());
            json!({
                "server": one["server"], "state": words(&one["state"]), "note": one["note"],
                "met": one["seen"]["reached_at"],
                "until": day(&one["seen"]["certificate"]["expires_at"]),
            })
        })
        .collect();
    output.table(&rows, COLUMNS);
    if all["licensed"] == false {
        say("\nThe free licence has no federation: this server meets with none of them. Install a licence.");
    }
    Ok(())
}

fn words(state: &Value) -> &'static str {
    match state.as_str() {
        Some("quarantined") => "in quarantine",
        Some("certificate_changed") => "CERTIFICATE CHANGED",
        Some("not_allowed") => "not allowed here",
        Some("failing") => "cannot be met",
        Some("well") => "well",
        _ => "not tried yet",
    }
}

fn shown(partner: &Value) -> String {
    let mut lines = Vec::new();
    let mut add = |name: &str, value: &Value| {
        let text = match value {
            Value::Null => return,
            Value::String(text) if text.is_empty() => return,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        lines.push(format!("{name:<20} {text}"));
    };
    let seen = &partner["seen"];
    add("Server", &partner["server"]);
    add("State", &json!(words(&partner["state"])));
    add("Note", &partner["note"]);
    add("Met last", &seen["reached_at"]);
    for (name, attempt) in [
        ("Tried", &seen["outgoing"]),
        ("Came", &seen["incoming"]),
        ("Claimed", &seen["claimed"]),
    ] {
        add(&format!("{name} last"), &attempt["at"]);
        add(&format!("{name}, and failed"), &attempt["trouble"]);
    }
    add("Round trip, ms", &seen["round_trip_ms"]);
    add("Of theirs here", &seen["users"]);
    add("Of ours there", &seen["own_users"]);
    add("Where DNS leads", &seen["way"]);
    add("Quarantine until", &seen["quarantined_until"]);
    let certificate = &seen["certificate"];
    add("Certificate", &certificate["subject"]);
    add("Issued by", &certificate["issuer"]);
    add("Good until", &certificate["expires_at"]);
    add("SHA-256", &certificate["fingerprint"]);
    add("To be confirmed", &seen["changed"]["fingerprint"]);
    add("Pinned SHA-256", &partner["certificate"]);
    for authority in partner["authorities"].as_array().into_iter().flatten() {
        add("Pinned authority", &authority["subject"]);
    }
    match partner["terms"].as_object() {
        None => add("Terms", &json!("as for all others")),
        Some(terms) => {
            let allowed: Vec<&str> = terms
                .iter()
                .filter(|(_, value)| **value == true)
                .map(|(name, _)| name.as_str())
                .collect();
            add("Allowed", &json!(allowed.join(", ")));
            add("Most kbit/s", &terms["bandwidth_kbps"]);
            add("Most people", &terms["participants"]);
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms() -> Terms {
        Terms {
            note: None,
            usual: false,
            calls: None,
            conferences: None,
            chat: Some(false),
            content: None,
            recording: None,
            bandwidth: None,
            participants: Some(0),
        }
    }

    #[test]
    fn terms_of_its_own_begin_with_those_of_all_others() {
        let usual = json!({ "calls": true, "chat": true, "participants": 50 });
        let mut partner = Map::new();
        terms().put(&mut partner, &usual);
        assert_eq!(
            partner["terms"],
            json!({ "calls": true, "chat": false, "participants": null })
        );
        let back = Terms {
            usual: true,
            chat: None,
            participants: None,
            ..terms()
        };
        back.put(&mut partner, &usual);
        assert_eq!(partner["terms"], Value::Null);
    }
}
