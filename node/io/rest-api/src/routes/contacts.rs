use super::{OpenApiRouter, list_query, routes};
use crate::{
    answer,
    api::Api,
    auth::{Reader, Signed},
    dto::{ContactRow, Looked, Page, Person, PutContact, parse},
    extract::{BodyDigest, Id, Query, Strict, Write},
    problem::{Code, Problem},
};
use axum::{Json, extract::State, response::Response};
use plenary_access::Change;
use plenary_federation::LocalName;
use plenary_model::{CallKind, CallString, Right, UserName};
use serde::Deserialize;
use utoipa::IntoParams;

pub(super) fn calls() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list_my_contacts, put_my_contact, delete_my_contact))
        .routes(routes!(list_user_contacts))
        .routes(routes!(get_person))
        .routes(routes!(look_elsewhere))
}

/// Which entries of an address book.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ContactQuery {
    /// Parts of names, call strings or email, in any order.
    #[param(max_length = 256)]
    search: Option<String>,
    /// `display_name` or `call`, with `-` before it to turn it round.
    #[param(pattern = "^-?(display_name|call)$")]
    sort: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
}

async fn address_book(api: &Api, user: UserName, query: ContactQuery) -> Result<Page<ContactRow>, Problem> {
    let list = list_query(
        query.search,
        query.sort,
        query.cursor,
        query.limit,
        &["display_name", "call"],
    )?;
    let page = api.backend().address_book(user, list).await?;
    Ok(Page::of(page, |row| ContactRow::of(row, &api.options().server)))
}

/// One's address book
#[utoipa::path(get, path = "/me/contacts", tag = "me", params(ContactQuery),
    responses((status = 200, body = Page<ContactRow>)))]
async fn list_my_contacts(
    State(api): State<Api>,
    by: Signed,
    Query(query): Query<ContactQuery>,
) -> Result<Json<Page<ContactRow>>, Problem> {
    Ok(Json(address_book(&api, by.name().clone(), query).await?))
}

/// The address book that a user sees
#[utoipa::path(get, path = "/users/{id}/contacts", tag = "users",
    params(("id" = String, Path, description = "ID of the user", min_length = 1, max_length = 64), ContactQuery),
    responses((status = 200, body = Page<ContactRow>)))]
async fn list_user_contacts(
    State(api): State<Api>,
    _: Reader,
    Id(id): Id<UserName>,
    Query(query): Query<ContactQuery>,
) -> Result<Json<Page<ContactRow>>, Problem> {
    if api.backend().user(id.clone()).await?.is_none() {
        return Err(Problem::not_found("user", id.as_str()));
    }
    Ok(Json(address_book(&api, id, query).await?))
}

/// A user of one's address book, as others see them
///
/// Which fields those are is a setting; what is not shown is empty. Who is not in one's address book is not there.
#[utoipa::path(get, path = "/people/{id}", tag = "me",
    params(("id" = String, Path, description = "ID of the user", min_length = 1, max_length = 64)),
    responses((status = 200, body = Person)))]
async fn get_person(
    State(api): State<Api>,
    by: Signed,
    Id(id): Id<UserName>,
) -> Result<Json<Person>, Problem> {
    let found = api.backend().person(by.name().clone(), id.clone()).await?;
    let profile = answer::still_there(found, "user", id.as_str())?;
    Ok(Json(Person::of(id, profile, &api.options().server)))
}

/// What is looked up.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct LookQuery {
    /// A name with `@` and another server: `demo2@oslo.example.net`.
    #[param(min_length = 1, max_length = 512)]
    call: String,
}

/// What a name of another server is
///
/// That server is asked, where it is not known since a moment ago: who somebody is as it shows them to people of this one, or
/// which conference an alias stands for. Nothing is asked of servers that this one does not meet.
#[utoipa::path(get, path = "/look", tag = "me", params(LookQuery), responses((status = 200, body = Looked)))]
async fn look_elsewhere(
    State(api): State<Api>,
    by: Signed,
    Query(query): Query<LookQuery>,
) -> Result<Json<Looked>, Problem> {
    let call: CallString = parse("call", &query.call)?;
    let own = &api.options().server;
    let (name, server) = match call.kind() {
        CallKind::Account {
            name,
            server: Some(server),
        } if server != *own => (name, server),
        _ => {
            let reason = "names nobody of another server; write it like demo2@oslo.example.net";
            return Err(Problem::field("call", reason));
        }
    };
    let name: LocalName = parse("call", &name)?;
    let looked = api.backend().look(by.name(), &server, &name).await;
    Looked::of(&server, &name, looked).map(Json).map_err(|wait_s| {
        let detail = format!("you look for people of other servers too often; try again in {wait_s} s");
        Problem::new(Code::TooManyRequests, detail).retry_after(wait_s)
    })
}

/// Put an own entry into one's address book, or change it
#[utoipa::path(put, path = "/me/contacts", tag = "me", request_body = PutContact, responses((status = 204)))]
async fn put_my_contact(
    State(api): State<Api>,
    by: Signed,
    write: Write,
    Strict { value, digest }: Strict<PutContact>,
) -> Result<Response, Problem> {
    let contact = value.read()?;
    may_edit(&api, &by).await?;
    let command = write.command(&by, digest, Change::PutContact { contact });
    Ok(answer::done(&api.propose(command).await?))
}

async fn may_edit(api: &Api, by: &Signed) -> Result<(), Problem> {
    by.require(
        api,
        Right::EditAddressBook,
        "the right to edit one's address book",
    )
    .await
}

/// Which contact.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct OneContact {
    /// The call string of the entry.
    #[param(min_length = 1, max_length = 512)]
    call: String,
}

/// Remove an own entry from one's address book
#[utoipa::path(delete, path = "/me/contacts", tag = "me", params(OneContact), responses((status = 204)))]
async fn delete_my_contact(
    State(api): State<Api>,
    by: Signed,
    write: Write,
    Query(query): Query<OneContact>,
) -> Result<Response, Problem> {
    let call = parse("call", &query.call)?;
    may_edit(&api, &by).await?;
    let command = write.command(&by, BodyDigest::none(), Change::DeleteContact { call });
    Ok(answer::done(&api.propose(command).await?))
}
