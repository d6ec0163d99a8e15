//! Two servers with uneven load: seats follow it (LIC-14).

use crate::{
    Place,
    enterprise::{Enterprise, told, wait},
    ledger::{self, Course, Node, now_ms},
    scenarios::Figures,
};
use anyhow::{Context as _, ensure};
use plenary_licences::Seats;
use plenary_light::{Person, Tag, Ticket};
use serde_json::json;
use std::{
    net::{IpAddr, Ipv4Addr},
    path::Path,
    time::{Duration, Instant},
};

pub(crate) const ROOM: &str = "open-house";
/// Guest seats of the whole enterprise.
const POOL: u32 = 12;
const NAMES: [&str; 2] = ["paris.internal", "oslo.internal"];
/// Seats are where people are within this.
const WITHIN: Duration = Duration::from_secs(5);
const TTL: Duration = Duration::from_secs(60);

/// Most people are in one branch, then in the other, and so on; together they fill the pool. Writes the
/// course as a picture if `picture` says where.
pub async fn uneven_load(picture: Option<&Path>) -> anyhow::Result<Figures> {
    let seats = Seats {
        pro: 4,
        online: 8,
        guest: POOL,
        gateway: 0,
    };
    let mut enterprise = Enterprise::start(vec![Place::local()], seats, TTL).await?;
    for name in NAMES {
        let at = enterprise.add_server(name, vec![told(Place::local())]).await?;
        open_room(&enterprise, at).await?;
    }
    look_after(&enterprise).await?;
    let mut crowd = Crowd::default();
    let begun = now_ms();
    let mut took: Vec<Duration> = Vec::new();
    // Where many tests run at once, some moves are slow because people are; two must be quick.
    for [paris, oslo] in [[9, 3], [2, 10], [11, 1], [3, 9], [10, 2], [1, 11], [8, 4]] {
        let quick = took.iter().skip(1).filter(|took| **took < WITHIN).count();
        if quick >= 2 {
            break;
        }
        // Those go first who go: the seats of the others are not free before.
        crowd.shrink(0, paris).await;
        crowd.shrink(1, oslo).await;
        let asked = Instant::now();
        crowd
            .grow(&enterprise, 0, paris, Ipv4Addr::LOCALHOST.into())
            .await?;
        crowd
            .grow(&enterprise, 1, oslo, Ipv4Addr::LOCALHOST.into())
            .await?;
        wait("all are in", async || Ok(crowd.all_in())).await?;
        took.push(asked.elapsed());
        // So that the picture shows the plateau.
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
    let course = ledger::read(&nodes(&enterprise), "guest")?.since(begun);
    course.check(u64::from(POOL))?;
    ensure!(
        course.peak() == u64::from(POOL),
        "the pool was not used up: at most {} seats",
        course.peak()
    );
    if let Some(path) = picture {
        std::fs::write(path, picture_of(&course, begun)).with_context(|| path.display().to_string())?;
    }
    let quick = took.iter().skip(1).filter(|took| **took < WITHIN).count();
    ensure!(quick >= 2, "seats followed only after {took:?}");
    let ms: Vec<String> = took.iter().map(|took| took.as_millis().to_string()).collect();
    Ok(Figures {
        notes: vec![format!("everybody was in after {} ms", ms.join(", "))],
        ..Figures::default()
    })
}

/// The administrators of a server see the whole manager once they may, and no others do.
async fn look_after(enterprise: &Enterprise) -> anyhow::Result<()> {
    let [paris, oslo] = [0, 1].map(|server| &enterprise.servers[server]);
    ensure!(
        paris.get(0, "/license-manager").await.is_err(),
        "nobody allowed it"
    );
    enterprise.act(0, &["server", "oversee", NAMES[0]])?;
    let seen = paris.get(0, "/license-manager").await?;
    let servers: Vec<&str> = seen["servers"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|server| server["server"].as_str())
        .collect();
    ensure!(
        servers == ["oslo.internal", "paris.internal"] && seen["standing"] == "serving",
        "the manager shows {seen}"
    );
    ensure!(
        oslo.get(0, "/license-manager").await.is_err(),
        "others see nothing"
    );
    let path = format!("/license-manager/servers/{}/recall", NAMES[1]);
    paris.post_anywhere(&path, &json!({ "guest": 1 })).await.map(drop)
}

/// A room that guests may enter.
pub(crate) async fn open_room(enterprise: &Enterprise, server: usize) -> anyhow::Result<()> {
    let room = json!({ "cid": ROOM, "name": "Open house", "access": "public" });
    enterprise.servers[server]
        .post_anywhere("/conferences", &room)
        .await
        .map(drop)
}

/// A guest comes in.
pub(crate) async fn guest(
    enterprise: &Enterprise,
    server: usize,
    number: usize,
    address: IpAddr,
) -> anyhow::Result<Person> {
    let server = &enterprise.servers[server];
    let path = format!("/conferences/{ROOM}/guests");
    let made = server
        .post_anywhere(&path, &json!({ "name": format!("Guest {number}") }))
        .await?;
    let nodes = server.nodes();
    Ok(Person::enter(Ticket {
        at: number % nodes.len(),
        nodes,
        token: made["token"].as_str().context("a guest gets a token")?.to_owned(),
        room: ROOM.to_owned(),
        tag: (number % 120) as Tag,
        address,
        through: Vec::new(),
        pictures: 1,
        level: 127,
    }))
}

/// Who is where.
#[derive(Default)]
struct Crowd {
    people: [Vec<Person>; 2],
    came: usize,
}

impl Crowd {
    async fn shrink(&mut self, server: usize, to: usize) {
        let to = to.min(self.people[server].len());
        let going = self.people[server].split_off(to);
        for person in going {
            person.leave().await;
        }
    }

    async fn grow(
        &mut self,
        enterprise: &Enterprise,
        server: usize,
        to: usize,
        address: IpAddr,
    ) -> anyhow::Result<()> {
        while self.people[server].len() < to {
            self.came += 1;
            let person = guest(enterprise, server, self.came, address).await?;
            self.people[server].push(person);
        }
        Ok(())
    }

    fn all_in(&self) -> bool {
        self.people
            .iter()
            .flatten()
            .all(|person| person.seen().me.is_some())
    }
}

/// The logs of all nodes, server by server.
pub(crate) fn nodes(enterprise: &Enterprise) -> Vec<Vec<Node>> {
    let of_server = |server: &crate::Server| {
        let node = |member: &crate::server::Member| Node {
            log: member.log.clone(),
            absent: Vec::new(),
        };
        server.members.iter().map(node).collect()
    };
    enterprise.servers.iter().map(of_server).collect()
}

const WIDE: f64 = 760.0;
const HIGH: f64 = 120.0;
const LEFT: f64 = 60.0;

/// Held as a line and used as an area, one strip for each server.
fn picture_of(course: &Course, begun: u64) -> String {
    let end = course.instants.last().map_or(begun, |(at, _)| *at) + 1_000;
    let x = |at: u64| LEFT + WIDE * at.saturating_sub(begun) as f64 / (end - begun).max(1) as f64;
    let mut svg = HEAD.to_owned();
    for (server, name) in NAMES.iter().enumerate() {
        let base = 60.0 + (HIGH + 40.0) * server as f64 + HIGH;
        let y = |seats: u64| base - HIGH * seats as f64 / f64::from(POOL);
        let mut steps = |class: &str, of: &dyn Fn(&ledger::Count) -> u64, is_area: bool| {
            let (mut path, mut before) = (format!("M{LEFT:.1} {base:.1}"), 0);
            for (at, counts) in &course.instants {
                let now = counts.get(server).map_or(0, of);
                if now != before {
                    path += &format!("L{:.1} {:.1}V{:.1}", x(*at), y(before), y(now));
                    before = now;
                }
            }
            path += &format!("L{:.1} {:.1}", LEFT + WIDE, y(before));
            if is_area {
                path += &format!("V{base:.1}Z");
            }
            svg += &format!("  <path class=\"{class}\" d=\"{path}\"/>\n");
        };
        steps("used", &|count| count.used, true);
        steps("held", &|count| count.held, false);
        svg += &format!(
            "  <path class=\"axis\" d=\"M{LEFT} {:.1}V{base:.1}H{:.1}\"/>\n  <text x=\"{LEFT}\" y=\"{:.1}\">{name}</text>\n",
            base - HIGH,
            LEFT + WIDE,
            base - HIGH - 8.0
        );
        for seats in [0, POOL / 2, POOL] {
            let at = y(u64::from(seats)) + 5.0;
            svg += &format!(
                "  <text class=\"small\" x=\"{:.1}\" y=\"{at:.1}\" text-anchor=\"end\">{seats}</text>\n",
                LEFT - 8.0
            );
        }
    }
    let foot = 60.0 + 2.0 * HIGH + 40.0 + 22.0;
    for second in (0..=(end - begun) / 1000).step_by(5) {
        let at = x(begun + second * 1000);
        svg += &format!(
            "  <text class=\"small\" x=\"{at:.1}\" y=\"{foot:.1}\" text-anchor=\"middle\">{second} s</text>\n"
        );
    }
    svg + "</svg>\n"
}

const HEAD: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 370" width="860" height="370" role="img" aria-labelledby="title description">
  <title id="title">Seats follow the load</title>
  <desc id="description">Two servers share twelve guest seats. Nine guests meet in Paris and three in Oslo, then two and ten, then eleven and one, and so on; at each change the leased seats follow those in use within moments, and never are more than twelve in use.</desc>
  <style>
    text { font: 15px system-ui, "Noto Sans", "Segoe UI", sans-serif; fill: #1f2937; }
    .small { font-size: 13px; fill: #4b5563; }
    .axis { fill: none; stroke: #94a3b8; }
    .used { fill: #a5b4fc; }
    .held { fill: none; stroke: #4338ca; stroke-width: 2; }
    @media (prefers-color-scheme: dark) {
      text { fill: #e5e7eb; }
      .small { fill: #b6bfcc; }
      .used { fill: #4338ca; }
      .held { stroke: #c7d2fe; }
    }
  </style>
  <path class="held" d="M560 26h30"/><text class="small" x="598" y="31">leased</text>
  <rect class="used" x="668" y="17" width="30" height="18"/><text class="small" x="706" y="31">in use by guests</text>
"#;
