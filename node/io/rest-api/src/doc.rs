//! The machine-readable description: what the annotations of the calls say, and what all calls have in common.

use std::collections::HashSet;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        self, ComponentsBuilder, Content, ContentBuilder, HeaderBuilder, ObjectBuilder, Ref, RefOr,
        ResponseBuilder, Responses, SecurityRequirement,
        path::{Operation, Parameter, ParameterBuilder, ParameterIn},
        schema::Type,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Plenary",
        description = "Administration and self-service of a Plenary server. docs/protocols/rest.md says what holds for every call.",
        version = "1.0.0",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    servers((url = "/", description = "The node that serves this file")),
    tags(
        (name = "session", description = "Sign in and out"),
        (name = "me", description = "What belongs to who is signed in"),
        (name = "users", description = "Accounts"),
        (name = "groups", description = "Groups, rights and address books"),
        (name = "aliases", description = "Short names for call strings"),
        (name = "conferences", description = "Virtual rooms"),
        (name = "settings", description = "Settings of the server"),
        (name = "federation", description = "Servers of other enterprises"),
        (name = "directory", description = "The Directory of the enterprise"),
        (name = "licence", description = "Licences, and who has which seat"),
        (name = "events", description = "What happened"),
        (name = "cluster", description = "Nodes and backups"),
        (name = "signalling", description = "The live connection: a WebSocket at /api/v1/signal. A client says a SignalHello, then SignalClientMessages; the node a SignalWelcome, then SignalServerMessages. docs/protocols/signalling.md says what holds for them."),
    ),
    components(schemas(crate::problem::ProblemBody)),
    modifiers(&Token, &Signalling),
)]
pub(crate) struct Document;

struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The token of POST /api/v1/session"))
            .build();
        let components = document.components.take().unwrap_or_default();
        let components = ComponentsBuilder::from(components)
            .security_scheme("token", SecurityScheme::Http(scheme))
            .build();
        document.components = Some(components);
        document.security = Some(vec![SecurityRequirement::new("token", Vec::<String>::new())]);
    }
}

struct Signalling;

impl Modify for Signalling {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let components = document.components.take().unwrap_or_default();
        let components = ComponentsBuilder::from(components)
            .schemas_from_iter(plenary_signalling::schemas())
            .build();
        document.components = Some(components);
    }
}

/// The calls that take a query, as method and address.
pub(crate) fn queried(document: &openapi::OpenApi) -> HashSet<(String, String)> {
    let mut calls = HashSet::new();
    for (path, item) in &document.paths.paths {
        let operations = [
            ("get", &item.get),
            ("post", &item.post),
            ("put", &item.put),
            ("patch", &item.patch),
            ("delete", &item.delete),
        ];
        for (method, operation) in operations {
            let parameters = operation
                .iter()
                .flat_map(|operation| operation.parameters.iter().flatten());
            let is_query = |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Query);
            if parameters.into_iter().any(is_query) {
                calls.insert((method.to_owned(), path.clone()));
            }
        }
    }
    calls
}

/// What a status means, for the shared responses.
const PROBLEMS: &[(u16, &str, &str)] = &[
    (400, "BadRequest", "The request cannot be understood"),
    (
        401,
        "NotSignedIn",
        "The token is missing, wrong or ended; at sign-in: wrong credentials",
    ),
    (
        403,
        "Forbidden",
        "The right is missing, the account is disabled or locked, the network is not allowed, or a guest may not come in",
    ),
    (404, "NotFound", "There is no such object"),
    (
        405,
        "MethodNotAllowed",
        "The address does not take this method; Allow names those it takes",
    ),
    (
        406,
        "NotAcceptable",
        "The answer cannot have a form that Accept names",
    ),
    (409, "Conflict", "Exists already, or not possible right now"),
    (
        412,
        "Stale",
        "Changed by somebody else: If-Match names an old version",
    ),
    (413, "TooLarge", "The body is too large"),
    (415, "UnsupportedMediaType", "The body has the wrong content type"),
    (422, "Invalid", "A value is not allowed"),
    (
        429,
        "TooManyRequests",
        "Too many attempts; Retry-After says when to try again",
    ),
    (500, "Internal", "The server failed at this request"),
    (
        503,
        "Unavailable",
        "Not possible right now; Retry-After says when to try again",
    ),
    (507, "DiskFull", "The disk of the server is full"),
];

/// Adds to every call what all calls have in common.
pub(crate) fn complete(mut document: openapi::OpenApi) -> openapi::OpenApi {
    let components = document.components.get_or_insert_default();
    for (status, name, description) in PROBLEMS {
        let mut response = ResponseBuilder::new()
            .description(*description)
            .content("application/problem+json", problem_content());
        if matches!(status, 429 | 503) {
            response = response.header("Retry-After", retry_after());
        }
        components
            .responses
            .insert((*name).to_owned(), RefOr::T(response.build()));
    }
    for (path, item) in &mut document.paths.paths {
        let methods = [
            (false, &mut item.get),
            (true, &mut item.post),
            (true, &mut item.put),
            (true, &mut item.patch),
            (true, &mut item.delete),
        ];
        for (is_write, operation) in methods {
            if let Some(operation) = operation {
                complete_call(path, is_write, operation);
            }
        }
    }
    document
}

fn problem_content() -> Content {
    ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .build()
}

fn retry_after() -> openapi::Header {
    let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0.0));
    HeaderBuilder::new()
        .schema(Some(seconds.build()))
        .description(Some("Seconds"))
        .build()
}

fn complete_call(path: &str, is_write: bool, operation: &mut Operation) {
    // `security(())` of an annotation says: for everybody.
    let is_public = operation.security.is_some();
    if is_public {
        operation.security = Some(Vec::new());
    }
    let has_body = operation.request_body.is_some();
    let is_sign_in = path.ends_with("/session") && is_public;
    let is_for_guests = is_public
        && ["/door", "/guests", "/registrants"]
            .iter()
            .any(|part| path.contains(part));
    let applies = |status: u16| match status {
        400 | 405 | 500 | 503 => true,
        401 => !is_public || is_sign_in,
        // A guest's personal link may not be valid.
        403 => !is_public || is_sign_in || (is_for_guests && is_write),
        404 => path.contains('{') || (is_write && !is_public) || path.ends_with("/avatar"),
        406 => !is_write,
        // A server that borrows from no License Manager has none to show.
        409 => is_write || path.ends_with("/license-manager") || path.ends_with("/directory/key"),
        412 | 507 => is_write,
        413 | 415 => has_body,
        422 => {
            is_write
                || ["/resolve", "/look", "/me/pages"]
                    .iter()
                    .any(|end| path.ends_with(end))
        }
        429 => is_sign_in || is_for_guests || path.ends_with("/me/password") || path.ends_with("/me/search"),
        _ => false,
    };
    for (status, name, _) in PROBLEMS {
        if applies(*status) {
            let response = RefOr::Ref(Ref::from_response_name(*name));
            add(&mut operation.responses, *status, response);
        }
    }
    let parameters = operation.parameters.get_or_insert_default();
    parameters.push(header(
        "Plenary-Index",
        "Answer only after this much is applied: what an earlier answer carried.",
        "^[0-9]{1,19}$",
    ));
    // What gives out a token cannot give the same one again.
    if is_write && !is_public {
        parameters.push(header(
            "Idempotency-Key",
            "The same key with the same request changes nothing twice within a day.",
            "^[ -~]{1,255}$",
        ));
    }
    if matches!(operation.operation_id.as_deref(), Some(id) if has_if_match(id)) {
        parameters.push(header(
            "If-Match",
            "Change only this version: an ETag of the object, or its revision in quotes.",
            "^(\\*|(W/)?\"[0-9]{1,19}(-[A-Za-z0-9_-]{1,32})?\")$",
        ));
    }
    let has_etag = matches!(operation.operation_id.as_deref(), Some(id) if has_etag(id));
    if has_etag && !is_write {
        parameters.push(header(
            "If-None-Match",
            "An ETag: 304 if the object has not changed since.",
            "^[ -~]{1,255}$",
        ));
        let response = ResponseBuilder::new().description("Not changed").build();
        add(&mut operation.responses, 304, RefOr::T(response));
    }
}

fn add(responses: &mut Responses, status: u16, response: RefOr<openapi::Response>) {
    responses.responses.entry(status.to_string()).or_insert(response);
}

fn has_if_match(operation: &str) -> bool {
    let object = operation
        .strip_prefix("update_")
        .or(operation.strip_prefix("delete_"));
    matches!(
        object,
        Some("me" | "user" | "group" | "alias" | "conference" | "template" | "settings" | "seats")
    )
}

fn has_etag(operation: &str) -> bool {
    let objects = [
        "me",
        "user",
        "group",
        "alias",
        "conference",
        "template",
        "settings",
        "seats",
        "my_avatar",
        "user_avatar",
    ];
    operation
        .strip_prefix("get_")
        .is_some_and(|object| objects.contains(&object))
}

fn header(name: &str, description: &str, pattern: &str) -> RefOr<Parameter> {
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(pattern));
    let parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .description(Some(description))
        .schema(Some(schema.build()));
    RefOr::T(parameter.build())
}
