//! Whom somebody finds: people of this server from its own store, those of others from the Directory.

use super::source::presence_from;
use crate::server::Server;
use plenary_access::{Presence, fold};
use plenary_directory_client::{Answer, Code, FindError, Hit, Question};
use plenary_model::UserName;
use plenary_people::{Closeness, EntryId, Kind, Query, meets::meets, query::place};
use plenary_rest_api::backend::{Asked, Look, ReadError, SearchHit, SearchResult};
use plenary_store::queries::{self, OwnHits};
use std::time::Instant;

/// Where entries stand of which it cannot be said here how they were found.
const LAST: u8 = u8::MAX;

impl Server {
    /// Whom `user` finds. The Directory being away costs its deadline, no more.
    pub(crate) async fn search_people(&self, user: UserName, look: Look) -> Result<SearchResult, ReadError> {
        let searches = &self.directory.searches;
        searches
            .take(user.clone(), Instant::now())
            .map_err(ReadError::TooOften)?;
        let kinds: Vec<Kind> = look.kind.into_iter().collect();
        let (viewer, words, of, most) = (
            user.clone(),
            look.words.clone(),
            kinds.clone(),
            look.limit as usize,
        );
        let own = self
            .query(move |db| queries::search(db, &viewer, &words, &of, most))
            .await?;
        let Some(finder) = self.directory.finder() else {
            return Ok(merged(own, Vec::new(), &look, Asked::Off));
        };
        let question = Question {
            viewer: own.asker.clone(),
            words: look.words.clone(),
            limit: look.limit,
            kinds,
            // Those whom the address book does not show take no places of others.
            own_beside: true,
        };
        let (hits, asked) = match finder.find(&question).await {
            Ok(Answer { hits, stale: false }) => (hits, Asked::Answered),
            Ok(Answer { hits, stale: true }) => {
                let reason = "the Directory does not answer; people of other servers are shown as it said a moment ago";
                let hits = hits.into_iter().map(forget_presence).collect();
                (hits, Asked::Away(reason.into()))
            }
            Err(FindError::Refused {
                code: Code::SlowDown,
                reason,
            }) => (Vec::new(), Asked::Held(reason)),
            Err(FindError::Refused { reason, .. }) => (Vec::new(), Asked::Away(reason)),
            Err(FindError::Away(reason)) => {
                // Where it is concerns administrators alone.
                tracing::debug!(%reason, "a search went without the Directory");
                (Vec::new(), Asked::Away("the Directory does not answer".into()))
            }
        };
        let hits = self.allowed(&user, &own, hits).await?;
        Ok(merged(own, hits, &look, asked))
    }

    /// Without those of this server whom the user's address book does not show; with what those do by this node's copy.
    async fn allowed(&self, user: &UserName, own: &OwnHits, hits: Vec<Hit>) -> Result<Vec<Found>, ReadError> {
        let me = self.facts.server.clone();
        let is_known = |id: &EntryId| own.hits.iter().any(|hit| hit.entry.id == *id);
        let (here, elsewhere): (Vec<Hit>, Vec<Hit>) =
            hits.into_iter().partition(|hit| hit.entry.id.server == me);
        let here: Vec<Hit> = here
            .into_iter()
            .filter(|hit| hit.entry.id.kind == Kind::User && !is_known(&hit.entry.id))
            .collect();
        let user = user.clone();
        let mut found: Vec<Found> = self
            .query(move |db| {
                let mut found = Vec::new();
                for hit in here {
                    let Ok(id) = hit.entry.id.id.parse::<UserName>() else {
                        continue;
                    };
                    if id != user && queries::finds(db, &user, &id)? {
                        let presence = queries::user(db, &id)?.map(|row| row.presence);
                        found.push(Found { hit, presence });
                    }
                }
                Ok(found)
            })
            .await?;
        found.extend(elsewhere.into_iter().map(|hit| Found {
            presence: presence_from(hit.presence),
            hit,
        }));
        Ok(found)
    }
}

/// Somebody of the Directory, and what they do as far as that is known.
struct Found {
    hit: Hit,
    presence: Option<Presence>,
}

/// What the Directory said of presence a moment ago may be wrong now.
fn forget_presence(hit: Hit) -> Hit {
    Hit {
        presence: plenary_directory_client::Presence::Unknown,
        ..hit
    }
}

/// Both in one list, by how well and how close.
fn merged(own: OwnHits, found: Vec<Found>, look: &Look, directory: Asked) -> SearchResult {
    let OwnHits { hits: mine, asker } = own;
    let query = Query::parse(&look.words).ok();
    let mut rows: Vec<(u8, String, SearchHit)> = Vec::new();
    for hit in mine {
        let row = SearchHit {
            call: hit.call.map(|call| call.to_string()),
            entry: hit.entry,
            presence: hit.presence,
        };
        rows.push((hit.place, fold(&row.entry.display_name), row));
    }
    for Found { hit, presence } in found {
        // Somebody in the address book, of whom more is known now.
        if let Some((.., row)) = rows.iter_mut().find(|(.., row)| row.entry.id == hit.entry.id) {
            let display_name = std::mem::take(&mut row.entry.display_name);
            row.entry = hit.entry;
            row.entry.display_name = display_name;
            // What this node knows itself is newer.
            row.presence = row.presence.or(presence);
            continue;
        }
        let closeness = if asker.recent.contains(&hit.entry.id) {
            Closeness::Recent
        } else if hit.entry.id.server != asker.server {
            Closeness::Enterprise
        } else if hit.entry.groups.iter().any(|group| asker.groups.contains(group)) {
            Closeness::Group
        } else {
            Closeness::Server
        };
        let quality = query.as_ref().and_then(|query| meets(query, &hit.entry));
        let at = quality.map_or(LAST, |quality| place(quality, closeness));
        let row = SearchHit {
            call: None,
            entry: hit.entry,
            presence,
        };
        rows.push((at, fold(&row.entry.display_name), row));
    }
    rows.sort_by(|a, b| (a.0, &a.1, &a.2.entry.id).cmp(&(b.0, &b.1, &b.2.entry.id)));
    let hits = rows.into_iter().map(|(.., row)| row);
    SearchResult {
        hits: hits.take(look.limit as usize).collect(),
        directory,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plenary_people::{Entry, Viewer};
    use plenary_store::queries::OwnHit;

    fn entry(user: &str, server: &str) -> Entry {
        let id = EntryId {
            server: server.parse().expect("good"),
            kind: Kind::User,
            id: user.into(),
        };
        Entry::new(id, user)
    }

    fn found(user: &str, presence: Option<Presence>) -> Found {
        let hit = Hit {
            entry: entry(user, "oslo.example.com"),
            presence: plenary_directory_client::Presence::Unknown,
        };
        Found { hit, presence }
    }

    #[test]
    fn what_is_known_of_somebody_is_not_forgotten_where_the_directory_does_not_know_it() {
        let own = |presence| OwnHits {
            hits: vec![OwnHit {
                entry: entry("kari", "oslo.example.com"),
                call: None,
                presence,
                place: 1,
            }],
            asker: Viewer::new("paris.example.com".parse().expect("good"), "bob"),
        };
        let look = Look {
            words: "kari".into(),
            kind: None,
            limit: 10,
        };
        let (online, call) = (Some(Presence::Online), Some(Presence::InCall));
        for (known, told, seen) in [(online, None, online), (None, call, call), (online, call, online)] {
            let found = vec![found("kari", told), found("kari2", None)];
            let hits = merged(own(known), found, &look, Asked::Answered).hits;
            assert_eq!((hits.len(), hits[0].presence), (2, seen), "{known:?} {told:?}");
        }
    }
}
