//! One order, from the account to the certificate (RFC 8555 §7.4).

use super::{ACCOUNT, KEY, config::AcmeConfig, web::Web};
use crate::server::Server;
use anyhow::Context as _;
use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, ChallengeType, Error, ExternalAccountKey, Identifier,
    NewAccount, NewOrder, Order, OrderStatus, Problem, RetryPolicy,
};
use plenary_access::{Acme, AcmeAccount, AcmeCertificate, AcmeChallenge, AcmeNews, AcmePlan, Sealed};
use plenary_identity::{WebCertificate, WebRequest};
use plenary_model::Timestamp;
use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use zeroize::Zeroizing;

/// Challenges are answered for so long.
const ANSWERED_MS: u64 = 10 * 60 * 1_000;
/// An authority that takes longer than this to look, or to issue, is asked anew later.
const PATIENCE: RetryPolicy = RetryPolicy::new()
    .initial_delay(Duration::from_millis(500))
    .backoff(1.5)
    .timeout(Duration::from_secs(90));
/// What is told to people is no longer.
const DETAIL_CHARACTERS: usize = 1_000;

/// Why there is no certificate.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failed {
    /// The last word of the type in RFC 8555 §6.7, or one of ours.
    pub(super) code: String,
    pub(super) detail: String,
    /// What the authority asked to be left alone for.
    pub(super) asked_ms: Option<u64>,
}

impl Failed {
    pub(super) fn new(code: &str, detail: impl Into<String>) -> Self {
        let detail: String = detail.into();
        let shown = |c: char| if c.is_control() { ' ' } else { c };
        Self {
            code: code
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .take(64)
                .collect(),
            detail: detail.chars().map(shown).take(DETAIL_CHARACTERS).collect(),
            asked_ms: None,
        }
    }

    fn ours(error: anyhow::Error) -> Self {
        Self::new("internal", format!("{error:#}"))
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        match &error {
            Error::Api(problem) => Self::new(kind(problem), words(problem)),
            Error::Timeout(_) => {
                Self::new("timeout", "the authority did not look, or did not issue, in time")
            }
            Error::Other(cause) => {
                let chain: Vec<String> =
                    std::iter::successors(Some(&**cause as &dyn std::error::Error), |one| one.source())
                        .map(ToString::to_string)
                        .collect();
                Self::new("unreachable", chain.join(": "))
            }
            other => Self::new(
                "malformed",
                format!("the authority's answer cannot be used: {other}"),
            ),
        }
    }
}

/// `rateLimited` of `urn:ietf:params:acme:error:rateLimited`.
fn kind(problem: &Problem) -> &str {
    let kind = problem.r#type.as_deref().unwrap_or_default();
    kind.rsplit(':').next().unwrap_or_default()
}

fn words(problem: &Problem) -> String {
    let own = problem.detail.as_deref().filter(|text| !text.is_empty());
    let mut words = own.unwrap_or_else(|| kind(problem)).to_owned();
    for one in &problem.subproblems {
        let name = match &one.identifier {
            Some(Identifier::Dns(name)) => name.as_str(),
            _ => "",
        };
        words += &format!("; {name}: {}", one.detail.as_deref().unwrap_or_default());
    }
    words
}

/// What is needed for one order.
pub(super) struct Orderer<'a> {
    pub(super) server: &'a Arc<Server>,
    pub(super) config: &'a AcmeConfig,
    pub(super) plan: &'a AcmePlan,
    pub(super) web: Web,
}

impl Orderer<'_> {
    /// Gets a certificate for the plan, with a key of its own.
    pub(super) async fn order(&self, known: &Acme) -> Result<AcmeCertificate, Failed> {
        self.run(known).await.map_err(|failed| Failed {
            asked_ms: self.web.asked_ms(),
            ..failed
        })
    }

    async fn run(&self, known: &Acme) -> Result<AcmeCertificate, Failed> {
        let names: Vec<Identifier> = self.plan.names.iter().cloned().map(Identifier::Dns).collect();
        let wanted = NewOrder::new(&names);
        let mut order = match self.known_account(known).await? {
            Some(account) => match account.new_order(&wanted).await {
                // The authority has forgotten us.
                Err(Error::Api(problem)) if kind(&problem) == "accountDoesNotExist" => {
                    self.new_account().await?.new_order(&wanted).await?
                }
                made => made?,
            },
            None => self.new_account().await?.new_order(&wanted).await?,
        };
        self.prove(&mut order).await?;
        self.certificate(&mut order).await
    }

    async fn known_account(&self, known: &Acme) -> Result<Option<Account>, Failed> {
        let same = |account: &&AcmeAccount| account.directory == self.plan.directory;
        let Some(account) = known.account.as_ref().filter(same) else {
            return Ok(None);
        };
        let opened = self.server.identity.unseal(ACCOUNT, &account.credentials.0);
        let Some(credentials) = opened.and_then(|json| serde_json::from_slice(&json).ok()) else {
            tracing::info!("the account at the authority cannot be read by this server; it makes a new one");
            return Ok(None);
        };
        let credentials: AccountCredentials = credentials;
        let builder = Account::builder_with_http(Box::new(self.web.clone()));
        Ok(Some(builder.from_credentials(credentials).await?))
    }

    async fn new_account(&self) -> Result<Account, Failed> {
        let contact = self.config.contact.as_ref();
        let contact = contact.map(|address| format!("mailto:{address}"));
        let contact: Vec<&str> = contact.as_deref().into_iter().collect();
        let new = NewAccount {
            contact: &contact,
            terms_of_service_agreed: self.config.agree,
            only_return_existing: false,
        };
        let external = self.config.external_account.as_ref().map(|known| {
            let key = known.key()?;
            anyhow::Ok(ExternalAccountKey::new(known.id.clone(), &key))
        });
        let external = external.transpose().map_err(Failed::ours)?;
        let directory = self.plan.directory.clone();
        let builder = Account::builder_with_http(Box::new(self.web.clone()));
        let (account, credentials) = builder.create(&new, directory.clone(), external.as_ref()).await?;
        let json = serde_json::to_vec(&credentials).map(Zeroizing::new);
        let json = json.context("the account cannot be kept").map_err(Failed::ours)?;
        let sealed = self.server.identity.seal(ACCOUNT, &json);
        let credentials = Sealed(sealed.map_err(|error| Failed::ours(error.into()))?);
        self.tell(AcmeNews::Account(AcmeAccount {
            directory,
            credentials,
        }))
        .await?;
        tracing::info!(directory = %self.plan.directory, "this server has an account at the authority");
        Ok(account)
    }

    /// Proves that the names lead here, as far as the authority does not believe it already.
    async fn prove(&self, order: &mut Order) -> Result<(), Failed> {
        let challenges = self.challenges(order).await?;
        if !challenges.is_empty() {
            self.tell(AcmeNews::Challenges(challenges)).await?;
            super::until_all_answer(self.server).await;
        }
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization?;
            if authorization.status == AuthorizationStatus::Valid {
                continue;
            }
            let name = authorization.identifier().to_string();
            let Some(mut challenge) = authorization.challenge(ChallengeType::TlsAlpn01) else {
                return Err(no_challenge(&name));
            };
            if let Err(error) = challenge.set_ready().await {
                return Err(about(&name, error));
            }
        }
        match order.poll_ready(&PATIENCE).await {
            Ok(OrderStatus::Ready) => Ok(()),
            Ok(_) => Err(self.refused(order).await.unwrap_or_else(|| {
                Failed::new("invalid", "the authority refuses the order and does not say why")
            })),
            Err(error @ Error::Api(_)) => Err(self.refused(order).await.unwrap_or_else(|| error.into())),
            Err(error) => Err(error.into()),
        }
    }

    async fn challenges(&self, order: &mut Order) -> Result<Vec<AcmeChallenge>, Failed> {
        let until = self.server.now_ms().plus_ms(ANSWERED_MS);
        let mut challenges = Vec::new();
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization?;
            if authorization.status == AuthorizationStatus::Valid {
                continue;
            }
            let name = authorization.identifier().to_string();
            let Some(challenge) = authorization.challenge(ChallengeType::TlsAlpn01) else {
                return Err(no_challenge(&name));
            };
            let agreed = challenge.key_authorization();
            let digest = <[u8; 32]>::try_from(agreed.digest().as_ref());
            let digest = digest.map_err(|error| Failed::ours(error.into()))?;
            challenges.push(AcmeChallenge { name, digest, until });
        }
        Ok(challenges)
    }

    /// What the authority says of the names that it does not believe to lead here.
    async fn refused(&self, order: &mut Order) -> Option<Failed> {
        let mut found: Option<Failed> = None;
        let mut authorizations = order.authorizations();
        while let Some(Ok(mut authorization)) = authorizations.next().await {
            if authorization.refresh().await.is_err() {
                continue;
            }
            let name = authorization.identifier().to_string();
            let problems = authorization
                .challenges
                .iter()
                .filter_map(|one| one.error.clone());
            for problem in problems {
                let next = about(&name, Error::Api(problem));
                found = Some(match found {
                    Some(before) => Failed::new(&before.code, format!("{}; {}", before.detail, next.detail)),
                    None => next,
                });
            }
        }
        found
    }

    async fn certificate(&self, order: &mut Order) -> Result<AcmeCertificate, Failed> {
        let request = WebRequest::new(self.plan.names.iter().map(String::as_str));
        let request = request.map_err(|error| Failed::ours(error.into()))?;
        order.finalize_csr(request.request()).await?;
        let chain = order.poll_certificate(&PATIENCE).await?;
        let read = WebCertificate::read(&chain, &request.key());
        let read = read.map_err(|error| Failed::new("malformed", plenary_identity::explain(&error)))?;
        if !self.plan.names.is_subset(&read.names) {
            return Err(Failed::new(
                "malformed",
                "the certificate that was issued lacks names that were ordered",
            ));
        }
        let key = self.server.identity.seal(KEY, &request.key());
        Ok(AcmeCertificate {
            plan: self.plan.clone(),
            chain,
            key: Sealed(key.map_err(|error| Failed::ours(error.into()))?),
            from: ms(read.from),
            until: ms(read.until),
            issued_at: self.server.now_ms(),
        })
    }

    async fn tell(&self, news: AcmeNews) -> Result<(), Failed> {
        super::propose(self.server, news)
            .await
            .map_err(|error| Failed::new("internal", format!("the nodes cannot be told: {error}")))
    }
}

fn ms(time: SystemTime) -> Timestamp {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

fn about(name: &str, error: Error) -> Failed {
    let failed = Failed::from(error);
    Failed::new(&failed.code, format!("{name}: {}", failed.detail))
}

fn no_challenge(name: &str) -> Failed {
    Failed::new(
        "unsupported",
        format!("{name}: the authority does not offer tls-alpn-01, by which this server proves its names"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(json: &str) -> Problem {
        serde_json::from_str(json).expect("a problem")
    }

    #[test]
    fn problems_of_the_authority_are_told_in_its_words() {
        let limited = problem(
            r#"{"type":"urn:ietf:params:acme:error:rateLimited","detail":"too many certificates already issued"}"#,
        );
        let failed = Failed::from(Error::Api(limited));
        assert_eq!(failed.code, "rateLimited");
        assert_eq!(failed.detail, "too many certificates already issued");

        let several = problem(
            r#"{"type":"urn:ietf:params:acme:error:malformed","detail":"some of it",
                "subproblems":[{"type":"x","detail":"forbidden by policy","identifier":{"type":"dns","value":"a.example.com"}}]}"#,
        );
        let failed = about("b.example.com", Error::Api(several));
        assert_eq!(
            failed.detail,
            "b.example.com: some of it; a.example.com: forbidden by policy"
        );
    }

    #[test]
    fn what_an_authority_writes_is_bounded_and_one_line() {
        let failed = Failed::new("bad code\n<b>", "x\r\n".repeat(1_000));
        assert_eq!(failed.code, "badcodeb");
        assert_eq!(failed.detail.chars().count(), DETAIL_CHARACTERS);
        assert!(!failed.detail.contains(char::is_control));
    }
}
