//! `[web.acme]`: of whom the server gets its certificate for browsers, and for which names.

use anyhow::{Context as _, bail, ensure};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use plenary_access::{Acme, AcmePlan};
use plenary_identity::WebName;
use plenary_model::ServerName;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Let's Encrypt, whose certificates every browser believes.
const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// The same on all nodes of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AcmeConfig {
    /// URL of the authority's directory (RFC 8555 §7.1.1).
    pub(crate) directory: String,
    /// Mail address that the authority may write to.
    pub(crate) contact: Option<String>,
    /// Whether the authority's terms of service are agreed to; without that nothing is ordered.
    pub(crate) agree: bool,
    /// Further DNS names beside the server's; each must lead to its nodes at port 443.
    pub(crate) names: Vec<String>,
    /// PEM file of the authorities that the ACME server's own HTTPS is checked by, instead of those of this machine.
    pub(crate) authority: Option<PathBuf>,
    /// Who this server is to an authority that knows its customers (RFC 8555 §7.3.4).
    pub(crate) external_account: Option<ExternalAccount>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ExternalAccount {
    /// The key identifier that the authority gave.
    pub(crate) id: String,
    /// File with the HMAC key that it gave, in base64url.
    pub(crate) key_file: PathBuf,
}

impl Default for AcmeConfig {
    fn default() -> Self {
        Self {
            directory: LETS_ENCRYPT.into(),
            contact: None,
            agree: false,
            names: Vec::new(),
            authority: None,
            external_account: None,
        }
    }
}

impl AcmeConfig {
    /// With every key, to know which there are.
    pub(crate) fn full() -> Self {
        Self {
            contact: Some(String::new()),
            authority: Some(PathBuf::new()),
            external_account: Some(ExternalAccount::default()),
            ..Self::default()
        }
    }

    pub(crate) fn check(&self) -> anyhow::Result<()> {
        ensure!(
            self.agree,
            "configuration: web.acme.agree must be true: an authority issues nothing to who does not agree to its terms \
             of service; read them first"
        );
        let host = self.directory.strip_prefix("https://");
        let host = host.filter(|rest| !rest.is_empty() && !rest.starts_with('/'));
        ensure!(
            host.is_some() && self.directory.bytes().all(|byte| byte.is_ascii_graphic()),
            "configuration: web.acme.directory is {:?}; it must be a URL with https, such as {LETS_ENCRYPT}",
            self.directory
        );
        if let Some(contact) = &self.contact {
            let is_mail = contact.split_once('@').is_some_and(|(who, host)| {
                !who.is_empty() && !host.is_empty() && contact.bytes().all(|byte| byte.is_ascii_graphic())
            });
            ensure!(
                is_mail,
                "configuration: web.acme.contact is {contact:?}; it must be a mail address"
            );
        }
        ensure!(
            self.names.len() < Acme::NAMES,
            "configuration: web.acme.names must be {} at most",
            Acme::NAMES - 1
        );
        for name in &self.names {
            let Ok(WebName::Dns(_)) = name.parse() else {
                bail!("configuration: web.acme.names has {name:?}; authorities certify DNS names only");
            };
        }
        if let Some(account) = &self.external_account {
            ensure!(
                !account.id.is_empty() && !account.key_file.as_os_str().is_empty(),
                "configuration: web.acme.external_account needs id and key_file, as the authority gave them"
            );
        }
        Ok(())
    }

    /// What is ordered with it for a server.
    pub(crate) fn plan(&self, server: &ServerName) -> AcmePlan {
        let names = self.names.iter().map(String::as_str).chain([server.as_str()]);
        let names: BTreeSet<String> = names.map(str::to_ascii_lowercase).collect();
        AcmePlan {
            directory: self.directory.clone(),
            names,
        }
    }

    /// Whether the files that it names can be read.
    pub(crate) fn readable(&self) -> anyhow::Result<()> {
        self.authorities()?;
        self.external_account
            .as_ref()
            .map(ExternalAccount::key)
            .transpose()?;
        Ok(())
    }

    /// The authorities in [`AcmeConfig::authority`], PEM.
    pub(super) fn authorities(&self) -> anyhow::Result<Option<Vec<reqwest::Certificate>>> {
        let Some(file) = &self.authority else {
            return Ok(None);
        };
        let cannot = || format!("web.acme.authority: {} cannot be read", file.display());
        let text = std::fs::read(file).with_context(cannot)?;
        let all = reqwest::Certificate::from_pem_bundle(&text).with_context(cannot)?;
        ensure!(
            !all.is_empty(),
            "web.acme.authority: {} holds no certificate in PEM",
            file.display()
        );
        Ok(Some(all))
    }
}

impl ExternalAccount {
    pub(super) fn key(&self) -> anyhow::Result<Zeroizing<Vec<u8>>> {
        read_key(&self.key_file)
    }
}

fn read_key(file: &Path) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let name = || format!("web.acme.external_account.key_file: {}", file.display());
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", name()))?;
    let text = Zeroizing::new(text);
    let key = BASE64_URL_SAFE_NO_PAD.decode(text.trim().trim_end_matches('='));
    // The reason would quote what may be a part of the key.
    let key = key.ok().filter(|key| !key.is_empty());
    key.map(Zeroizing::new)
        .with_context(|| format!("{} holds no key in base64url", name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agreed() -> AcmeConfig {
        AcmeConfig {
            agree: true,
            ..AcmeConfig::default()
        }
    }

    #[test]
    fn what_is_missing_or_wrong_names_its_key() {
        agreed().check().expect("enough");
        let refused = |change: fn(&mut AcmeConfig)| {
            let mut config = agreed();
            change(&mut config);
            config.check().expect_err("refused").to_string()
        };
        for (words, key) in [
            (refused(|config| config.agree = false), "web.acme.agree"),
            (
                refused(|config| config.directory = "http://a".into()),
                "web.acme.directory",
            ),
            (
                refused(|config| config.directory = "https://".into()),
                "web.acme.directory",
            ),
            (
                refused(|config| config.contact = Some("nobody".into())),
                "web.acme.contact",
            ),
            (
                refused(|config| config.names = vec!["192.0.2.1".into()]),
                "web.acme.names",
            ),
            (
                refused(|config| config.names = vec!["*.example.com".into()]),
                "web.acme.names",
            ),
            (
                refused(|config| config.external_account = Some(ExternalAccount::default())),
                "web.acme.external_account",
            ),
        ] {
            assert!(words.contains(key), "{words}");
        }
    }

    #[test]
    fn the_server_is_always_among_the_names_and_each_is_there_once() {
        let config = AcmeConfig {
            names: vec!["Video.example.com".into(), "paris.example.com".into()],
            ..agreed()
        };
        let plan = config.plan(&"paris.example.com".parse().expect("good"));
        assert!(plan.names.iter().eq(["paris.example.com", "video.example.com"]));
    }

    #[test]
    fn a_key_is_read_with_and_without_padding_and_not_quoted() {
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("eab.key");
        for text in ["_-8", "_-8=\n"] {
            std::fs::write(&file, text).expect("written");
            assert_eq!(read_key(&file).expect("a key").as_slice(), [0xff, 0xef]);
        }
        std::fs::write(&file, "no key!").expect("written");
        let words = read_key(&file).expect_err("none").to_string();
        assert!(
            words.contains("key_file") && !words.contains("no key!"),
            "{words}"
        );
    }
}
