use super::{Time, mirror};
use crate::{backend, problem::Problem};
use plenary_federation as federation;
use plenary_model::ServerName;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which server to try.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PartnerToTry {
    /// Its domain: `oslo.example.net`.
    #[schema(min_length = 1, max_length = 253)]
    pub server: String,
}

impl PartnerToTry {
    pub(crate) fn read(self) -> Result<ServerName, Problem> {
        let name: Result<ServerName, _> = self.server.parse();
        name.map_err(|error| Problem::field("server", error.to_string()))
    }
}

mirror! {
    /// What is tried, one after the other: whether the lists here allow it; where DNS says that it is; which addresses that is;
    /// TCP; TLS and whose certificate is shown; what the other server says to us.
    PartnerStep = federation::Step { Policy, Srv, Address, Connection, Certificate, Answer }
}

/// How a step went.
#[derive(Debug, Serialize, ToSchema)]
pub struct PartnerStepDone {
    pub step: PartnerStep,
    pub good: bool,
    /// What was found, or why it failed and what to do.
    pub detail: String,
    pub took_ms: u32,
}

/// What the certificate of another server says.
#[derive(Debug, Serialize, ToSchema)]
pub struct PartnerCertificate {
    pub subject: String,
    pub issuer: String,
    pub expires_at: Time,
    /// SHA-256, in hexadecimal.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub fingerprint: String,
    /// The DNS names that it carries.
    pub names: Vec<String>,
}

impl From<federation::Shown> for PartnerCertificate {
    fn from(shown: federation::Shown) -> Self {
        Self {
            subject: shown.subject,
            issuer: shown.issuer,
            expires_at: Time(shown.expires),
            fingerprint: shown.fingerprint.into(),
            names: shown.names,
        }
    }
}

/// What came of trying to reach another server. Steps after one that failed were not tried.
#[derive(Debug, Serialize, ToSchema)]
pub struct PartnerTried {
    pub server: String,
    /// Whether the two can meet.
    pub good: bool,
    pub steps: Vec<PartnerStepDone>,
    /// Where it answered, with port.
    pub address: Option<String>,
    /// Its certificate is not the one that is pinned, or not of the authority that is.
    pub changed: bool,
    /// What was shown, also where it was refused.
    pub certificate: Option<PartnerCertificate>,
}

impl PartnerTried {
    pub(crate) fn new(server: &ServerName, tried: backend::PartnerTried) -> Self {
        let step = |done: &federation::Done| PartnerStepDone {
            step: done.step.into(),
            good: done.is_good,
            detail: done.detail.clone(),
            took_ms: done.took_ms,
        };
        Self {
            server: server.to_string(),
            good: tried.trial.is_good(),
            steps: tried.trial.steps().iter().map(step).collect(),
            address: tried.address.map(|address| address.to_string()),
            changed: tried.is_change,
            certificate: tried.certificate.map(PartnerCertificate::from),
        }
    }
}
