//! Settings of the server.

use crate::{
    client::Client,
    output::{Output, say},
};
use anyhow::{Context as _, bail};
use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

/// Settings of the server.
#[derive(Subcommand)]
pub(crate) enum Settings {
    /// Show all settings
    Show,
    /// Change settings, as lockout.attempts=5 password.digits=true
    Set {
        #[arg(required = true, value_name = "SECTION.KEY=VALUE")]
        pairs: Vec<String>,
    },
}

impl Settings {
    pub(crate) async fn run(self, client: &Client, output: Output) -> anyhow::Result<()> {
        let current = client.get("/settings", &[]).await?;
        match self {
            Settings::Show => {
                output.one(&current, || lines(&current));
                Ok(())
            }
            Settings::Set { pairs } => {
                let patch = patch(&current, &pairs)?;
                let tag = format!("\"{}\"", current["revision"].as_str().unwrap_or_default());
                let request = client
                    .request(Method::PATCH, "/settings")
                    .header("If-Match", tag)
                    .json(&patch);
                crate::client::json(request).await?;
                say("Done.");
                Ok(())
            }
        }
    }
}

/// The sections that `pairs` touch, each whole, with the new values in place.
fn patch(current: &Value, pairs: &[String]) -> anyhow::Result<Value> {
    let mut patch = json!({});
    for pair in pairs {
        let (key, text) = pair
            .split_once('=')
            .with_context(|| format!("{pair:?} is not SECTION.KEY=VALUE"))?;
        let (section, field) = key
            .split_once('.')
            .with_context(|| format!("{key:?} is not SECTION.KEY"))?;
        let Some(old) = current.get(section).and_then(|s| s.get(field)) else {
            bail!("there is no setting {key:?}; `plenaryctl settings show` lists them");
        };
        if patch.get(section).is_none() {
            patch[section] = current[section].clone();
        }
        patch[section][field] = match old {
            Value::String(_) => json!(text),
            Value::Array(_) => json!(text.split(',').map(str::trim).collect::<Vec<_>>()),
            _ => serde_json::from_str(text)
                .with_context(|| format!("{text:?} is not a value for {key}, which is {old} now"))?,
        };
    }
    Ok(patch)
}

fn lines(settings: &Value) -> String {
    let mut out = Vec::new();
    for (section, values) in settings.as_object().into_iter().flatten() {
        for (key, value) in values.as_object().into_iter().flatten() {
            out.push(format!(
                "{section}.{key}={}",
                value.as_str().map_or_else(|| value.to_string(), str::to_owned)
            ));
        }
    }
    out.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_carries_whole_sections() {
        let now = json!({ "lockout": { "attempts": 10, "enabled": true }, "revision": "7" });
        let made = patch(&now, &["lockout.attempts=5".into()]).expect("good");
        assert_eq!(made, json!({ "lockout": { "attempts": 5, "enabled": true } }));
        assert!(patch(&now, &["lockout.attempt=5".into()]).is_err());
        assert!(patch(&now, &["lockout.attempts=five".into()]).is_err());
    }
}
