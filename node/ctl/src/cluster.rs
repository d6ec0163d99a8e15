//! The server and its nodes.

use crate::{
    client::{Client, encode},
    output::{Output, say},
};
use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

/// Nodes of the server.
#[derive(Subcommand)]
pub(crate) enum Node {
    /// List the nodes with role, state and lag
    List,
    /// Make a one-time token with which another machine joins: `plenary-node join TOKEN`
    Invite {
        /// How long the token is good, in minutes
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=10_080))]
        minutes: u32,
    },
    /// Send a node's users to the others and give it no new ones
    Drain { name: String },
    /// Take a drained node back into service
    Undrain { name: String },
    /// Make a node that has caught up a voter now
    Promote { name: String },
    /// Hand leadership to a node
    Lead { name: String },
    /// Remove a node for good; its certificate counts no more
    Remove {
        name: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

impl Node {
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        match self {
            Node::List => {
                let cluster = client.get("/cluster", &[]).await?;
                output.table(
                    cluster["nodes"].as_array().map_or(&[], Vec::as_slice),
                    NODE_COLUMNS,
                );
                Ok(())
            }
            Node::Invite { minutes } => {
                let body = json!({ "ttl_s": u64::from(minutes) * 60 });
                let made = client
                    .write(Method::POST, "/cluster/invitations", Some(&body))
                    .await?;
                let token = made["token"].as_str().unwrap_or_default();
                output.one(&made, || {
                    format!(
                        "On the new machine run:\n\n  plenary-node join {token}\n\nThe token works once, until {}.",
                        made["expires_at"].as_str().unwrap_or_default()
                    )
                });
                Ok(())
            }
            Node::Drain { name } => act(client, &name, "drain", Some(json!({ "drain": true }))).await,
            Node::Undrain { name } => act(client, &name, "drain", Some(json!({ "drain": false }))).await,
            Node::Promote { name } => act(client, &name, "promote", None).await,
            Node::Lead { name } => {
                client
                    .write(Method::POST, "/cluster/leader", Some(&json!({ "name": name })))
                    .await?;
                say("Done.");
                Ok(())
            }
            Node::Remove { name, yes } => remove(client, &name, yes).await,
        }
    }
}

const NODE_COLUMNS: &[(&str, &str)] = &[
    ("NODE", "name"),
    ("ROLE", "role"),
    ("STATE", "state"),
    ("VERSION", "version"),
    ("LAG", "lag"),
    ("USERS", "users_online"),
    ("CLUSTER ADDRESS", "address"),
    ("URL", "url"),
];

async fn act(client: &Client, name: &str, what: &str, body: Option<Value>) -> anyhow::Result<()> {
    client
        .write(
            Method::POST,
            &format!("/cluster/nodes/{}/{what}", encode(name)),
            body.as_ref(),
        )
        .await?;
    say("Done.");
    Ok(())
}

async fn remove(client: &Client, name: &str, yes: bool) -> anyhow::Result<()> {
    if !yes {
        say(&format!(
            "{name} will leave the server for good: its users move to other nodes, its certificate counts no more,"
        ));
        say("and it can come back only with a new token and an empty data folder. Type its name to go on:");
        let mut line = String::new();
        std::io::stdin().read_line(&mut line)?;
        anyhow::ensure!(line.trim() == name, "nothing was changed");
    }
    client
        .write(Method::DELETE, &format!("/cluster/nodes/{}", encode(name)), None)
        .await?;
    say("Removed.");
    Ok(())
}

pub(crate) async fn status(client: &Client, output: Output) -> anyhow::Result<()> {
    let cluster = client.get("/cluster", &[]).await?;
    if output.json {
        output.one(&cluster, String::new);
        return Ok(());
    }
    let text = |key: &str| cluster[key].as_str().unwrap_or("–").to_owned();
    say(&format!("Server   {} ({})", text("server"), text("enterprise")));
    say(&format!("Leader   {}, term {}", text("leader"), text("term")));
    say(&format!(
        "Quorum   {}",
        if cluster["quorum"] == true {
            "yes"
        } else {
            "NO: changes are refused until nodes come back"
        }
    ));
    say(&format!(
        "Users    {} online of {}\n",
        cluster["users_online"], cluster["users_total"]
    ));
    output.table(
        cluster["nodes"].as_array().map_or(&[], Vec::as_slice),
        NODE_COLUMNS,
    );
    for problem in cluster["problems"].as_array().into_iter().flatten() {
        let (meaning, advice) = words(problem["code"].as_str().unwrap_or_default());
        let object = problem["object"]
            .as_str()
            .filter(|o| !o.is_empty())
            .map(|o| format!("{o}: "))
            .unwrap_or_default();
        say(&format!("\n! {object}{meaning}\n  {advice}"));
    }
    Ok(())
}

/// What a problem means and what to do about it.
fn words(code: &str) -> (&'static str, &'static str) {
    match code {
        "node-down" => (
            "does not answer.",
            "Look at its log and its machine; if it is lost for good: plenaryctl node remove, then invite another.",
        ),
        "no-quorum" => (
            "More than half of the voting nodes are away: nothing can be changed.",
            "Bring nodes back; if they are lost for good, restore a backup.",
        ),
        "no-leader" => (
            "The nodes have no leader right now.",
            "This ends by itself within seconds; if not, look at the links between the nodes.",
        ),
        "disk-low" => (
            "little space is left on the disk.",
            "Free or add space; writes are refused before it is full.",
        ),
        "clock-off" => (
            "its clock differs from the others'.",
            "Check time synchronisation (chrony, systemd-timesyncd).",
        ),
        "versions-differ" => (
            "The nodes run different versions.",
            "Finish the upgrade: new features wait for the last node.",
        ),
        "slow-disk" => (
            "its disk takes long to make writes safe.",
            "Look for other load on the disk, or a failing one.",
        ),
        "even-voters" => (
            "An even number of voting nodes survives no more losses than one node less.",
            "Add a node or remove one.",
        ),
        "acme-failed" => (
            "no certificate for browsers is issued by ACME; it is tried again by itself.",
            "See that each name leads to this server at port 443, and that its nodes reach the authority.",
        ),
        "acme-differs" => (
            "The nodes' configurations want other certificates by ACME: nothing new is ordered.",
            "Make [web.acme] the same on all nodes and start them again.",
        ),
        "partner-certificate-changed" => (
            "shows another certificate than is pinned; nothing is done with that server.",
            "Ask its administrators, compare the fingerprint, then: plenaryctl federation partner pin.",
        ),
        "partner-certificate-expires" => (
            "its certificate ends within two weeks, or has ended.",
            "Tell its administrators to renew it.",
        ),
        "partner-quarantined" => (
            "that server misbehaves, and is not answered for a while.",
            "Tell its administrators; to answer it again at once: plenaryctl federation partner release.",
        ),
        "federation-not-licensed" => (
            "Federation is on, but the free licence has none: this server meets with no other.",
            "Install a licence, or: plenaryctl federation mode off.",
        ),
        _ => ("needs attention.", "See the server's pages."),
    }
}
