//! Zones: from which network people come, and what counts for them there.

use crate::{
    client::Client,
    output::{Output, say},
};
use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::{Value, json};

/// Zones: from which network people come, and what counts for them there.
#[derive(Subcommand)]
pub(crate) enum Zones {
    /// Show the trusted network and the internet
    Show,
    /// Change one of the two zones, as `plenaryctl zones set internet --deny share_screen,record`
    Set(Box<Set>),
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum ZoneName {
    Trusted,
    Internet,
}

impl ZoneName {
    fn field(self) -> &'static str {
        match self {
            Self::Trusted => "trusted",
            Self::Internet => "internet",
        }
    }
}

/// What is left out stays as it is.
#[derive(Args)]
pub(crate) struct Set {
    zone: ZoneName,
    /// Off: nobody new signs in from there or comes as a guest
    #[arg(long, value_name = "true|false")]
    on: Option<bool>,
    /// Empty: as the zone is usually called
    #[arg(long)]
    name: Option<String>,
    /// Address ranges of the trusted network, as 10.0.0.0/8,fd00::/8
    #[arg(long, value_delimiter = ',')]
    subnets: Option<Vec<String>>,
    /// Whether people sign in from there with login and password
    #[arg(long, value_name = "true|false")]
    password: Option<bool>,
    /// Whether people without an account come from there
    #[arg(long, value_name = "true|false")]
    guests: Option<bool>,
    /// Rights that count there from now on
    #[arg(long, value_delimiter = ',', value_name = "RIGHTS")]
    allow: Vec<String>,
    /// Rights that count there no more
    #[arg(long, value_delimiter = ',', value_name = "RIGHTS")]
    deny: Vec<String>,
}

impl Zones {
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let settings = client.get("/settings", &[]).await?;
        match self {
            Self::Show => {
                let zones = &settings["zones"];
                output.one(zones, || shown(zones));
                Ok(())
            }
            Self::Set(set) => {
                let mut zones = settings["zones"].clone();
                set.change(&mut zones)?;
                let tag = format!("\"{}\"", settings["revision"].as_str().unwrap_or_default());
                let request = client.request(Method::PATCH, "/settings");
                let request = request.header("If-Match", tag).json(&json!({ "zones": zones }));
                crate::client::json(request).await?;
                say("Done.");
                Ok(())
            }
        }
    }
}

impl Set {
    fn change(self, zones: &mut Value) -> anyhow::Result<()> {
        if let Some(subnets) = self.subnets {
            if matches!(self.zone, ZoneName::Internet) {
                bail!("the internet is all that is not in the trusted network; it has no subnets of its own");
            }
            zones["subnets"] = json!(subnets);
        }
        let zone = &mut zones[self.zone.field()];
        if let Some(on) = self.on {
            zone["on"] = json!(on);
        }
        if let Some(name) = self.name {
            zone["name"] = json!(name);
        }
        if let Some(password) = self.password {
            zone["methods"] = if password { json!(["password"]) } else { json!([]) };
        }
        if let Some(guests) = self.guests {
            zone["guests"] = json!(guests);
        }
        let rights = zone["rights"].as_array_mut();
        let rights = rights.context("the server says nothing of rights; is it of an older version?")?;
        for right in self.allow {
            let right = json!(right.trim());
            if !rights.contains(&right) {
                rights.push(right);
            }
        }
        rights.retain(|right| !self.deny.iter().any(|denied| *right == denied.trim()));
        Ok(())
    }
}

fn shown(zones: &Value) -> String {
    let words = |list: &Value| {
        let words: Vec<&str> = list
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if words.is_empty() {
            "none".to_owned()
        } else {
            words.join(", ")
        }
    };
    let yes = |value: &Value| if value == true { "yes" } else { "no" };
    let mut lines = Vec::new();
    for (field, usual) in [("trusted", "Trusted network"), ("internet", "Internet")] {
        let zone = &zones[field];
        let name = zone["name"].as_str().filter(|name| !name.is_empty());
        let state = if zone["on"] == true { "on" } else { "off" };
        lines.push(format!("{} ({field}): {state}", name.unwrap_or(usual)));
        if field == "trusted" {
            lines.push(format!("  Subnets: {}", words(&zones["subnets"])));
        }
        lines.push(format!("  Sign-in: {}", words(&zone["methods"])));
        lines.push(format!("  Guests: {}", yes(&zone["guests"])));
        lines.push(format!("  Rights: {}", words(&zone["rights"])));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(zone: ZoneName) -> Set {
        Set {
            zone,
            on: None,
            name: None,
            subnets: None,
            password: None,
            guests: None,
            allow: Vec::new(),
            deny: Vec::new(),
        }
    }

    #[test]
    fn what_is_left_out_stays_as_it_is() {
        let zone =
            json!({ "name": "", "on": true, "methods": ["password"], "guests": true, "rights": ["record"] });
        let before = json!({ "subnets": ["10.0.0.0/8"], "trusted": zone, "internet": zone });
        let mut zones = before.clone();
        let change = Set {
            guests: Some(false),
            allow: vec!["slides".into(), "record".into()],
            ..set(ZoneName::Internet)
        };
        change.change(&mut zones).expect("good");
        assert_eq!(zones["trusted"], before["trusted"]);
        assert_eq!(zones["internet"]["guests"], false);
        assert_eq!(zones["internet"]["rights"], json!(["record", "slides"]));
        let deny = Set {
            deny: vec!["record".into()],
            ..set(ZoneName::Internet)
        };
        deny.change(&mut zones).expect("good");
        assert_eq!(zones["internet"]["rights"], json!(["slides"]));
        let subnets = Set {
            subnets: Some(vec!["10.0.0.0/8".into()]),
            ..set(ZoneName::Internet)
        };
        assert!(subnets.change(&mut zones).is_err());
        assert!(shown(&before).contains("Internet (internet): on"));
    }
}
