//! Who asks, from where, and whether they may.

use crate::{
    api::Api,
    problem::{Code, Problem},
};
use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{Extensions, HeaderMap, header, request::Parts},
};
use plenary_access::{
    Actor, ActorKind, AdminRole, Network, Refusal, Session, TokenHash, UserRow, ZoneRefusal,
};
use plenary_model::{Right, Rights, UserName};
use plenary_outside::CameFromOutside;
use sha2::{Digest as _, Sha256};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Longest user agent that is kept, in characters.
const USER_AGENT: usize = 512;

/// Where a request comes from.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) address: IpAddr,
    /// It came through a Border Controller.
    pub(crate) from_outside: bool,
    pub(crate) user_agent: String,
}

impl Client {
    /// An actor without an account.
    pub(crate) fn anonymous(&self) -> Actor {
        Actor {
            kind: ActorKind::Anonymous,
            session: String::new(),
            address: self.address.to_string(),
            user_agent: self.user_agent.clone(),
        }
    }

    /// The server itself, acting for somebody without an account.
    pub(crate) fn by_server(&self) -> Actor {
        Actor {
            kind: ActorKind::System,
            ..self.anonymous()
        }
    }
}

impl FromRequestParts<Api> for Client {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let user_agent = parts.headers.get(header::USER_AGENT);
        let user_agent = user_agent.map(|value| String::from_utf8_lossy(value.as_bytes()));
        let user_agent = user_agent.unwrap_or_default();
        Ok(Self {
            address: address_of(&parts.extensions, &parts.headers, api),
            from_outside: parts.extensions.get::<CameFromOutside>().is_some(),
            user_agent: user_agent
                .chars()
                .filter(|c| !c.is_control())
                .take(USER_AGENT)
                .collect(),
        })
    }
}

/// Where a request comes from.
pub(crate) fn address_of(extensions: &Extensions, headers: &HeaderMap, api: &Api) -> IpAddr {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>();
    // A server that does not tell addresses gives nobody the trust of a near one.
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| {
        info.0.ip().to_canonical()
    });
    before_proxies(peer, headers, &api.options().trusted_proxies)
}

/// The address before the last proxy that is not one of ours; what strangers write into the header counts
/// for nothing.
pub fn before_proxies(peer: IpAddr, headers: &HeaderMap, proxies: &[Network]) -> IpAddr {
    let texts = headers.get_all("x-forwarded-for").iter();
    let texts: Vec<&str> = texts.filter_map(|value| value.to_str().ok()).collect();
    let mut address = peer;
    for hop in texts.iter().rev().flat_map(|text| text.rsplit(',')) {
        if !proxies.iter().any(|network| network.contains(address)) {
            break;
        }
        match hop.trim().parse::<IpAddr>() {
            Ok(before) => address = before.to_canonical(),
            Err(_) => break,
        }
    }
    address
}

/// SHA-256 of a token, as sessions are stored and looked up.
pub fn token_hash(token: &str) -> TokenHash {
    TokenHash(Sha256::digest(token.as_bytes()).into())
}

/// Somebody who is signed in.
pub(crate) struct Signed {
    pub(crate) session: Session,
    pub(crate) row: UserRow,
    pub(crate) client: Client,
}

impl Signed {
    pub(crate) fn actor(&self) -> Actor {
        Actor {
            kind: ActorKind::User(self.name().clone()),
            session: self.session.id.clone(),
            address: self.client.address.to_string(),
            user_agent: self.client.user_agent.clone(),
        }
    }

    pub(crate) fn name(&self) -> &UserName {
        &self.row.user.id
    }

    /// What the groups of the account allow together, and counts from where this was asked.
    pub(crate) async fn rights(&self, api: &Api) -> Result<Rights, Problem> {
        let given = api.rights_given(self.name()).await?;
        let zones = &api.settings().await?.zones;
        Ok(zones.narrow(&given, Some(self.client.address)))
    }

    /// Refuses whoever's groups do not allow `right`, and who asks from where it does not count.
    pub(crate) async fn require(&self, api: &Api, right: Right, words: &str) -> Result<(), Problem> {
        if self.rights(api).await?.allows(right) {
            return Ok(());
        }
        if api.rights_given(self.name()).await?.allows(right) {
            return Err(Refusal::from(ZoneRefusal::Right(words.into())).into());
        }
        Err(Refusal::Forbidden { needs: words.into() }.into())
    }

    /// Refuses who asks from where the control panel is not open.
    pub(crate) async fn require_network(&self, api: &Api) -> Result<(), Problem> {
        if api.is_open_to_administer(&self.client).await? {
            return Ok(());
        }
        let address = self.client.address;
        let detail = if self.client.from_outside {
            "the control panel is not open to the outside; use it from inside".to_owned()
        } else {
            format!(
                "the control panel is not open to {address}; ask for its network to be added to the settings"
            )
        };
        Err(Problem::new(Code::AdminNetwork, detail))
    }
}

impl FromRequestParts<Api> for Signed {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let client = Client::from_request_parts(parts, api).await?;
        let token = bearer(parts).ok_or_else(Problem::not_signed_in)?;
        let hash = token_hash(token);
        let mut found = api.backend().session(hash).await?;
        // The sign-in may have been on another node a moment ago.
        if found.is_none() && api.may_ask_leader(client.address) {
            api.backend().fresh().await?;
            found = api.backend().session(hash).await?;
        }
        let (session, row) = found.ok_or_else(Problem::not_signed_in)?;
        if !row.user.active {
            return Err(Refusal::AccountDisabled.into());
        }
        Ok(Self { session, row, client })
    }
}

fn bearer(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// An administrator who may read.
pub(crate) struct Reader(pub(crate) Signed);

/// An administrator who may change.
pub(crate) struct Admin(pub(crate) Signed);

impl FromRequestParts<Api> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let signed = Signed::from_request_parts(parts, api).await?;
        require_role(&signed, api, AdminRole::Security, "an administrator's role").await?;
        Ok(Self(signed))
    }
}

impl FromRequestParts<Api> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let signed = Signed::from_request_parts(parts, api).await?;
        require_role(
            &signed,
            api,
            AdminRole::Full,
            "an administrator's role with full rights",
        )
        .await?;
        Ok(Self(signed))
    }
}

async fn require_role(signed: &Signed, api: &Api, role: AdminRole, needs: &str) -> Result<(), Problem> {
    if signed.row.user.admin < role {
        return Err(Refusal::Forbidden { needs: needs.into() }.into());
    }
    signed.require_network(api).await
}
