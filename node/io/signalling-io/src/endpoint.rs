//! From a request to a socket of somebody who is known.

use crate::{
    Caller, Hub, origin,
    run::{Newcomer, ask},
    transport::{Received, first_text, turn_away},
};
use axum::{
    extract::{FromRequestParts as _, Request, State, WebSocketUpgrade, ws::WebSocket},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use plenary_outside::CameFromOutside;
use plenary_signalling::{Close, CloseCode, Hello};
use std::time::Duration;
use tokio::time::timeout;

/// Longest user agent that is kept, in characters.
const USER_AGENT: usize = 512;
/// Messages of so many times the longest are still read, to be answered by a close that says what was wrong.
const OVERSIZE: usize = 2;
/// Buffers are small: there is one pair for each connection, and messages are short.
const BUFFER: usize = 4 * 1024;

pub(crate) async fn signal(State(hub): State<Hub>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    if !origin::is_allowed(&parts, &(hub.options().origins)()) {
        let detail = "pages of other hosts may not connect here";
        return problem(StatusCode::FORBIDDEN, "forbidden", "Not allowed", detail);
    }
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade,
        Err(rejection) => {
            let detail = format!("this address speaks WebSocket only: {rejection}");
            return problem(
                rejection.status(),
                "bad-header",
                "A request header is wrong",
                &detail,
            );
        }
    };
    if hub.is_draining() && hub.others().await.is_empty() {
        return busy(
            "draining",
            "This node is being taken out of service",
            "there is no other node to go to",
        );
    }
    let caller = caller(&parts, &hub);
    let Some(place) = hub.handshakes().take(caller.address) else {
        let detail = "too many connections are beginning at this moment";
        return busy("busy", "This node has too much to do", detail);
    };
    let longest = hub.options().limits.message_bytes.saturating_mul(OVERSIZE);
    let upgrade = upgrade
        .max_message_size(longest)
        .max_frame_size(longest)
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER);
    let tasks = hub.tasks().clone();
    upgrade.on_upgrade(move |socket| {
        tasks.track_future(async move {
            if let Some(newcomer) = greet(&hub, socket, caller).await {
                drop(place);
                hub.welcome(newcomer).await;
            }
        })
    })
}

fn caller(parts: &Parts, hub: &Hub) -> Caller {
    let user_agent = parts.headers.get(header::USER_AGENT);
    let user_agent = user_agent.map(|value| String::from_utf8_lossy(value.as_bytes()));
    let user_agent = user_agent.unwrap_or_default();
    Caller {
        address: (hub.options().address_of)(parts),
        from_outside: parts.extensions.get::<CameFromOutside>().is_some(),
        user_agent: user_agent
            .chars()
            .filter(|c| !c.is_control())
            .take(USER_AGENT)
            .collect(),
    }
}

/// Waits for the hello and asks whose token it brings. Whoever has none is turned away.
async fn greet(hub: &Hub, mut socket: WebSocket, caller: Caller) -> Option<Newcomer> {
    let close = match hello(hub, &mut socket, &caller).await {
        Ok(hello) => match ask(hub.source().authenticate(&hello.token, &caller)).await {
            Some(Some(who)) => {
                let nodes = if caller.from_outside {
                    Vec::new()
                } else {
                    hub.source().nodes().await
                };
                let Hello {
                    token,
                    resume,
                    last_seq,
                } = hello;
                return Some(Newcomer {
                    socket,
                    who,
                    token,
                    caller,
                    resume,
                    last_seq,
                    nodes,
                });
            }
            Some(None) => Close::new(CloseCode::NotSignedIn, "the token is wrong, expired or revoked"),
            None => Close::new(
                CloseCode::TooSlow,
                "the server cannot tell whose token this is; try again",
            ),
        },
        Err(close) => close?,
    };
    turn_away(socket, close, hub.options().close_wait).await;
    None
}

/// The hello; or why not, `None` if there is nobody to tell it to.
async fn hello(hub: &Hub, socket: &mut WebSocket, caller: &Caller) -> Result<Hello, Option<Close>> {
    if hub.is_draining() {
        return Err(Some(Close::elsewhere(hub.others_for(caller).await)));
    }
    let limits = &hub.options().limits;
    let not_understood = |words: String| Some(Close::new(CloseCode::NotUnderstood, words));
    let too_long = || not_understood(format!("a message is longer than {} bytes", limits.message_bytes));
    let text = tokio::select! {
        text = timeout(Duration::from_millis(limits.hello_ms), first_text(socket)) => text,
        () = hub.drained() => return Err(Some(Close::elsewhere(hub.others_for(caller).await))),
    };
    match text {
        Ok(Ok(text)) if text.len() > limits.message_bytes => Err(too_long()),
        Ok(Ok(text)) => match Hello::parse(&text) {
            Ok(hello) if hello.token.is_empty() => {
                Err(Some(Close::new(CloseCode::NotSignedIn, "the token is missing")))
            }
            Ok(hello) => Ok(hello),
            Err(bad) => Err(not_understood(bad.to_string())),
        },
        Ok(Err(Received::Oversize)) => Err(too_long()),
        Ok(Err(Received::Binary(_))) => Err(not_understood("messages are texts".into())),
        Ok(Err(_)) => Err(None),
        Err(_) => Err(Some(Close::new(CloseCode::TooSlow, "no hello was heard"))),
    }
}

fn busy(code: &str, title: &str, detail: &str) -> Response {
    let mut answer = problem(StatusCode::SERVICE_UNAVAILABLE, code, title, detail);
    answer
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    answer
}

/// As the REST interface tells what went wrong.
fn problem(status: StatusCode, code: &str, title: &str, detail: &str) -> Response {
    let body = serde_json::json!({
        "type": format!("https://plenary.invalid/problems/{code}"),
        "title": title,
        "status": status.as_u16(),
        "detail": detail,
        "code": code,
    });
    let content_type = (header::CONTENT_TYPE, "application/problem+json");
    (status, [content_type], body.to_string()).into_response()
}
