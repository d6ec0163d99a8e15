//! What the outside can make of a connection, byte by byte. Behind the filter is a server that says what it was asked.

use super::*;
use plenary_identity::{EnterpriseCa, Identity, MACHINE_KEY_FILE, MachineKey, Program};
use plenary_model::NodeId;
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
    time::timeout,
};

const LONG: Duration = Duration::from_secs(60);
const HOST: &str = "Host: meet.example.com\r\n";

struct World {
    outside: Outside,
    counted: Arc<Counted>,
    /// Requests that came through the filter.
    asked: Arc<AtomicUsize>,
    _folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let server = "paris.example.com".parse().expect("good");
        let root = EnterpriseCa::create(&folder.path().join("root"), &"Demo".parse().expect("good"));
        let ca = root.and_then(|root| root.certify(Program::Node, &server, &[]));
        let machine = MachineKey::open_or_create(&folder.path().join(MACHINE_KEY_FILE));
        let name = "node-1".parse().expect("good");
        let identity = Identity::create(
            folder.path(),
            machine.expect("a key"),
            ca.expect("issuers"),
            name,
            NodeId(1),
        );
        let tls = identity
            .expect("an identity")
            .web(&["meet.example.com".parse().expect("good")]);
        let (counted, asked) = (Arc::new(Counted::default()), Arc::new(AtomicUsize::new(0)));
        let seen = asked.clone();
        let app = Router::new().fallback(move |request: Request<Body>| {
            seen.fetch_add(1, Ordering::Relaxed);
            async move {
                let (parts, body) = request.into_parts();
                let from = parts
                    .extensions
                    .get::<ConnectInfo<SocketAddr>>()
                    .map(|info| info.0);
                let outside = parts.extensions.get::<CameFromOutside>();
                let mut names: Vec<&str> = parts.headers.keys().map(HeaderName::as_str).collect();
                names.sort_unstable();
                let body = axum::body::to_bytes(body, usize::MAX).await;
                let bytes = body.map_or(0, |body| body.len());
                format!(
                    "{} {} {from:?} {outside:?} {names:?} {bytes}",
                    parts.method, parts.uri
                )
            }
        });
        let doors = Doors::new(Vec::new(), LONG);
        let names = BTreeSet::from(["meet.example.com".to_owned()]);
        let web = (app, tls.expect("a certificate"), doors);
        Self {
            outside: Outside::new(web, names, None, counted.clone()),
            counted,
            asked,
            _folder: folder,
        }
    }

    fn dial(&self) -> DuplexStream {
        let (near, far) = duplex(64 << 10);
        let outside = self.outside.clone();
        tokio::spawn(async move {
            outside
                .converse(far, "198.51.100.7:9".parse().expect("an address"))
                .await
                .ok();
        });
        near
    }

    /// The status of the answer to what was said at first, and how many answers followed until the connection ended.
    async fn say(&self, said: &str) -> (u16, usize) {
        let mut stream = self.dial();
        stream.write_all(said.as_bytes()).await.expect("written");
        let (first, _) = answer(&mut stream).await.expect("an answer");
        let mut more = 0;
        while answer(&mut stream).await.is_some() {
            more += 1;
        }
        (first, more)
    }

    fn count(&self, why: Refused) -> u64 {
        let mut all = self.counted.refused();
        all.find(|(word, _)| *word == why.as_str())
            .map_or(0, |(_, count)| count)
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

/// The next answer of HTTP/1.1: its status and body; `None` once the connection is over, or says nothing for a while.
async fn answer(stream: &mut DuplexStream) -> Option<(u16, String)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let patience = if head.is_empty() {
            Duration::from_secs(2)
        } else {
            LONG
        };
        head.push(timeout(patience, stream.read_u8()).await.ok()?.ok()?);
    }
    let head = String::from_utf8(head).expect("ASCII").to_lowercase();
    let status = head.get(9..12)?.parse().expect("a status");
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().expect("a length"))];
    stream.read_exact(&mut body).await.ok()?;
    Some((status, String::from_utf8(body).expect("UTF-8")))
}

#[tokio::test]
async fn a_client_is_seen_as_the_controller_saw_it_whatever_it_writes() {
    let world = World::new();
    let mut stream = world.dial();
    let said = format!(
        "POST /api/v1/session HTTP/1.1\r\n{HOST}X-Forwarded-For: 10.0.0.1\r\nx-forwarded-host: admin\r\n\
         Forwarded: for=10.0.0.1\r\nX-Real-IP: 10.0.0.1\r\nX-Original-URL: /admin\r\nAccept: */*\r\nContent-Length: 4\r\n\r\nabcd"
    );
    stream.write_all(said.as_bytes()).await.expect("written");
    let (status, seen) = answer(&mut stream).await.expect("an answer");
    assert_eq!(status, 200);
    let expected = r#"POST /api/v1/session Some(198.51.100.7:9) Some(CameFromOutside) ["accept", "content-length", "host"] 4"#;
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn however_the_administration_is_asked_for_nothing_behind_the_filter_hears_of_it() {
    let world = World::new();
    for (target, status) in [
        ("/admin", 404),
        ("/admin/users", 404),
        ("/ADMIN", 404),
        ("/api/v1/users", 404),
        ("/metrics", 404),
        ("/no/such/page", 404),
        ("//admin", 400),
        ("/./admin", 400),
        ("/m/../admin", 400),
        ("/%2e%2e/admin", 400),
        ("/m/%2E%2E%2Fadmin", 400),
        ("/m/..%2fadmin", 400),
        ("/%61dmin", 400),
        ("/admin%2f", 400),
        ("/admin/", 400),
        ("/admin;x=1", 400),
        ("/admin.", 400),
        ("/m\\..\\admin", 400),
        ("/m/%5c..%5cadmin", 400),
        ("/admin%00", 400),
        ("https://meet.example.com/admin", 400),
        ("https://meet.example.com/", 400),
        ("http://10.0.0.5/", 400),
        ("*", 400),
    ] {
        let said = format!("GET {target} HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n");
        assert_eq!(world.say(&said).await, (status, 0), "{target}");
    }
    let connect = format!("CONNECT meet.example.com:443 HTTP/1.1\r\n{HOST}\r\n");
    assert_eq!(world.say(&connect).await.0, 400);
    assert_eq!(world.asked(), 0);
    assert_eq!(world.count(Refused::NotReachable), 6);
    let good = format!("GET / HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n");
    assert_eq!(world.say(&good).await, (200, 0));
    assert_eq!(world.asked(), 1);
}

#[tokio::test]
async fn hosts_that_this_node_is_not_are_refused() {
    let world = World::new();
    for (host, status) in [
        ("", 400),
        ("Host: admin.example.com\r\n", 421),
        ("Host: 10.0.0.5\r\n", 421),
        ("Host: localhost\r\n", 421),
        ("Host: meet.example.com\r\nHost: admin.example.com\r\n", 400),
    ] {
        let said = format!("GET / HTTP/1.1\r\n{host}Connection: close\r\n\r\n");
        assert_eq!(world.say(&said).await, (status, 0), "{host}");
    }
    assert_eq!(world.asked(), 0);
}

/// Each says its length in two ways; a second request is in what only one of both readings takes for the body.
#[tokio::test]
async fn no_request_is_smuggled_in_the_body_of_another() {
    let world = World::new();
    let smuggled = format!("GET /home HTTP/1.1\r\n{HOST}\r\n");
    let length = smuggled.len() + 5;
    for lengths in [
        format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n"),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n"),
        "Transfer-Encoding: chunked\r\n".to_owned(),
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n".to_owned(),
        "Transfer-Encoding: xchunked\r\n".to_owned(),
        format!("Transfer-Encoding : chunked\r\nContent-Length: {length}\r\n"),
        format!(" Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n"),
        format!("Content-Length: 5\r\nContent-Length: {length}\r\n"),
        format!("Content-Length: 5, {length}\r\n"),
        "Content-Length: +5\r\n".to_owned(),
        "Content-Length: 0x5\r\n".to_owned(),
    ] {
        let said = format!("POST /api/v1/session HTTP/1.1\r\n{HOST}{lengths}\r\n0\r\n\r\n{smuggled}");
        let (status, more) = world.say(&said).await;
        assert!((400..=411).contains(&status), "{lengths}: {status}");
        assert_eq!(more, 0, "{lengths}: something else was answered");
    }
    let read = format!("GET / HTTP/1.1\r\n{HOST}Content-Length: {length}\r\n\r\n0\r\n\r\n{smuggled}");
    assert_eq!(world.say(&read).await, (400, 0));
    assert_eq!(world.asked(), 0);
}

#[tokio::test]
async fn heads_and_bodies_are_no_larger_than_people_need() {
    let world = World::new();
    let (long, many) = ("x".repeat(100 << 10), "X-A: y\r\n".repeat(200));
    for (said, status) in [
        (
            format!("GET / HTTP/1.1\r\n{HOST}Cookie: {}\r\n\r\n", &long[..40_000]),
            431,
        ),
        (format!("GET / HTTP/1.1\r\n{HOST}{many}\r\n"), 431),
        (format!("GET /m/{} HTTP/1.1\r\n{HOST}\r\n", &long[..2_000]), 414),
        (
            format!("POST /api/v1/session HTTP/1.1\r\n{HOST}Content-Length: 9000000\r\n\r\n"),
            413,
        ),
    ] {
        assert_eq!(world.say(&said).await.0, status, "{}", &said[..60]);
    }
    let mut stream = world.dial();
    let said = format!("GET / HTTP/1.1\r\n{HOST}Cookie: {long}\r\n\r\n");
    stream.write_all(said.as_bytes()).await.ok();
    let ended = answer(&mut stream).await.map(|(status, _)| status);
    assert!(matches!(ended, None | Some(431)), "{ended:?}");
    assert_eq!(world.asked(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_writes_a_head_byte_by_byte_is_put_out() {
    let world = World::new();
    let mut stream = world.dial();
    let began = tokio::time::Instant::now();
    let slow = async {
        for byte in format!("GET / HTTP/1.1\r\n{HOST}X: ")
            .bytes()
            .chain(std::iter::repeat(b'x'))
        {
            if stream.write_u8(byte).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    timeout(10 * HEAD_WITHIN, slow).await.expect("put out");
    assert!(began.elapsed() <= 2 * HEAD_WITHIN, "{:?}", began.elapsed());
    assert_eq!(world.asked(), 0);
}

#[tokio::test]
async fn requests_come_no_faster_than_people_make_them() {
    let world = World::new();
    let mut stream = world.dial();
    let (mut taken, mut refused) = (0, 0);
    let said = format!("GET / HTTP/1.1\r\n{HOST}\r\n");
    for _ in 0..500 {
        stream.write_all(said.as_bytes()).await.expect("written");
        match answer(&mut stream).await {
            Some((200, _)) => taken += 1,
            Some((429, _)) => refused += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(taken >= BURST.get() && refused > 0, "{taken} and {refused}");
    assert_eq!(world.count(Refused::TooFast), refused);
}

/// HTTP/2 by hand: what no library would send.
mod two {
    use super::*;

    const DATA_END: u8 = 0x1;
    const HEADERS_END: u8 = 0x4;
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

    /// RFC 9113 §4.1.
    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).expect("small").to_be_bytes();
        let mut frame = length[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        frame
    }

    /// Literals without index and without Huffman's code (RFC 7541 §6.2.2).
    fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
        let mut block = Vec::new();
        for (name, value) in fields {
            block.push(0);
            for text in [name, value] {
                block.push(u8::try_from(text.len()).expect("short"));
                block.extend(text.as_bytes());
            }
        }
        block
    }

    fn request(path: &str, more: &[(&str, &str)]) -> Vec<u8> {
        let mut all = vec![
            (":method", "GET"),
            (":scheme", "https"),
            (":authority", "meet.example.com"),
            (":path", path),
        ];
        all.extend(more);
        fields(&all)
    }

    fn beginning() -> Vec<u8> {
        [PREFACE, &frame(0x4, 0, 0, &[])].concat()
    }

    /// What came back on the first stream, or for all of them.
    #[derive(Debug, PartialEq)]
    enum Told {
        Status(u16),
        Reset,
        /// By this code.
        GoAway(u32),
        Ended,
    }

    async fn told(stream: &mut (impl AsyncRead + Unpin)) -> Told {
        loop {
            let mut head = [0; 9];
            match timeout(LONG, stream.read_exact(&mut head))
                .await
                .expect("in time")
            {
                Ok(_) => {}
                Err(_) => return Told::Ended,
            }
            let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
            let mut payload = vec![0; length];
            if stream.read_exact(&mut payload).await.is_err() {
                return Told::Ended;
            }
            match head[3] {
                // The static table of RFC 7541 appendix A has these; others are written out.
                0x1 => {
                    return Told::Status(match payload[0] {
                        0x88 => 200,
                        0x8c => 400,
                        0x8d => 404,
                        _ => 0,
                    });
                }
                0x3 => return Told::Reset,
                0x7 => {
                    let code: [u8; 4] = payload[4..8].try_into().expect("a code");
                    return Told::GoAway(u32::from_be_bytes(code));
                }
                _ => {}
            }
        }
    }

    async fn one(world: &World, block: &[u8]) -> Told {
        let mut stream = world.dial();
        let said = [beginning(), frame(0x1, HEADERS_END | DATA_END, 1, block)].concat();
        stream.write_all(&said).await.expect("written");
        told(&mut stream).await
    }

    #[tokio::test]
    async fn pseudo_headers_lead_nowhere_else() {
        let world = World::new();
        for (path, expected) in [
            ("/admin", 404),
            ("/api/v1/users?x=/", 404),
            ("//admin", 400),
            ("/m/..%2fadmin", 400),
            ("/%61dmin", 400),
            ("/admin;", 400),
        ] {
            assert_eq!(
                one(&world, &request(path, &[])).await,
                Told::Status(expected),
                "{path}"
            );
        }
        let odd: [&[(&str, &str)]; 10] = [
            &[(":path", "https://meet.example.com/admin")],
            &[(":path", "*")],
            &[(":path", "")],
            &[(":path", "admin")],
            &[(":path", "/"), (":path", "/admin")],
            &[(":path", "/"), (":scheme", "http")],
            &[(":path", "/"), ("host", "admin.example.com")],
            &[(":path", "/"), ("transfer-encoding", "chunked")],
            &[(":path", "/"), ("connection", "close")],
            &[(":path", "/"), ("upgrade", "websocket")],
        ];
        for more in odd {
            let mut all = vec![(":method", "GET"), (":authority", "meet.example.com")];
            if !more.iter().any(|(name, _)| *name == ":scheme") {
                all.push((":scheme", "https"));
            }
            // Pseudo-headers come first.
            all.extend(more);
            let told = one(&world, &fields(&all)).await;
            assert!(!matches!(told, Told::Status(200)), "{more:?}: {told:?}");
        }
        let connect = [(":method", "CONNECT"), (":authority", "10.0.0.5:22")];
        assert_ne!(one(&world, &fields(&connect)).await, Told::Status(200));
        let socket = [
            (":method", "CONNECT"),
            (":protocol", "websocket"),
            (":scheme", "https"),
            (":authority", "meet.example.com"),
            (":path", "/api/v1/signal"),
        ];
        assert_ne!(one(&world, &fields(&socket)).await, Told::Status(200));
        assert_eq!(world.asked(), 0);
        assert_eq!(one(&world, &request("/", &[])).await, Told::Status(200));
    }

    /// CVE-2023-44487.
    #[tokio::test]
    async fn streams_that_are_reset_at_once_end_the_connection() {
        let world = World::new();
        let stream = world.dial();
        let (mut read, mut write) = tokio::io::split(stream);
        let flood = tokio::spawn(async move {
            let block = request("/", &[]);
            let mut said = beginning();
            for number in 0..20_000_u32 {
                let id = 2 * number + 1;
                said.extend(frame(0x1, HEADERS_END | DATA_END, id, &block));
                said.extend(frame(0x3, 0, id, &8_u32.to_be_bytes()));
            }
            write.write_all(&said).await.is_err()
        });
        let code = loop {
            match told(&mut read).await {
                Told::GoAway(code) => break Some(code),
                Told::Ended => break None,
                Told::Status(_) | Told::Reset => {}
            }
        };
        assert!(matches!(code, None | Some(11)), "{code:?}");
        assert!(
            flood.await.expect("no panic"),
            "it was cut off before it had said all"
        );
        assert!(world.asked() < 2_000, "{}", world.asked());
        assert_eq!(one(&world, &request("/", &[])).await, Told::Status(200));
    }

    /// CVE-2024-27316.
    #[tokio::test]
    async fn a_head_that_goes_on_for_ever_ends_the_connection() {
        let world = World::new();
        let (mut read, mut write) = tokio::io::split(world.dial());
        let flood = tokio::spawn(async move {
            let block = request("/", &[]);
            let mut said = beginning();
            said.extend(frame(0x1, DATA_END, 1, &block));
            let more = fields(&[("x-more", "and more")]);
            for _ in 0..50_000 {
                said.extend(frame(0x9, 0, 1, &more));
            }
            write.write_all(&said).await.is_err()
        });
        let told = told(&mut read).await;
        assert!(matches!(told, Told::GoAway(_) | Told::Ended), "{told:?}");
        assert!(
            flood.await.expect("no panic"),
            "it was cut off before it had said all"
        );
        assert_eq!(world.asked(), 0);
    }
}
