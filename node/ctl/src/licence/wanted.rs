//! The description of a licence that is to be signed.

use anyhow::{Context as _, bail};
use chrono::{DateTime, NaiveDate, NaiveTime};
use plenary_licences::{
    Seats,
    licence::{Covers, Edition, Extension, Licence, LicenceId, Support, Term},
};
use plenary_model::{ServerName, Timestamp};
use serde::Deserialize;
use std::collections::BTreeSet;

/// A licence as people write it (TOML).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    enterprise: String,
    #[serde(default)]
    contact: String,
    servers: Servers,
    term: Term,
    edition: Edition,
    support: Support,
    /// Without it from now on.
    valid_from: Option<Day>,
    /// The first moment at which it no longer counts.
    valid_until: Option<Day>,
    #[serde(default)]
    extensions: BTreeSet<Extension>,
    seats: WantedSeats,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Servers {
    Only(BTreeSet<ServerName>),
    Word(String),
}

/// A date of TOML or a text: `2027-01-31` (its first moment, UTC) or `2027-01-31T12:00:00Z`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Day {
    Date(toml::value::Datetime),
    Text(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WantedSeats {
    #[serde(default)]
    pro: u32,
    online: Option<u32>,
    #[serde(default)]
    guest: u32,
    #[serde(default)]
    gateway: u32,
}

impl Wanted {
    /// The licence, to be signed under this name at this time.
    pub(super) fn licence(self, id: LicenceId, now: Timestamp) -> anyhow::Result<Licence> {
        let covers = match self.servers {
            Servers::Only(names) => Covers::Only(names),
            Servers::Word(word) if word == "any" => Covers::Any,
            Servers::Word(word) => bail!("servers is {word:?}; write a list of names, or \"any\""),
        };
        let WantedSeats {
            pro,
            online,
            guest,
            gateway,
        } = self.seats;
        let valid_from = self.valid_from.map(|day| day.moment("valid_from")).transpose()?;
        let licence = Licence {
            id,
            enterprise: self.enterprise,
            contact: self.contact,
            covers,
            seats: Seats {
                pro,
                online: online.unwrap_or(Licence::online_with(pro)),
                guest,
                gateway,
            },
            extensions: self.extensions,
            term: self.term,
            edition: self.edition,
            support: self.support,
            issued: now,
            valid_from: valid_from.unwrap_or(now),
            valid_until: self
                .valid_until
                .map(|day| day.moment("valid_until"))
                .transpose()?,
        };
        licence.check()?;
        Ok(licence)
    }
}

impl Day {
    fn moment(&self, key: &str) -> anyhow::Result<Timestamp> {
        let text = match self {
            Self::Date(date) => date.to_string(),
            Self::Text(text) => text.clone(),
        };
        moment(&text).with_context(|| {
            format!("{key} is {text:?}; write a day like 2027-01-31, or 2027-01-31T12:00:00Z")
        })
    }
}

/// Milliseconds since 1970 of a day or a moment.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let day = text
        .parse::<NaiveDate>()
        .map(|day| day.and_time(NaiveTime::MIN).and_utc());
    let moment = day.or_else(|_| DateTime::parse_from_rfc3339(text).map(|moment| moment.to_utc()));
    moment.ok()?.timestamp_millis().try_into().ok().map(Timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);
    const GOOD: &str = r#"
        enterprise = "Example Ltd"
        contact = "Joe Smith, +1 555 0100"
        servers = ["paris.example.com", "oslo.example.com"]
        term = "annual"
        edition = "server"
        support = "advanced"
        valid_from = 2027-02-01
        valid_until = "2028-02-01T12:00:00Z"
        extensions = ["streaming", "license_manager"]
        [seats]
        pro = 21
        guest = 4
    "#;

    fn licence(text: &str) -> anyhow::Result<Licence> {
        toml::from_str::<Wanted>(text)?.licence(LicenceId(1), NOW)
    }

    #[test]
    fn every_field_can_be_written() {
        let licence = licence(GOOD).expect("good");
        assert_eq!(licence.enterprise, "Example Ltd");
        assert_eq!(licence.contact, "Joe Smith, +1 555 0100");
        assert!(matches!(&licence.covers, Covers::Only(names) if names.len() == 2));
        let seats = Seats {
            pro: 21,
            online: 31,
            guest: 4,
            gateway: 0,
        };
        assert_eq!(licence.seats, seats);
        assert_eq!((licence.term, licence.edition), (Term::Annual, Edition::Server));
        assert_eq!(licence.support, Support::Advanced);
        assert_eq!(licence.extensions.len(), 2);
        assert_eq!(Some(licence.valid_from), moment("2027-02-01T00:00:00Z"));
        assert_eq!(licence.valid_until, moment("2028-02-01T12:00:00+00:00"));
        assert_eq!(licence.issued, NOW);
    }

    #[test]
    fn what_is_no_licence_is_refused_with_the_reason() {
        for (from, to, says) in [
            ("\"annual\"", "\"free\"", "built in"),
            ("\"annual\"", "\"lifetime\"", "no end"),
            ("\"annual\"", "\"monthly\"", "annual"),
            ("2027-02-01", "2029-02-01", "ends before"),
            ("2027-02-01", "\"soon\"", "valid_from"),
            ("\"streaming\"", "\"teleporting\"", "teleporting"),
            ("[\"paris.example.com\", \"oslo.example.com\"]", "\"all\"", "any"),
            ("pro = 21", "pro = 20000000", "10,000,000"),
            ("pro = 21", "prro = 21", "prro"),
            ("\"Example Ltd\"", "\"\"", "enterprise"),
        ] {
            let error = licence(&GOOD.replace(from, to)).expect_err("refused");
            assert!(format!("{error:#}").contains(says), "{to}: {error:#}");
        }
    }
}
