//! Configuration in layers: TOML file, `PLENARY_…` variables over it, flags over those.

use anyhow::{Context as _, anyhow, bail};
use figment::{
    Figment,
    providers::{Env, Format as _, Serialized, Toml},
};
use serde::{Serialize, de::DeserializeOwned};
use std::path::Path;

/// Reads the file (if any) and the environment; `overrides` are the flags. `full` has every key that there is; what
/// nobody gives is as in `T::default()`, key by key.
///
/// # Errors
/// When the file cannot be read or is no TOML. Unknown keys are refused with the nearest key that exists.
pub fn layered<T: Default + Serialize + DeserializeOwned>(
    file: Option<&Path>,
    overrides: &toml::Table,
    full: &T,
) -> anyhow::Result<T> {
    let known = toml::Table::try_from(full).context("the default configuration does not serialise")?;
    let mut figment = Figment::new();
    if let Some(file) = file {
        // Read here, so that a missing file is an error and not an empty configuration.
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("the configuration {} cannot be read", file.display()))?;
        check_toml(file, &text)?;
        figment = figment.merge(Toml::string(&text));
    }
    figment = figment
        .merge(environment(&known))
        .merge(Serialized::defaults(overrides));
    let given: toml::Table = figment
        .extract()
        .context("the configuration is not a set of keys and values")?;
    check_keys(&given, &known)?;
    figment
        .join(Serialized::defaults(T::default()))
        .extract()
        .map_err(|error| anyhow!("configuration: {error}"))
}

/// Says in one line where the file is no TOML.
fn check_toml(file: &Path, text: &str) -> anyhow::Result<()> {
    let Err(error) = toml::from_str::<toml::Table>(text) else {
        return Ok(());
    };
    let before = error
        .span()
        .and_then(|span| text.get(..span.start))
        .unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let reason = error.message().lines().collect::<Vec<_>>().join(", ");
    bail!(
        "the configuration {} is no TOML at line {line}: {reason}",
        file.display()
    )
}

/// `PLENARY_…` variables that are configuration: keys like `PLENARY_DATA`, and all with `__` after a section.
fn environment(known: &toml::Table) -> Env {
    let known = known.clone();
    Env::prefixed("PLENARY_")
        .filter(move |key| {
            let key = key.as_str().to_ascii_lowercase();
            match key.split_once("__") {
                Some((section, _)) => known.get(section).is_some_and(toml::Value::is_table),
                None => known.get(&key).is_some_and(|value| !value.is_table()),
            }
        })
        .split("__")
}

/// Compares the keys that were given with those that exist.
fn check_keys(given: &toml::Table, known: &toml::Table) -> anyhow::Result<()> {
    let mut paths = Vec::new();
    collect(known, "", &mut paths);
    let mut used = Vec::new();
    collect(given, "", &mut used);
    for key in used {
        if !paths.contains(&key) {
            let nearest = paths
                .iter()
                .max_by(|a, b| strsim::jaro_winkler(a, &key).total_cmp(&strsim::jaro_winkler(b, &key)))
                .map(String::as_str)
                .unwrap_or_default();
            bail!("configuration: there is no key {key:?}; did you mean {nearest:?}?");
        }
    }
    Ok(())
}

fn collect(table: &toml::Table, prefix: &str, into: &mut Vec<String>) {
    for (key, value) in table {
        let path = if prefix.is_empty() {
            key.clone()
        } else {
            format!("{prefix}.{key}")
        };
        match value {
            toml::Value::Table(inner) => collect(inner, &path, into),
            _ => into.push(path),
        }
    }
}
