//! What a file says, in words.

use super::{now, read, trust, wanted::moment};
use crate::output::Output;
use anyhow::{Context as _, bail};
use chrono::DateTime;
use clap::Args;
use plenary_licences::{
    PoolId,
    licence::{
        Confirmation, Covers, Edition, Holder, KeyId, Licence, LicenceError, PublicKey, Request, Signed,
        Support, Term, Trust, Warning,
    },
};
use plenary_model::{ServerName, Timestamp};
use serde_json::{Value, json};
use std::path::PathBuf;

/// What to look into, and by whose eyes.
#[derive(Args)]
pub(crate) struct Inspect {
    /// A licence, request or confirmation file
    file: PathBuf,
    /// Judge as the server of this name would
    #[arg(long, conflicts_with = "pool")]
    server: Option<ServerName>,
    /// Judge as the License Manager with this pool would
    #[arg(long, value_parser = pool)]
    pool: Option<PoolId>,
    /// A confirmation that the License Manager has; repeat for more
    #[arg(long, requires = "pool")]
    confirmation: Vec<PathBuf>,
    /// Judge as of this day, like 2027-01-31
    #[arg(long, value_parser = day)]
    at: Option<Timestamp>,
    /// Public key of a vendor that counts too, as keygen printed it
    #[arg(long)]
    vendor: Option<PublicKey>,
}

fn pool(text: &str) -> Result<PoolId, &'static str> {
    let pool = (text.len() == 32)
        .then(|| u128::from_str_radix(text, 16).ok())
        .flatten();
    pool.map(PoolId)
        .ok_or("a pool is 32 hexadecimal digits, as the License Manager's status shows")
}

fn day(text: &str) -> Result<Timestamp, &'static str> {
    moment(text).ok_or("write a day like 2027-01-31")
}

/// What was found: lines for people, the same for programs, and whether it would be accepted.
struct Found {
    lines: Vec<(&'static str, String)>,
    json: Value,
    verdict: Result<String, LicenceError>,
}

impl Inspect {
    pub(super) fn run(self, output: Output) -> anyhow::Result<()> {
        let bytes = read(&self.file)?;
        let mut keys = trust()?.keys().to_vec();
        keys.extend(self.vendor);
        let found = self
            .look(&bytes, &keys)
            .with_context(|| self.file.display().to_string())?;
        let mut value = found.json;
        value["accepted"] = found.verdict.is_ok().into();
        value["reason"] = found.verdict.as_ref().err().map(LicenceError::code).into();
        output.one(&value, || {
            let width = found.lines.iter().map(|(head, _)| head.len()).max().unwrap_or(0);
            let mut lines: Vec<String> = found
                .lines
                .iter()
                .map(|(head, text)| format!("{head:width$}  {text}"))
                .collect();
            lines.extend(
                found
                    .verdict
                    .as_ref()
                    .ok()
                    .map(|words| format!("\nWould be accepted{words}.")),
            );
            lines.join("\n")
        });
        match found.verdict {
            Ok(_) => Ok(()),
            Err(error) => bail!("it would be refused: {error} ({})", error.code()),
        }
    }

    fn look(&self, bytes: &[u8], keys: &[PublicKey]) -> anyhow::Result<Found> {
        let text = String::from_utf8_lossy(bytes);
        if text.contains("PLENARY LICENCE REQUEST") {
            return Ok(of_request(&Request::of_text(bytes)?));
        }
        if text.contains("PLENARY LICENCE CONFIRMATION") {
            return self.confirmation_file(bytes, keys);
        }
        let (licence, key) = Signed::peek(bytes)?;
        let verdict = self.judge(bytes, keys);
        Ok(of_licence(&licence, key, verdict, self.at.unwrap_or(now())))
    }

    fn judge(&self, bytes: &[u8], keys: &[PublicKey]) -> Result<String, LicenceError> {
        let at = self.at.unwrap_or(now());
        let signed = Signed::of_text(bytes, keys)?;
        if let Some(pool) = self.pool {
            let files = self.confirmation.iter().filter_map(|path| read(path).ok());
            let confirmations = files
                .map(|file| Confirmation::of_text(&file, keys, pool))
                .collect::<Result<Vec<_>, _>>()?;
            let holder = Holder::Manager {
                pool,
                confirmations: &confirmations,
            };
            return signed
                .counts(holder, at)
                .map(|()| " by that License Manager".into());
        }
        let own = match (&self.server, &signed.licence.covers) {
            (Some(server), _) => Some(server),
            (None, Covers::Only(names)) if names.len() == 1 => names.first(),
            _ => None,
        };
        if let Some(server) = own {
            return signed
                .counts(Holder::Server(server), at)
                .map(|()| format!(" by {server}"));
        }
        // The confirmation is the manager's to have; everything else is judged.
        let holder = Holder::Manager {
            pool: PoolId(0),
            confirmations: &[],
        };
        match signed.counts(holder, at) {
            Ok(()) => Ok(" by a License Manager".into()),
            Err(LicenceError::NotConfirmed) => {
                Ok(" by a License Manager that has a confirmation for its pool".into())
            }
            Err(error) => Err(error),
        }
    }

    fn confirmation_file(&self, bytes: &[u8], keys: &[PublicKey]) -> anyhow::Result<Found> {
        let said = Confirmation::peek(bytes)?;
        let pool = self.pool.unwrap_or(said.pool);
        let verdict = Confirmation::of_text(bytes, keys, pool);
        let lines = vec![
            ("kind", "confirmation of a licence for one License Manager".into()),
            ("licence", said.licence.to_string()),
            ("pool", said.pool.to_string()),
            ("made", time(said.made)),
            ("signed by", signed_by(said.key())),
        ];
        Ok(Found {
            lines,
            json: json!({ "kind": "confirmation", "licence": said.licence.to_string(), "pool": said.pool.to_string(),
                "made": time(said.made), "key": said.key().to_string() }),
            verdict: verdict.map(|_| format!(" by the License Manager with the pool {}", said.pool)),
        })
    }
}

fn of_request(request: &Request) -> Found {
    let lines = vec![
        ("kind", "request of a License Manager to use a licence".into()),
        ("licence", request.licence.to_string()),
        ("pool", request.pool.to_string()),
        ("made", time(request.made)),
        ("version", request.version.escape_debug().to_string()),
    ];
    Found {
        lines,
        json: json!({ "kind": "request", "licence": request.licence.to_string(), "pool": request.pool.to_string(),
            "made": time(request.made), "version": request.version }),
        verdict: Ok(" by plenaryctl licence confirm; it proves nothing about who made it".into()),
    }
}

fn of_licence(licence: &Licence, key: KeyId, verdict: Result<String, LicenceError>, at: Timestamp) -> Found {
    let names: Vec<String> = match &licence.covers {
        Covers::Any => Vec::new(),
        Covers::Only(names) => names.iter().map(ToString::to_string).collect(),
    };
    let extensions: Vec<String> = licence.extensions.iter().map(word).collect();
    let ends = licence.valid_until.map(time);
    let soon = match Warning::of(licence.valid_until, at) {
        Some(Warning::Over) => " (over)",
        Some(_) => " (soon)",
        None => "",
    };
    let lines = vec![
        ("kind", "licence".to_owned()),
        ("licence", licence.id.to_string()),
        ("enterprise", licence.enterprise.clone()),
        ("contact", licence.contact.clone()),
        (
            "servers",
            if names.is_empty() {
                "any".to_owned()
            } else {
                names.join(", ")
            },
        ),
        ("seats", licence.seats.to_string()),
        ("extensions", extensions.join(", ")),
        (
            "edition",
            match licence.edition {
                Edition::Server => "server".to_owned(),
                Edition::Enterprise => "enterprise: PRO and online seats are one pool".to_owned(),
            },
        ),
        (
            "term",
            match licence.term {
                Term::Free => "free",
                Term::Trial => "trial",
                Term::Annual => "annual",
                Term::Lifetime => "lifetime",
            }
            .to_owned(),
        ),
        (
            "support",
            match licence.support {
                Support::Basic => "basic",
                Support::Advanced => "advanced",
                Support::Complete => "complete",
            }
            .to_owned(),
        ),
        ("issued", time(licence.issued)),
        ("valid from", time(licence.valid_from)),
        (
            "valid until",
            ends.as_ref()
                .map_or("for ever".to_owned(), |ends| format!("{ends}{soon}")),
        ),
        ("signed by", signed_by(key)),
    ];
    let json = json!({
        "kind": "licence", "licence": licence.id.to_string(), "enterprise": licence.enterprise,
        "contact": licence.contact, "servers": if names.is_empty() { json!("any") } else { json!(names) },
        "seats": licence.seats, "extensions": licence.extensions, "edition": licence.edition, "term": licence.term,
        "support": licence.support, "issued": time(licence.issued), "valid_from": time(licence.valid_from),
        "valid_until": ends, "key": key.to_string(),
        "development": key == plenary_licences::licence::DEVELOPMENT_KEY.id(),
    });
    Found { lines, json, verdict }
}

fn signed_by(key: KeyId) -> String {
    match key == plenary_licences::licence::DEVELOPMENT_KEY.id() {
        true => format!("the development key {key}: {}", Trust::MARK),
        false => format!("the key {key}"),
    }
}

fn word(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().replace('_', " ")
}

fn time(moment: Timestamp) -> String {
    let moment = i64::try_from(moment.0)
        .ok()
        .and_then(DateTime::from_timestamp_millis);
    moment.map_or("at no time".into(), |moment| {
        moment.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    })
}
