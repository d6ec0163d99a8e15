//! Who is in a conference, and what moderators do there from outside the meeting (CONF-08).

use super::{OpenApiRouter, conferences, routes};
use crate::{
    answer,
    api::Api,
    auth::Signed,
    dto::{
        CalledPerson, ConferencePerson, ConferenceRemoved, ConferenceWatcher, Moderation, NewConferenceCalls,
        Participant,
    },
    extract::{BodyDigest, Id, Ids, Strict, Write},
    problem::{Code, Problem},
};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use plenary_conference::{Act, Change, ParticipantId, Party, Run};
use plenary_model::Cid;

pub(super) fn calls() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_participants))
        .routes(routes!(list_watchers))
        .routes(routes!(list_removed))
        .routes(routes!(let_back))
        .routes(routes!(list_people))
        .routes(routes!(moderate))
        .routes(routes!(list_called, call_people, call_off_all))
        .routes(routes!(call_off))
}

/// Who is in a conference
///
/// For those who moderate it, those whom it names and those who are in it. Those who moderate it see who waits to be let in too.
#[utoipa::path(get, path = "/conferences/{cid}/participants", tag = "conferences",
    params(("cid" = String, Path, description = "The conference", min_length = 1, max_length = 64)),
    responses((status = 200, body = Vec<Participant>)))]
async fn list_participants(
    State(api): State<Api>,
    by: Signed,
    Id(cid): Id<Cid>,
) -> Result<Json<Vec<Participant>>, Problem> {
    let conference = conferences::stored(&api, &by, cid).await?;
    let moderates = conferences::moderates(&api, &by, &conference).await?;
    let roster = api.backend().roster(conference.cid.clone()).await?;
    if !moderates && !conferences::sees_people(&api, &by, &conference, &roster).await? {
        return Err(Problem::new(
            Code::Forbidden,
            "who is in a conference is told to those who are in it or invited",
        ));
    }
    let shown = roster
        .into_iter()
        .filter(|one| moderates || one.standing.waiting.is_none());
    let shown = shown.map(|one| Participant::of(&conference, one, moderates));
    Ok(Json(shown.collect()))
}

/// Who watches a conference by a program
///
/// Programs that watch stand in no list of participants, and count for the limit of people all the same. For those who
/// moderate the conference, who can remove one (`remove_watcher`).
#[utoipa::path(get, path = "/conferences/{cid}/watchers", tag = "conferences",
    params(("cid" = String, Path, description = "The conference", min_length = 1, max_length = 64)),
    responses((status = 200, body = Vec<ConferenceWatcher>)))]
async fn list_watchers(
    State(api): State<Api>,
    by: Signed,
    Id(cid): Id<Cid>,
) -> Result<Json<Vec<ConferenceWatcher>>, Problem> {
    let conference = conferences::stored(&api, &by, cid).await?;
    if !conferences::moderates(&api, &by, &conference).await? {
        return Err(Problem::new(
            Code::Forbidden,
            "who watches by a program is shown to those who moderate the conference",
        ));
    }
    let all = api.backend().watchers(conference.cid).await?;
    Ok(Json(all.into_iter().map(ConferenceWatcher::of).collect()))
}

/// Who was removed from a conference
///
/// Those whom moderators removed from the run that goes on, or did not let in, and those whose programs they removed, the
/// longest ago first. They do not come back into it unless they are called, invited or let back. For those who moderate the
/// conference.
#[utoipa::path(get, path = "/conferences/{cid}/removed", tag = "conferences",
    params(("cid" = String, Path, description = "The conference", min_length = 1, max_length = 64)),
    responses((status = 200, body = Vec<ConferenceRemoved>)))]
async fn list_removed(
    State(api): State<Api>,
    by: Signed,
    Id(cid): Id<Cid>,
) -> Result<Json<Vec<ConferenceRemoved>>, Problem> {
    let conference = conferences::stored(&api, &by, cid).await?;
    if !conferences::moderates(&api, &by, &conference).await? {
        return Err(Problem::new(
            Code::Forbidden,
            "who was removed is shown to those who moderate the conference",
        ));
    }
    let all = api.backend().removed(conference.cid).await?;
    Ok(Json(all.into_iter().map(ConferenceRemoved::of).collect()))
}

/// Let somebody back who was removed
///
/// They come in as before they were removed, and so do their programs; PIN, lock and waiting room hold for them as for all. For
/// those who moderate the conference.
#[utoipa::path(delete, path = "/conferences/{cid}/removed/{id}", tag = "conferences",
    params(("cid" = String, Path, description = "The conference", min_length = 1, max_length = 64),
        ("id" = String, Path, description = "Who was removed", min_length = 1, max_length = 20)),
    responses((status = 204)))]
async fn let_back(
    State(api): State<Api>,
    by: Signed,
    Ids(cid, id): Ids<Cid, ParticipantId>,
    write: Write,
) -> Result<Response, Problem> {
    let found = conferences::find(&api, cid).await?;
    let is_allowed = conferences::moderates_by_name(&api, &by, &found).await?;
    conferences::check_network(&api, &by, is_allowed).await?;
    let change = Change::Act {
        cid: found.cid,
        by: None,
        act: Act::LetBack(id),
    };
    let command = write.command(&by, BodyDigest::none(), change);
    Ok(answer::done(&api.propose_conference(command).await?))
}

/// Whom a conference names
///
/// Its owner, its moderators and those who are invited, of this server and of partners', with their names and ordered by
/// them. For those who moderate the conference, who may call them.
#[utoipa::path(get, path = "/conferences/{cid}/people", tag = "conferences",
    params(("cid" = String, Path, description = "The conference", min_length = 1, max_length = 64)),
    responses((status = 200, body = Vec<ConferencePerson>)))]
async fn list_people(
    State(api): State<Api>,
    by: Signed,
    Id(cid): Id<Cid>,
) -> Result<Json<Vec<ConferencePerson>>, Problem> {
    let conference = conferences::stored(&api, &by, cid).await?;
    if !conferences::moderates(&api, &by, &conference).await? {
        return Err(Problem::new(
            Code::Forbidden,
            "whom a conference names is shown to those who moderate it",
        ));
    }
    let named = conference.settings.named().chain([&conference.owner]);
    let names = api.backend().names(named.cloned().collect()).await?;
    let people = names
        .into_iter()
        .map(|one| ConferencePerson::of(&conference, one));
    let abroad = conference.settings.named_abroad().into_iter();
    let mut people: Vec<_> = people.chain(abroad.map(ConferencePerson::abroad)).collect();
    people.sort_by_cached_key(|one| (one.display_name.to_lowercase(), one.user.clone()));
    Ok(Json(people))
}

/// Act as a moderator
///
/// For the owner, the moderators of the conference, operators and administrators with full rights.
#[utoipa::path(post, path = "/conferences/{cid}/acts", tag = "conferences",
    params(("cid" = String, Path, description = "The conference", min_length = 1, max_length = 64)),
    request_body = Moderation, responses((status = 204)))]
async fn moderate(
    State(api): State<Api>,
    by: Signed,
    Id(cid): Id<Cid>,
    write: Write,
    Strict { value, digest }: Strict<Moderation>,
) -> Result<Response, Problem> {
    let act = value.read()?;
    let found = match conferences::find(&api, cid).await {
        Ok(found) => found,
        Err(nothing) => {
            let applied = conferences::repeated(&api, &by, &write, digest, nothing).await?;
            return Ok(answer::done(&applied));
        }
    };
    let is_allowed = conferences::moderates_by_name(&api, &by, &found).await?;
    conferences::check_network(&api, &by, is_allowed).await?;
    let cid = found.cid;
    let command = write.command(&by, digest, Change::Act { cid, by: None, act });
    Ok(answer::done(&api.propose_conference(command).await?))
}

/// Most people who are listed as called.
const CALLED: usize = 500;

/// Who was called into the run that goes on and is not in it
///
/// Of each how it was the last time, those whom it rings at first; at most 500. For those who moderate the conference.
#[utoipa::path(get, path = "/conferences/{cid}/calls", tag = "conferences",
    params(("cid" = String, Path, description = "The conference", min_length = 1, max_length = 64)),
    responses((status = 200, body = Vec<CalledPerson>)))]
async fn list_called(
    State(api): State<Api>,
    by: Signed,
    Id(cid): Id<Cid>,
) -> Result<Json<Vec<CalledPerson>>, Problem> {
    let conference = conferences::stored(&api, &by, cid).await?;
    if !conferences::moderates(&api, &by, &conference).await? {
        return Err(Problem::new(
            Code::Forbidden,
            "who was called is shown to those who moderate the conference",
        ));
    }
    called(&api, conference.cid).await.map(Json)
}

/// Call people into a conference
///
/// It rings on all their devices for 60 s and leads them to its door, which they pass as everybody does; who is called
/// counts as invited to this run. Whom it rings at already and who is in is not called twice; again after 10 s, at most
/// 20 times in a run. The conference must go on. For those who moderate it.
#[utoipa::path(post, path = "/conferences/{cid}/calls", tag = "conferences",
    params(("cid" = String, Path, description = "The conference", min_length = 1, max_length = 64)),
    request_body = NewConferenceCalls, responses((status = 200, body = Vec<CalledPerson>)))]
async fn call_people(
    State(api): State<Api>,
    by: Signed,
    Id(cid): Id<Cid>,
    write: Write,
    Strict { value, digest }: Strict<NewConferenceCalls>,
) -> Result<Response, Problem> {
    let whom = value.read(&api.options().server)?;
    let found = conferences::find(&api, cid).await?;
    let is_allowed = conferences::moderates_by_name(&api, &by, &found).await?;
    conferences::check_network(&api, &by, is_allowed).await?;
    let cid = found.cid;
    let change = Change::Call {
        cid: cid.clone(),
        by: None,
        whom,
    };
    let command = write.command(&by, digest, change);
    let applied = api.propose_conference(command).await?;
    let called = called(&api, cid).await?;
    Ok(answer::result(StatusCode::OK, called, applied.index))
}

/// Take all calls into a conference back
///
/// It rings nowhere any more. Who has answered or declined stays as they are. For those who moderate the conference.
#[utoipa::path(delete, path = "/conferences/{cid}/calls", tag = "conferences",
    params(("cid" = String, Path, description = "The conference", min_length = 1, max_length = 64)),
    responses((status = 204)))]
async fn call_off_all(
    State(api): State<Api>,
    by: Signed,
    Id(cid): Id<Cid>,
    write: Write,
) -> Result<Response, Problem> {
    take_back(&api, &by, cid, write, None).await
}

/// Take the call of one person into a conference back
///
/// It rings on none of their devices any more, and they do not count as invited by it. Nothing follows if it does not
/// ring. For those who moderate the conference.
#[utoipa::path(delete, path = "/conferences/{cid}/calls/{user}", tag = "conferences",
    params(("cid" = String, Path, description = "The conference", min_length = 1, max_length = 64),
        ("user" = String, Path, description = "Who was called", min_length = 1, max_length = 64)),
    responses((status = 204)))]
async fn call_off(
    State(api): State<Api>,
    by: Signed,
    Ids(cid, user): Ids<Cid, Party>,
    write: Write,
) -> Result<Response, Problem> {
    let user = user.seen_from(&api.options().server);
    take_back(&api, &by, cid, write, Some(vec![user])).await
}

async fn take_back(
    api: &Api,
    by: &Signed,
    cid: Cid,
    write: Write,
    users: Option<Vec<Party>>,
) -> Result<Response, Problem> {
    let found = conferences::find(api, cid).await?;
    let is_allowed = conferences::moderates_by_name(api, by, &found).await?;
    conferences::check_network(api, by, is_allowed).await?;
    let change = Change::CallOff {
        cid: found.cid,
        by: None,
        users,
    };
    let command = write.command(by, BodyDigest::none(), change);
    Ok(answer::done(&api.propose_conference(command).await?))
}

async fn called(api: &Api, cid: Cid) -> Result<Vec<CalledPerson>, Problem> {
    let runs = api.backend().runs(vec![cid.clone()]).await?;
    let Some(run) = runs.into_iter().find(Run::is_on) else {
        return Ok(Vec::new());
    };
    let rings = api.backend().rings(cid, run.started_at, CALLED).await?;
    Ok(rings.into_iter().map(CalledPerson::of).collect())
}
