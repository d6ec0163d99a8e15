//! The management port and request IDs, over real HTTP.

use axum::{Router, body::Body, http::Request, routing::get};
use http_body_util::BodyExt as _;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use plenary_telemetry::{
    AcceptRequestIds, CarryRequestIds, CheckState, Health, Metrics, REQUEST_ID_HEADER, RequestId,
    management_router,
    prometheus::metrics::{counter::Counter, histogram::Histogram},
};
use std::net::SocketAddr;
use tower::{Layer as _, ServiceExt as _};

async fn serve(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

struct Answer {
    status: u16,
    content_type: String,
    request_id: Option<String>,
    text: String,
}

async fn ask(request: Request<Body>) -> Answer {
    let client = CarryRequestIds.layer(Client::builder(TokioExecutor::new()).build_http());
    let answer = client.oneshot(request).await.expect("answers");
    let header = |name: &str| {
        answer
            .headers()
            .get(name)
            .map(|value| value.to_str().expect("text").to_owned())
    };
    let (status, content_type) = (
        answer.status().as_u16(),
        header("content-type").unwrap_or_default(),
    );
    let request_id = header(REQUEST_ID_HEADER);
    let bytes = answer.into_body().collect().await.expect("whole").to_bytes();
    Answer {
        status,
        content_type,
        request_id,
        text: String::from_utf8(bytes.to_vec()).expect("text"),
    }
}

async fn fetch(address: SocketAddr, path: &str) -> Answer {
    ask(Request::get(format!("http://{address}{path}"))
        .body(Body::empty())
        .expect("good"))
    .await
}

fn value(text: &str, name: &str) -> f64 {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} in {text}"))
        .parse()
        .expect("a number")
}

#[tokio::test]
async fn metrics_are_served_in_the_openmetrics_format() {
    let metrics = Metrics::new("node", "1.2.3");
    let requests = Counter::<u64>::default();
    let seconds = Histogram::new([0.1, 1.0]);
    metrics.register(|registry| registry.register("requests", "Requests served", requests.clone()));
    metrics.register(|registry| registry.register("request_duration_seconds", "How long", seconds.clone()));
    let address = serve(management_router(metrics, Health::default())).await;
    requests.inc_by(3);
    seconds.observe(0.5);

    let answer = fetch(address, "/metrics").await;
    assert_eq!(answer.status, 200);
    assert!(
        answer
            .content_type
            .starts_with("application/openmetrics-text; version=1.0.0")
    );
    let text = &answer.text;
    assert!(
        text.contains("plenary_build_info{program=\"node\",version=\"1.2.3\"} 1\n"),
        "{text}"
    );
    assert!((value(text, "plenary_requests_total") - 3.0).abs() < 1e-9);
    assert!((value(text, "plenary_request_duration_seconds_count") - 1.0).abs() < 1e-9);
    assert!(value(text, "process_resident_memory_bytes") > 1e6);
    assert!(value(text, "process_open_fds") >= 3.0);
    assert!(value(text, "process_cpu_seconds_total") >= 0.0);
    assert!(value(text, "process_start_time_seconds") > 1.7e9);
    assert!(text.ends_with("# EOF\n"));
    requests.inc();
    assert!((value(&fetch(address, "/metrics").await.text, "plenary_requests_total") - 4.0).abs() < 1e-9);
    assert_eq!(fetch(address, "/other").await.status, 404);
}

#[tokio::test]
async fn readiness_follows_the_checks_and_says_why() {
    let health = Health::default();
    let address = serve(management_router(Metrics::new("node", "1"), health.clone())).await;
    assert_eq!(fetch(address, "/readyz").await.status, 200, "nothing to wait for");

    health.set("replication", CheckState::Unready("no leader is known".into()));
    let (leader, seen) = tokio::sync::watch::channel(false);
    health.watch("disk", move || match *seen.borrow() {
        true => CheckState::Degraded("5 % free".into()),
        false => CheckState::Ready,
    });
    let answer = fetch(address, "/readyz").await;
    assert_eq!(
        (answer.status, answer.content_type.as_str()),
        (503, "application/json")
    );
    let json: serde_json::Value = serde_json::from_str(&answer.text).expect("JSON");
    assert_eq!(
        json,
        serde_json::json!({ "ready": false, "checks": [
            { "name": "disk", "state": "ready" },
            { "name": "replication", "state": "unready", "detail": "no leader is known" },
        ]})
    );
    assert_eq!(fetch(address, "/healthz").await.status, 200, "alive all the same");

    health.set("replication", CheckState::Ready);
    leader.send_replace(true);
    let answer = fetch(address, "/readyz").await;
    assert_eq!(answer.status, 200, "degraded is still ready");
    assert!(answer.text.contains("5 % free") && health.is_ready());
}

#[tokio::test]
async fn a_request_id_goes_through_all_programs_and_comes_back() {
    let last = Router::new().route("/", get(async || RequestId::current().expect("one").to_string()));
    let last = serve(last.layer(AcceptRequestIds)).await;
    // Calls the last one on the way, as one program calls another.
    let first = get(async move || fetch(last, "/").await.text);
    let first = serve(Router::new().route("/", first).layer(AcceptRequestIds)).await;

    let request = Request::get(format!("http://{first}/")).header(REQUEST_ID_HEADER, "chosen-by-client");
    let answer = ask(request.body(Body::empty()).expect("good")).await;
    assert_eq!(answer.text, "chosen-by-client");
    assert_eq!(answer.request_id.as_deref(), Some("chosen-by-client"));

    let answer = fetch(first, "/").await;
    assert_eq!(
        answer.request_id.as_deref(),
        Some(answer.text.as_str()),
        "made by the first, known to the last"
    );
    assert_eq!(answer.text.len(), 16);
}
