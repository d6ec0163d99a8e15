//! The first words between two servers: who is answered, and in which version.

use plenary_access::{NoPartner, Standing, policy_for};
use plenary_model::ServerName;

/// The versions that this server speaks, the newest last.
pub const PROTOCOLS: &[u32] = &[1];

/// What somebody says who comes; its certificate is known to carry `server`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    pub server: ServerName,
    /// Whom it looks for.
    pub wanted: ServerName,
    pub protocols: Vec<u32>,
}

/// What is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Welcome {
    pub protocol: u32,
}

/// Why somebody is not answered. The sentence is for the administrators of whoever comes: it says no more of this server than
/// they need.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unwelcome {
    #[error("this is {me}, not {wanted}: correct where DNS leads for {wanted}")]
    NotMe { me: ServerName, wanted: ServerName },
    #[error("{0} is this server itself")]
    Myself(ServerName),
    #[error("{me} does not meet with other servers")]
    Off { me: ServerName },
    #[error("{me} does not meet with {server}; ask its administrators to allow it")]
    NotAllowed { me: ServerName, server: ServerName },
    #[error("{me} speaks other versions of the protocol ({PROTOCOLS:?}); bring the older server up to date")]
    NoCommonProtocol { me: ServerName },
}

impl Unwelcome {
    /// For programs; never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotMe { .. } => "not-me",
            Self::Myself(_) => "myself",
            Self::Off { .. } => "federation-off",
            Self::NotAllowed { .. } => "not-allowed",
            Self::NoCommonProtocol { .. } => "no-common-protocol",
        }
    }
}

/// Answers the first words of whoever comes to `me`, which stands so to them.
///
/// # Errors
/// When they are not to go on.
pub fn greet(me: &ServerName, standing: &Standing, greeting: &Greeting) -> Result<Welcome, Unwelcome> {
    let Greeting {
        server,
        wanted,
        protocols,
    } = greeting;
    let me = || me.clone();
    if *wanted != me() {
        return Err(Unwelcome::NotMe {
            me: me(),
            wanted: wanted.clone(),
        });
    }
    if *server == me() {
        return Err(Unwelcome::Myself(me()));
    }
    // On which list somebody stands is nobody's business but ours, and neither is our licence.
    policy_for(standing, server).map_err(|why| match why {
        NoPartner::Off | NoPartner::NotLicensed => Unwelcome::Off { me: me() },
        NoPartner::NotOnWhitelist | NoPartner::OnBlacklist => Unwelcome::NotAllowed {
            me: me(),
            server: server.clone(),
        },
    })?;
    let common = protocols.iter().filter(|one| PROTOCOLS.contains(one)).max();
    match common {
        Some(protocol) => Ok(Welcome { protocol: *protocol }),
        None => Err(Unwelcome::NoCommonProtocol { me: me() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plenary_access::{FederationMode, FederationPolicy};

    fn name(text: &str) -> ServerName {
        text.parse().expect("a name")
    }

    fn policy(mode: FederationMode, list: &[&str]) -> FederationPolicy {
        let list: Vec<_> = list.iter().map(|mask| mask.parse().expect("a mask")).collect();
        FederationPolicy {
            mode,
            whitelist: list.clone(),
            blacklist: list,
        }
    }

    fn said(server: &str, wanted: &str, policy: &FederationPolicy) -> Result<Welcome, Unwelcome> {
        let greeting = Greeting {
            server: name(server),
            wanted: name(wanted),
            protocols: vec![1, 7],
        };
        greet(
            &name("paris.example.com"),
            &Standing::by(policy.clone()),
            &greeting,
        )
    }

    #[test]
    fn the_mode_and_its_list_decide_who_is_answered() {
        let paris = "paris.example.com";
        let from_oslo = |policy| said("oslo.example.net", paris, &policy).map_err(|why| why.code());
        let masks = &["*.example.net"];
        assert_eq!(from_oslo(FederationPolicy::default()), Err("federation-off"));
        assert_eq!(
            from_oslo(policy(FederationMode::Off, masks)),
            Err("federation-off")
        );
        assert_eq!(
            from_oslo(policy(FederationMode::Whitelist, masks)),
            Ok(Welcome { protocol: 1 })
        );
        assert_eq!(
            from_oslo(policy(FederationMode::Whitelist, &[])),
            Err("not-allowed")
        );
        assert_eq!(
            from_oslo(policy(FederationMode::Blacklist, masks)),
            Err("not-allowed")
        );
        assert_eq!(
            from_oslo(policy(FederationMode::Blacklist, &[])),
            Ok(Welcome { protocol: 1 })
        );
    }

    #[test]
    fn nobody_is_answered_in_place_of_others_or_without_a_common_version() {
        let open = policy(FederationMode::Blacklist, &[]);
        let code = |server, wanted| said(server, wanted, &open).map_err(|why| why.code());
        assert_eq!(code("oslo.example.net", "lyon.example.com"), Err("not-me"));
        assert_eq!(code("paris.example.com", "paris.example.com"), Err("myself"));
        let newer = Greeting {
            server: name("oslo.example.net"),
            wanted: name("paris.example.com"),
            protocols: vec![2, 3],
        };
        let paris = name("paris.example.com");
        let mut standing = Standing::by(open);
        let why = greet(&paris, &standing, &newer).expect_err("newer");
        assert_eq!(why.code(), "no-common-protocol");
        standing.is_licensed = false;
        let why = greet(&paris, &standing, &newer).expect_err("no licence");
        assert_eq!(why.code(), "federation-off");
    }
}
