//! What names of one server are to people of another.

use crate::{
    Door, Guest, Home, Reach, Unreached, attend::TOLD, door::refused, host::proven, names::NameBudget,
};
use plenary_access::{PartnerTerms, Presence, Profile};
use plenary_contracts::federation::v1 as wire;
use plenary_federation::{Capability, Found, LocalName};
use plenary_links::Caller;
use plenary_model::{ServerName, UserName, limits};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{sync::mpsc, time::timeout};
use tonic::{Code, Request, Response, Status};

/// Names that are asked for at a time.
pub const NAMES: usize = 100;
/// How long the other server may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// What is known of somebody whose presence is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// The account behind the name.
    pub user: Option<UserName>,
    /// `None` where there is nobody, or nobody for who asks.
    pub presence: Option<Presence>,
    /// Another one when what is told of them by [`People::look`] may be something else.
    pub revision: u64,
}

/// Something of this server's people has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stir {
    /// What somebody does, or who they are, or that there is such an account.
    Person(UserName),
    /// The same of many.
    People,
    /// What is told of people, and what names mean.
    All,
}

/// This server's people, as partners may know them.
#[async_trait::async_trait]
pub trait People: Send + Sync + 'static {
    /// What each of these names is to people of a partner with such terms; `None` where that cannot be read now.
    async fn look(&self, terms: &PartnerTerms, names: Vec<LocalName>) -> Option<Vec<Found>>;
    /// What each of these people does.
    async fn presences(&self, names: Vec<LocalName>) -> Option<Vec<Seen>>;
    /// Tells what changes from now on, once that can be read.
    fn stirs(&self) -> mpsc::Receiver<Stir>;
    /// Ends when people of that server may know nobody of this one any more.
    async fn estranged(&self, server: &ServerName);
}

/// Whether the terms let a partner's people know those of this server.
pub fn knows_people(terms: &PartnerTerms) -> bool {
    terms.calls || terms.conferences
}

/// Who asks about whom, if it may.
pub(crate) async fn admitted(
    home: &Arc<dyn Home>,
    door: &Door,
    caller: &Caller<Guest>,
    (server, wanted): (&str, &str),
) -> Result<(ServerName, PartnerTerms), Status> {
    let (server, terms) = proven(home, door, caller, server, wanted).await?;
    let me = home.me();
    if !knows_people(&terms) {
        let words = format!("people of {server} may not know those of {me}; ask its administrators");
        return Err(refused(Code::PermissionDenied, "no-people", words));
    }
    Ok((server, terms))
}

/// The names that a partner says, if there are not too many and all can be ones.
pub(crate) fn read_names(
    door: &Door,
    server: &ServerName,
    names: &[String],
) -> Result<Vec<LocalName>, Status> {
    let bad = |words: String| {
        door.misbehaved(server);
        refused(Code::InvalidArgument, "bad-request", words)
    };
    if names.len() > NAMES {
        return Err(bad(format!(
            "names: {}, of which at most {NAMES} are taken",
            names.len()
        )));
    }
    let read = names.iter().map(|name| name.parse());
    let read: Result<_, _> = read.collect();
    read.map_err(|error| bad(format!("names: {error}")))
}

pub(crate) async fn look(
    home: &Arc<dyn Home>,
    door: &Door,
    budget: &NameBudget,
    request: Request<wire::LookRequest>,
) -> Result<Response<wire::LookResponse>, Status> {
    let caller = request.extensions().get::<Caller<Guest>>().cloned();
    let caller = caller.ok_or_else(|| Status::internal("a connection without a caller"))?;
    let wire::LookRequest {
        server,
        wanted,
        names,
    } = request.into_inner();
    let (server, terms) = admitted(home, door, &caller, (&server, &wanted)).await?;
    let names = read_names(door, &server, &names)?;
    for name in &names {
        budget.take(&server, name, Instant::now()).map_err(|wait_s| {
            home.ledger().slowed();
            let words = format!("{server} asks for too many names; try again in {wait_s} s");
            refused(Code::ResourceExhausted, "too-many-names", words)
        })?;
    }
    let found = home.look(&terms, names).await.ok_or_else(|| {
        let words = "the server cannot answer now; try again";
        refused(Code::Unavailable, "unavailable", words.into())
    })?;
    let found = found.into_iter().map(to_wire).collect();
    Ok(Response::new(wire::LookResponse { found }))
}

fn to_wire(found: Found) -> wire::Found {
    use wire::found::What;
    let (name, what) = match found {
        Found::Person { user, profile } => {
            let fields = profile.fields().into_iter();
            let fields = fields
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| (name.to_owned(), value.clone()))
                .collect();
            (user.into(), Some(What::Person(wire::Profile { fields })))
        }
        Found::Group(id) => (id.into(), Some(What::Group(true))),
        Found::Conference(cid) => (cid.into(), Some(What::Conference(true))),
        Found::Nothing => (String::new(), None),
    };
    wire::Found { name, what }
}

/// What cannot be read is nothing, and what is longer than a field may be is left out.
fn from_wire(found: wire::Found) -> Found {
    use wire::found::What;
    let wire::Found { name, what } = found;
    let read = match what {
        Some(What::Person(profile)) => name.parse().ok().map(|user| Found::Person {
            user,
            profile: Box::new(read_profile(profile)),
        }),
        Some(What::Group(true)) => name.parse().ok().map(Found::Group),
        Some(What::Conference(true)) => name.parse().ok().map(Found::Conference),
        // Of a newer version, too.
        Some(What::Group(false) | What::Conference(false)) | None => None,
    };
    read.unwrap_or(Found::Nothing)
}

fn read_profile(mut told: wire::Profile) -> Profile {
    let mut profile = Profile::default();
    for (name, value) in profile.fields_mut() {
        let said = told.fields.remove(name).unwrap_or_default();
        if said.chars().count() <= limits::PROFILE_FIELD && !said.chars().any(char::is_control) {
            *value = said;
        }
    }
    profile
}

impl Reach {
    /// What these names are at their server, in their order; at most [`NAMES`] of them are asked for.
    ///
    /// # Errors
    /// When it cannot be reached, or does not answer.
    pub async fn look(&self, server: &ServerName, names: &[LocalName]) -> Result<Vec<Found>, Unreached> {
        self.ask(server, Capability::Look, |line| async move {
            let request = wire::LookRequest {
                server: self.home.me().to_string(),
                wanted: server.to_string(),
                names: names.iter().take(NAMES).map(ToString::to_string).collect(),
            };
            let asked = request.names.len();
            let mut client = wire::federation_client::FederationClient::new(line.channel())
                .max_decoding_message_size(TOLD);
            let answered = timeout(ANSWER_WITHIN, client.look(request)).await;
            let answered = answered.map_err(|_| Status::unavailable("it did not answer in time"))??;
            let found = answered.into_inner().found.into_iter().take(asked);
            let mut found: Vec<Found> = found.map(from_wire).collect();
            found.resize(asked, Found::Nothing);
            Ok(found)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(display_name: &str) -> Found {
        Found::Person {
            user: "demo2".parse().expect("a name"),
            profile: Box::new(Profile {
                display_name: display_name.into(),
                job_title: "Judge".into(),
                ..Profile::default()
            }),
        }
    }

    #[test]
    fn what_is_found_crosses_unchanged() {
        for found in [
            person("Demo Two"),
            Found::Group("sales".parse().expect("a name")),
            Found::Conference("review".parse().expect("a name")),
            Found::Nothing,
        ] {
            assert_eq!(from_wire(to_wire(found.clone())), found);
        }
    }

    #[test]
    fn what_cannot_be_is_nothing_and_long_fields_are_left_out() {
        let mut elsewhere = to_wire(person("Demo Two"));
        elsewhere.name = "demo2@lyon.example.org".into();
        assert_eq!(from_wire(elsewhere), Found::Nothing);
        for bad in ["n".repeat(limits::PROFILE_FIELD + 1), "a\u{7}b".into()] {
            assert_eq!(from_wire(to_wire(person(&bad))), person(""));
        }
        let mut wide = to_wire(person("Demo Two"));
        if let Some(wire::found::What::Person(profile)) = &mut wide.what {
            profile
                .fields
                .insert("avatar_url".into(), "http://10.0.0.1/".into());
        }
        assert_eq!(from_wire(wide), person("Demo Two"));
    }
}
