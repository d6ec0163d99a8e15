//! The certificate for browsers by ACME (RFC 8555): what all nodes know of it, and when the leader orders another one.
//!
//! ```text
//!  plan ──act──► Order ──► account, challenges ──► certificate ──a third is left──► Order …
//!                  └─ failed ──► trouble: not before `retry_at` ─────────────────────┘
//! ```

use plenary_model::Timestamp;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt};

/// Bytes that only nodes of this server can read: they have the key that sealed them.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(pub Vec<u8>);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed")
    }
}

/// What is to be ordered, and of whom.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AcmePlan {
    /// URL of the authority's directory (RFC 8555 §7.1.1).
    pub directory: String,
    /// DNS names in lower case, 1 to [`Acme::NAMES`].
    pub names: BTreeSet<String>,
}

/// Who this server is at the authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcmeAccount {
    pub directory: String,
    /// Its key, and what it is called there.
    pub credentials: Sealed,
}

/// What any node answers when the authority looks whether a name leads here (RFC 8737).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcmeChallenge {
    pub name: String,
    /// SHA-256 of the key authorization.
    pub digest: [u8; 32],
    /// It is answered until then.
    pub until: Timestamp,
}

/// A certificate that was issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcmeCertificate {
    pub plan: AcmePlan,
    /// PEM, that of the server first.
    pub chain: String,
    /// PKCS#8.
    pub key: Sealed,
    pub from: Timestamp,
    pub until: Timestamp,
    /// When it came.
    pub issued_at: Timestamp,
}

/// Why the last order came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcmeTrouble {
    pub plan: AcmePlan,
    /// The last word of the type in RFC 8555 §6.7, or one of ours.
    pub code: String,
    /// A sentence for administrators, with the name that it is about.
    pub detail: String,
    /// How many orders have failed since one did not.
    pub failures: u32,
    pub at: Timestamp,
    /// No order before then.
    pub retry_at: Timestamp,
}

/// All that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Acme {
    pub account: Option<AcmeAccount>,
    pub challenges: Vec<AcmeChallenge>,
    pub certificate: Option<AcmeCertificate>,
    pub trouble: Option<AcmeTrouble>,
}

/// How far the leader has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AcmeNews {
    Account(AcmeAccount),
    /// These are answered as well; those of before until they end.
    Challenges(Vec<AcmeChallenge>),
    Certificate(AcmeCertificate),
    Trouble(AcmeTrouble),
    /// Nobody wants one any more.
    Forget,
}

/// What the leader has to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcmeAct {
    Nothing,
    Order,
    Forget,
}

/// What the leader knows beside the replicated state.
#[derive(Debug, Clone, Copy)]
pub struct AcmeView<'a> {
    pub now: Timestamp,
    /// What its own configuration says.
    pub plan: Option<&'a AcmePlan>,
    /// The key of the certificate can be read here; not so after the server got other issuers.
    pub readable: bool,
    /// All nodes that are up have the same plan.
    pub agreed: bool,
    /// 0 to 999: servers that were founded at the same time shall not renew at the same time.
    pub jitter: u32,
}

impl Acme {
    /// Most names in a certificate. Authorities take 100 (Let's Encrypt).
    pub const NAMES: usize = 100;
    /// Most challenges that are answered at a time: those of two leaders.
    pub const CHALLENGES: usize = 2 * Self::NAMES;
    /// Longest chain, in bytes.
    pub const CHAIN_BYTES: usize = 64 << 10;
    /// Longest of all other fields, in bytes.
    pub const FIELD_BYTES: usize = 8 << 10;

    /// What is to be done now. What was ordered is renewed whatever other nodes want; to begin and to change takes all of them,
    /// so that a change of the leader orders nothing.
    pub fn act(&self, view: AcmeView<'_>) -> AcmeAct {
        let Some(plan) = view.plan else {
            let forget = view.agreed && *self != Self::default();
            return if forget { AcmeAct::Forget } else { AcmeAct::Nothing };
        };
        let held_back = self.trouble.as_ref().filter(|trouble| trouble.plan == *plan);
        if held_back.is_some_and(|trouble| view.now < trouble.retry_at) {
            return AcmeAct::Nothing;
        }
        let same = self.certificate.as_ref().filter(|one| one.plan == *plan);
        let due = match same {
            Some(certificate) => !view.readable || view.now >= certificate.due(view.jitter),
            None => view.agreed,
        };
        if due { AcmeAct::Order } else { AcmeAct::Nothing }
    }

    /// Whether people notice soon: less than a ninth of the life of the certificate is left.
    pub fn is_pressing(&self, now: Timestamp) -> bool {
        self.certificate.as_ref().is_some_and(|one| {
            let life = one.until.0.saturating_sub(one.from.0);
            now.0 >= one.until.0.saturating_sub(life / 9)
        })
    }

    /// The challenges that are answered at `now`.
    pub fn answered(&self, now: Timestamp) -> impl Iterator<Item = &AcmeChallenge> {
        self.challenges.iter().filter(move |one| now < one.until)
    }
}

impl AcmeCertificate {
    /// When it is renewed: with a third of its life left, a little earlier by `jitter` (0 to 999), at most by a thirtieth. An authority
    /// that issues what is old already, or whose clock is another, is not asked without end.
    pub fn due(&self, jitter: u32) -> Timestamp {
        let life = self.until.0.saturating_sub(self.from.0);
        let early = life / 30 * u64::from(jitter.min(999)) / 1_000;
        let due = self.until.0.saturating_sub(life / 3).saturating_sub(early);
        Timestamp(due).max(self.issued_at.plus_ms(LEAST_USE_MS.min(life / 3)))
    }
}

/// A certificate is used for so long at least, or for a third of its life.
const LEAST_USE_MS: u64 = 60 * 60 * 1_000;
/// The first order after one that failed.
const FIRST_PAUSE_MS: u64 = 5 * 60 * 1_000;
/// Pauses grow up to half a day: authorities count failed orders by the hour, and orders by the week.
const LONGEST_PAUSE_MS: u64 = 12 * 60 * 60 * 1_000;
/// Whatever an authority asks for, it is asked again after a week.
const PATIENCE_MS: u64 = 7 * 24 * 60 * 60 * 1_000;

/// When the next order may be made after the `failures`th failure in a row (1, 2 …). `asked_ms` is what the authority asked to
/// be left alone for (`Retry-After`); `jitter` is 0 to 999.
pub fn acme_retry_at(now: Timestamp, failures: u32, asked_ms: Option<u64>, jitter: u32) -> Timestamp {
    let doubled = FIRST_PAUSE_MS.saturating_mul(1 << failures.saturating_sub(1).min(16));
    let pause = doubled.min(LONGEST_PAUSE_MS);
    let pause = pause.max(asked_ms.unwrap_or(0).min(PATIENCE_MS));
    now.plus_ms(pause + pause / 10 * u64::from(jitter.min(999)) / 1_000)
}
