//! Attacks on a Border Controller while people meet through it. Each has a bound, and costs those who meet nothing.

use crate::{
    border::{Controller, Inside, outside, signed_in, until},
    border_media::{CALM, PEOPLE, Ways, enter, figure, longest_gap},
    border_tricks::{self, Door, said},
    meeting::settle,
    scenarios::Figures,
};
use anyhow::{Context as _, ensure};
use plenary_light::Person;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use reqwest::Method;
use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    task::JoinSet,
    time::{sleep, timeout},
};

const LONG: Duration = Duration::from_secs(60);
/// Nobody is without a picture or a voice for so long; pictures come ten times a second.
const NO_GAP: Duration = Duration::from_secs(1);
/// Connections that say what they are byte by byte: as TLS, and as HTTP within it.
const SLOW: (usize, usize) = (200, 50);
const BETWEEN_BYTES: Duration = Duration::from_millis(200);
/// Connections that want to do nothing once TLS is up, of so many networks.
const IDLE: usize = 10_000;
const NETWORKS: usize = 200;
/// Who hears nothing for so long goes on without this one.
const PATIENCE: Duration = Duration::from_secs(5);
/// Of them at a time: who attacks shares this machine with who meets.
const AT_ONCE: usize = 8;
/// Streams that one connection begins and resets, and connections.
const RESETS: (usize, usize) = (2_000, 10);
/// Datagrams a second of a flood, and how long it lasts.
const RATE: usize = 50_000;
const FLOOD: Duration = Duration::from_secs(5);
/// How long garbage comes at every port.
const GARBAGE: Duration = Duration::from_secs(60);
/// More than this a controller with the default limits never holds in a build for tests, whatever comes.
const MEMORY: f64 = 400e6;

/// People who meet through a controller, and what an attacker knows of it.
struct Siege<'a> {
    inside: &'a Inside,
    controller: &'a Controller,
    people: &'a [Person],
    door: Arc<Door>,
}

impl Siege<'_> {
    /// Runs one attack and checks that nobody missed anything.
    async fn bear(
        &self,
        what: &str,
        attack: impl Future<Output = anyhow::Result<String>>,
    ) -> anyhow::Result<String> {
        let speakers: Vec<usize> = (0..PEOPLE).collect();
        settle(self.people, &speakers, CALM)
            .await
            .with_context(|| format!("before {what}"))?;
        let flows = figure(self.controller, "border_media_flows").await?;
        self.people.iter().for_each(Person::forget_gaps);
        let began = Instant::now();
        let bound = attack.await.context(what.to_owned())?;
        let took = began.elapsed();
        settle(self.people, &speakers, CALM)
            .await
            .with_context(|| format!("beside {what}"))?;
        let gap = longest_gap(self.people);
        ensure!(gap < NO_GAP, "{what}: {bound}, but it cost a gap of {gap:?}");
        let after = figure(self.controller, "border_media_flows").await?;
        // Each who meets has two; ways that were tried at first are forgotten meanwhile.
        let fewest = 2.0 * (PEOPLE - 1) as f64;
        ensure!(
            (fewest..=flows).contains(&after),
            "{what}: {after} flows instead of {flows}"
        );
        let memory = figure(self.controller, "process_resident_memory_bytes").await?;
        ensure!(memory < MEMORY, "{what}: the controller holds {memory} bytes");
        let (took, gap) = (took.as_secs_f64(), gap.as_millis());
        let told = format!(
            "{what}: {bound} ({took:.1} s, gap {gap} ms, {:.0} MB)",
            memory / 1e6
        );
        eprintln!("{told}");
        Ok(told)
    }

    async fn refused(&self, why: &str) -> anyhow::Result<f64> {
        figure(
            self.controller,
            &format!("border_refused_total{{reason=\"{why}\"}}"),
        )
        .await
    }

    async fn dropped(&self, why: &str) -> anyhow::Result<f64> {
        let name = format!("border_media_dropped_total{{reason=\"{why}\"}}");
        figure(self.controller, &name).await
    }
}

/// The address of a stranger's network.
fn network(number: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 1, (number / 250) as u8, (number % 250) as u8 + 1)
}

/// Ways to ask for the administration, with the token of an administrator.
async fn tricks(siege: &Siege<'_>, server: &str, root: &str) -> anyhow::Result<String> {
    let person = outside(server, root, &[siege.door.at])?;
    let base = format!("https://{server}:{}", siege.door.at.port());
    let token = signed_in(&person, &base, &siege.inside.line["admin"]).await?;
    let tried = border_tricks::all_fail(siege.door.at, server, root, &token).await?;
    Ok(format!("{tried} ways lead nowhere"))
}

/// Says this byte by byte, and tells how long that was borne.
async fn drip(stream: impl AsyncRead + AsyncWrite, bytes: Vec<u8>) -> Duration {
    let began = Instant::now();
    let (mut hear, mut say) = tokio::io::split(stream);
    let saying = async {
        for byte in bytes {
            sleep(BETWEEN_BYTES).await;
            if say.write_all(&[byte]).await.is_err() || say.flush().await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = saying => {}
        // Whatever comes back, or the end: it is not listened to any more.
        _ = hear.read_u8() => {}
    }
    began.elapsed()
}

async fn slow(siege: &Siege<'_>) -> anyhow::Result<String> {
    let before = siege.refused("slow_hello").await?;
    let (hellos, heads) = SLOW;
    let mut hello = vec![22, 3, 1, 2, 0, 1];
    hello.resize(500, 0);
    let mut tasks = JoinSet::new();
    for number in 0..hellos {
        let (door, hello) = (siege.door.clone(), hello.clone());
        tasks.spawn(async move {
            let stream = door.knock(network(number)).await?;
            anyhow::Ok(drip(stream, hello).await)
        });
    }
    let head = format!(
        "GET / HTTP/1.1\r\nHost: {}\r\nX: {}",
        siege.door.server(),
        "x".repeat(1_000)
    );
    for number in 0..heads {
        let (door, head) = (siege.door.clone(), head.clone().into_bytes());
        tasks.spawn(async move {
            let stream = door.dial(network(number)).await?;
            Ok(drip(stream, head).await)
        });
    }
    let mut longest = Duration::ZERO;
    while let Some(done) = timeout(LONG, tasks.join_next()).await.context("they are borne")? {
        longest = longest.max(done??);
    }
    let put_out = siege.refused("slow_hello").await? - before;
    ensure!(put_out >= hellos as f64, "{put_out} of {hellos} were put out");
    Ok(format!(
        "{} put out, the last after {:.1} s",
        hellos + heads,
        longest.as_secs_f64()
    ))
}

/// Keeps connections for which TLS was done, as many as it gets.
async fn idle(siege: &Siege<'_>) -> anyhow::Result<String> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (door, next) = (siege.door.clone(), next.clone());
        tasks.spawn(async move {
            let mut kept = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= IDLE {
                    return kept;
                }
                if let Ok(Ok(stream)) = timeout(PATIENCE, door.dial(network(number % NETWORKS))).await {
                    kept.push(stream);
                }
            }
        });
    }
    let mut kept: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    let open = figure(siege.controller, "border_flows").await?;
    let most = 8_192.0;
    ensure!(open <= most, "{open} connections are open");
    ensure!(!kept.is_empty(), "nobody gets in any more");
    let count = kept.len();
    // Who meets shares this process, too: all at once would hold them up here.
    while !kept.is_empty() {
        kept.truncate(kept.len().saturating_sub(AT_ONCE));
        sleep(Duration::from_millis(2)).await;
    }
    until("they are gone", async || {
        let open = figure(siege.controller, "border_flows").await?;
        Ok((open < 100.0).then_some(()))
    })
    .await?;
    Ok(format!(
        "{count} of {IDLE} held, {open} open at the most of {most}"
    ))
}

/// Frames of HTTP/2 (RFC 9113 §4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(0).to_be_bytes();
    let [_, a, b, c] = length;
    [&[a, b, c, kind, flags][..], &stream.to_be_bytes(), payload].concat()
}

/// Begins streams and resets them at once.
async fn rapid_reset(siege: &Siege<'_>) -> anyhow::Result<String> {
    let (streams, connections) = RESETS;
    let server = siege.door.server();
    // GET, https and / of the static table, the authority in letters (RFC 7541 §6.1, §6.2.2).
    let mut request = vec![0x82, 0x87, 0x84, 0x01, u8::try_from(server.len())?];
    request.extend(server.as_bytes());
    let mut most = 0;
    for number in 0..connections {
        let tls = siege.door.dial_two(network(number)).await?;
        let (mut hear, mut say) = tokio::io::split(tls);
        say.write_all(&[&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &frame(4, 0, 0, &[])].concat())
            .await?;
        let saying = async {
            for stream in 0..streams {
                let id = u32::try_from(stream * 2 + 1).unwrap_or(1);
                let both = [frame(1, 5, id, &request), frame(3, 0, id, &8_u32.to_be_bytes())].concat();
                if say.write_all(&both).await.is_err() || say.flush().await.is_err() {
                    return stream;
                }
            }
            streams
        };
        let hearing = async {
            let mut told = Vec::new();
            hear.read_to_end(&mut told).await.ok();
        };
        let both = async { tokio::join!(saying, hearing).0 };
        let said = timeout(LONG, both).await.context("the connection goes on")?;
        most = most.max(said);
    }
    Ok(format!(
        "{connections} connections ended, none after more than {most} streams were written"
    ))
}

/// Sends datagrams at [`RATE`] from several networks, in a thread of its own; `datagram` is given their number.
fn flood(
    at: SocketAddr,
    datagram: impl Fn(usize) -> Vec<u8> + Send + 'static,
) -> anyhow::Result<JoinSet<usize>> {
    let sockets: Vec<UdpSocket> = (0..16)
        .map(|number| UdpSocket::bind((network(number), 0)))
        .collect::<Result<_, _>>()?;
    let mut task = JoinSet::new();
    task.spawn_blocking(move || {
        let began = Instant::now();
        let mut sent = 0;
        while began.elapsed() < FLOOD {
            let due = (began.elapsed().as_secs_f64() * RATE as f64) as usize;
            while sent < due {
                let Some(socket) = sockets.get(sent % sockets.len()) else {
                    break;
                };
                // What the system has no room for is lost.
                socket.send_to(&datagram(sent), at).ok();
                sent += 1;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        sent
    });
    Ok(task)
}

/// Requests for sessions that nobody has.
async fn forged_names(siege: &Siege<'_>) -> anyhow::Result<String> {
    let before = siege.dropped("unknown_name").await?;
    let sent = flood(siege.controller.media, |number| {
        let mut message = vec![0, 1, 0, 20, 0x21, 0x12, 0xA4, 0x42];
        message.extend([7; 12]);
        message.extend([0, 6, 0, 16]);
        message.extend(format!("{number:08}:nobody_").into_bytes());
        message
    })?;
    let sent: usize = sent.join_all().await.into_iter().sum();
    let dropped = siege.dropped("unknown_name").await? - before;
    let tried = figure(siege.controller, "border_media_flows_tried").await?;
    ensure!(dropped > 0.0 && tried == 0.0, "{dropped} dropped, {tried} tried");
    Ok(format!(
        "of {sent} datagrams {dropped} dropped by name, the rest by the system; no flow"
    ))
}

/// Media that belong to nobody's flow.
async fn foreign_flows(siege: &Siege<'_>) -> anyhow::Result<String> {
    let reason = "no_flow";
    let before = siege.dropped(reason).await?;
    let sent = flood(siege.controller.media, |number| {
        let mut packet = vec![128, 96];
        packet.extend((number as u16).to_be_bytes());
        packet.resize(1_200, 7);
        packet
    })?;
    let sent: usize = sent.join_all().await.into_iter().sum();
    let dropped = siege.dropped(reason).await? - before;
    ensure!(dropped > 0.0, "none was dropped");
    Ok(format!(
        "of {sent} datagrams {dropped} dropped, the rest by the system"
    ))
}

/// Heads that are larger than anybody needs.
async fn oversize(siege: &Siege<'_>) -> anyhow::Result<String> {
    let head = format!("GET / HTTP/1.1\r\nHost: {}\r\n", siege.door.server());
    let requests = [
        format!("{head}Cookie: {}\r\n\r\n", "x".repeat(40_000)),
        format!("{head}{}\r\n", "X-A: y\r\n".repeat(400)),
        format!("{head}Cookie: {}\r\n\r\n", "x".repeat(1 << 20)),
        format!(
            "POST /api/v1/session HTTP/1.1\r\nHost: {}\r\nContent-Length: 9000000\r\n\r\n",
            siege.door.server()
        ),
    ];
    for (number, request) in requests.iter().enumerate() {
        let mut tls = siege.door.dial(network(number)).await?;
        let answer = said(&mut tls, request).await.unwrap_or_default();
        let status = answer.get(9..12).unwrap_or_default();
        ensure!(matches!(status, "" | "413" | "431"), "{number}: {answer:?}");
    }
    Ok(format!("{} refused", requests.len()))
}

/// Whoever copied what a removed controller had, and stands in its place, is given nothing; neither is who has a used token.
async fn stolen(siege: &Siege<'_>, folder: &Path) -> anyhow::Result<String> {
    let second = Controller::new(folder, "second")?;
    let data = folder.join("second");
    let token = siege.inside.invite("dmz-2", second.tunnel).await?;
    let mut process = second.start(&data, &["join", &token])?;
    siege.inside.tunnels().await?;
    process.kill()?;
    let thief = second.start(&folder.join("thief"), &["join", &token])?;
    until("nodes have tried who has the used token", async || {
        let all = siege
            .inside
            .call(Method::GET, "/border-controllers", None)
            .await?;
        let one = all["items"]
            .as_array()
            .and_then(|all| all.iter().find(|one| one["name"] == "dmz-2"));
        Ok(one
            .is_some_and(|one| one["tunnel"]["trouble"].is_string())
            .then_some(()))
    })
    .await?;
    let enrolled = folder.join("thief/identity/enrolled.json");
    ensure!(!enrolled.exists(), "a used token enrolled another one");
    drop(thief);
    siege
        .inside
        .call(Method::DELETE, "/border-controllers/dmz-2", None)
        .await?;
    let _copy = second.start(&data, &["run"])?;
    until("the copy runs", async || {
        Ok(Some(figure(&second, "border_tunnels").await?))
    })
    .await?;
    // A node that dialled it would have done so within this.
    let until = Instant::now() + Duration::from_secs(10);
    while Instant::now() < until {
        let tunnels = figure(&second, "border_tunnels").await?;
        ensure!(tunnels == 0.0, "a removed controller has {tunnels} tunnels");
        sleep(Duration::from_millis(200)).await;
    }
    Ok("a used token enrols nobody, and a removed controller's copy has no tunnel".to_owned())
}

/// Whatever bytes, at every port that strangers may reach, and at those that they may not.
async fn garbage(siege: &Siege<'_>) -> anyhow::Result<String> {
    let controller = siege.controller;
    let until = Instant::now() + GARBAGE;
    let mut tasks = JoinSet::new();
    for (number, at) in [controller.web, controller.federation, controller.metrics]
        .into_iter()
        .enumerate()
    {
        tasks.spawn(async move {
            let mut random = StdRng::seed_from_u64(number as u64);
            let mut sent = 0;
            while Instant::now() < until {
                let mut bytes = vec![0; random.random_range(1..4_096)];
                random.fill(&mut bytes[..]);
                // Every other one begins as TLS does, so that it is read further.
                if sent % 2 == 0 {
                    bytes.splice(0..0, [22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]);
                }
                let socket = tokio::net::TcpSocket::new_v4()?;
                socket.bind((network(sent % NETWORKS), 0).into())?;
                if let Ok(mut stream) = socket.connect(at).await {
                    stream.write_all(&bytes).await.ok();
                    timeout(Duration::from_millis(20), stream.read(&mut [0; 64]))
                        .await
                        .ok();
                }
                sent += 1;
            }
            anyhow::Ok(sent)
        });
    }
    for (number, at) in [controller.tunnel, controller.media].into_iter().enumerate() {
        tasks.spawn(async move {
            let mut random = StdRng::seed_from_u64(100 + number as u64);
            let socket = tokio::net::UdpSocket::bind((network(number), 0)).await?;
            let mut sent = 0;
            while Instant::now() < until {
                for _ in 0..10 {
                    let mut bytes = vec![0; random.random_range(1..1_400)];
                    random.fill(&mut bytes[..]);
                    // As QUIC's first packets, STUN, DTLS, SRTP and anything.
                    if let (Some(first), Some(begin)) =
                        (bytes.first_mut(), [0xC3, 0, 22, 128, 255].get(sent % 5))
                    {
                        *first = *begin;
                    }
                    socket.send_to(&bytes, at).await.ok();
                    sent += 1;
                }
                sleep(Duration::from_millis(5)).await;
            }
            Ok(sent)
        });
    }
    let mut all = 0;
    for sent in tasks.join_all().await {
        all += sent?;
    }
    Ok(format!("{all} pieces at 5 ports"))
}

/// Attacks one after the other, while people meet.
///
/// # Errors
/// What was not as it must be.
pub async fn border_attacks() -> anyhow::Result<Figures> {
    let folder = tempfile::Builder::new()
        .prefix("plenary-border-attacks-")
        .tempdir()?;
    let inside = Inside::start(folder.path(), &[], "127.0.0.1:0").await?;
    let controller = Controller::new(folder.path(), "bc")?;
    let token = inside.invite("dmz-1", controller.tunnel).await?;
    let _process = controller.start(&folder.path().join("controller"), &["join", &token])?;
    inside.tunnels().await?;
    until("both nodes carry media", async || {
        let tunnels = figure(&controller, "border_media_tunnels").await?;
        Ok((tunnels >= 2.0).then_some(()))
    })
    .await?;
    let (server, root) = (inside.server().await?, inside.root().await?);
    let people = enter(&inside, &Ways::here(&controller)).await?;
    let siege = Siege {
        inside: &inside,
        controller: &controller,
        people: &people,
        door: Arc::new(Door::new(controller.web, &server, &root)?),
    };
    let notes = vec![
        siege
            .bear("ways to the administration", tricks(&siege, &server, &root))
            .await?,
        siege.bear("byte by byte", slow(&siege)).await?,
        siege.bear("heads too large", oversize(&siege)).await?,
        siege.bear("rapid reset", rapid_reset(&siege)).await?,
        siege.bear("forged names", forged_names(&siege)).await?,
        siege.bear("foreign flows", foreign_flows(&siege)).await?,
        siege
            .bear("stolen and used", stolen(&siege, folder.path()))
            .await?,
        siege.bear("idle TLS", idle(&siege)).await?,
        siege.bear("garbage", garbage(&siege)).await?,
    ];
    for person in people {
        person.leave().await;
    }
    Ok(Figures {
        notes,
        ..Figures::default()
    })
}
