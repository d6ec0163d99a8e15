//! What comes from outside: from where, under which licence, and why.

use super::licence;
use crate::steps::{cargo_command, root};
use anyhow::{Context as _, bail};
use cargo_metadata::Metadata;
use std::collections::BTreeSet;

fn table(file: &str) -> anyhow::Result<toml::Table> {
    let text =
        std::fs::read_to_string(root().join(file)).with_context(|| format!("{file} cannot be read"))?;
    text.parse().with_context(|| format!("{file} is no TOML"))
}

fn deny(section: &str, key: &str) -> anyhow::Result<Vec<String>> {
    let table = table("deny.toml")?;
    let list = table
        .get(section)
        .and_then(|section| section.get(key)?.as_array());
    let list = list.with_context(|| format!("deny.toml has no list {section}.{key}"))?;
    Ok(list
        .iter()
        .filter_map(|value| Some(value.as_str()?.to_owned()))
        .collect())
}

/// What the product is built for.
pub(super) fn platforms() -> anyhow::Result<Vec<String>> {
    deny("graph", "targets")
}

pub(super) fn faults(metadata: &Metadata) -> anyhow::Result<Vec<String>> {
    let mut faults = packages(metadata, &deny("licenses", "allow")?)?;
    faults.extend(banned()?);
    faults.extend(lines()?);
    Ok(faults)
}

/// Every package comes from crates.io, under a licence that deny.toml allows.
fn packages(metadata: &Metadata, allowed: &[String]) -> anyhow::Result<Vec<String>> {
    let resolve = metadata.resolve.as_ref().context("cargo resolves the packages")?;
    let built: BTreeSet<_> = resolve.nodes.iter().map(|node| &node.id).collect();
    let mut faults = Vec::new();
    for package in metadata
        .packages
        .iter()
        .filter(|package| built.contains(&package.id))
    {
        let name = format!("{} {}", package.name, package.version);
        match &package.source {
            None if package.manifest_path.starts_with(&metadata.workspace_root) => {}
            None => faults.push(format!("{name}: is a folder outside of the project")),
            Some(source) if source.is_crates_io() => {}
            Some(source) => faults.push(format!("{name}: comes from {source}, not from crates.io")),
        }
        let text = package.license.as_deref().unwrap_or("a file of its own");
        if !licence::allowed(text, allowed) {
            faults.push(format!(
                "{name}: its licence is {text}, which deny.toml does not allow"
            ));
        }
    }
    Ok(faults)
}

/// Packages that deny.toml bans. cargo's metadata also lists what no feature turns on; its tree does not.
fn banned() -> anyhow::Result<Vec<String>> {
    let table = table("deny.toml")?;
    let bans = table.get("bans").and_then(|bans| bans.get("deny")?.as_array());
    let bans = bans.context("deny.toml has no list bans.deny")?;
    let bans: Vec<&str> = bans.iter().filter_map(|ban| ban.get("crate")?.as_str()).collect();
    let mut used = BTreeSet::new();
    for platform in platforms()? {
        let mut command = cargo_command(&["tree", "--workspace", "--all-features", "--locked"]);
        let output = command
            .args(["--prefix", "none", "--format", "{p}", "--target", &platform])
            .output()?;
        if !output.status.success() {
            bail!(
                "cargo tree failed: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let names = text.lines().filter_map(|line| line.split(' ').next());
        used.extend(names.map(str::to_owned));
    }
    if used.is_empty() {
        bail!("cargo tree lists no packages");
    }
    let found = bans.into_iter().filter(|name| used.contains(*name));
    Ok(found
        .map(|name| format!("{name}: deny.toml bans it; cargo tree -i {name} says who brings it"))
        .collect())
}

/// Everything that is named in the manifests has a line with its reason, and the other way round.
fn lines() -> anyhow::Result<Vec<String>> {
    let manifest = table("Cargo.toml")?;
    let crates = manifest
        .get("workspace")
        .and_then(|workspace| workspace.get("dependencies")?.as_table());
    let crates = crates.context("Cargo.toml has workspace.dependencies")?;
    let crates = crates.iter().filter(|(_, value)| value.get("path").is_none());
    let named = crates.map(|(name, _)| name.clone()).collect();

    let package = std::fs::read_to_string(root().join("node/web-ui/package.json"))?;
    let package: serde_json::Value = serde_json::from_str(&package).context("package.json is no JSON")?;
    let of_pages: Vec<(String, String)> = ["dependencies", "devDependencies"]
        .into_iter()
        .filter_map(|key| package[key].as_object())
        .flatten()
        .map(|(name, version)| (name.clone(), version.as_str().unwrap_or_default().to_owned()))
        .collect();

    let listed = std::fs::read_to_string(root().join("docs/dependencies.md"))?;
    let mut faults = differences(&named, &rows(&listed, "crate"));
    faults.extend(differences(
        &of_pages.iter().map(|(name, _)| name.clone()).collect(),
        &rows(&listed, "package"),
    ));
    let loose = of_pages.iter().filter(|(_, version)| !is_exact(version));
    faults.extend(
        loose.map(|(name, version)| format!("node/web-ui/package.json: {name} {version}: name one version")),
    );
    Ok(faults)
}

/// First cells of the tables whose first column is headed so.
fn rows(text: &str, heading: &str) -> BTreeSet<String> {
    let mut rows = BTreeSet::new();
    let mut inside = false;
    for line in text.lines() {
        let cell = line.strip_prefix("| ").and_then(|line| line.split(" |").next());
        match cell {
            None => inside = false,
            Some(cell) if cell == heading => inside = true,
            Some(cell) if inside && !cell.starts_with("---") => {
                rows.insert(cell.to_owned());
            }
            Some(_) => {}
        }
    }
    rows
}

fn differences(named: &BTreeSet<String>, listed: &BTreeSet<String>) -> Vec<String> {
    let missing = named.difference(listed).map(|name| format!("{name} has no line"));
    let stale = listed
        .difference(named)
        .map(|name| format!("{name} is not used any more"));
    missing
        .chain(stale)
        .map(|fault| format!("docs/dependencies.md: {fault}"))
        .collect()
}

/// Not a range, an address or a repository.
fn is_exact(version: &str) -> bool {
    let parts: Vec<&str> = version.splitn(3, '.').collect();
    parts.len() == 3
        && parts
            .iter()
            .all(|part| part.starts_with(|c: char| c.is_ascii_digit()))
        && !version.contains(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_table_has_its_own_rows() {
        let text = "| crate | for |\n| --- | --- |\n| a | x |\n| b | y |\n\n| package | for |\n| --- | --- |\n| c | z |\n";
        assert_eq!(
            rows(text, "crate"),
            BTreeSet::from(["a".to_owned(), "b".to_owned()])
        );
        assert_eq!(rows(text, "package"), BTreeSet::from(["c".to_owned()]));
    }

    #[test]
    fn lines_are_neither_missing_nor_stale() {
        let named = BTreeSet::from(["a".to_owned(), "b".to_owned()]);
        let listed = BTreeSet::from(["b".to_owned(), "c".to_owned()]);
        assert_eq!(differences(&named, &listed).len(), 2);
        assert!(differences(&named, &named).is_empty());
    }

    #[test]
    fn versions_of_pages_are_exact() {
        assert!(is_exact("9.6.3") && is_exact("1.0.0-beta.2"));
        for loose in [
            "^9.6.3",
            "9.6",
            "*",
            "git+https://example.com/x.git",
            "file:../x",
            ">=1.0.0 <2.0.0",
            "1.x.0",
        ] {
            assert!(!is_exact(loose), "{loose}");
        }
    }
}
