//! Two enterprises, each with a server of three nodes, that find each other by a real DNS server, and people of both in one
//! conference (FED-02).

pub(crate) use crate::federation_world::{Setting, World, meet, meet_by, pair};
use crate::{
    Server,
    meeting::{PASSWORD, settle, sign_in},
    scenarios::Figures,
    server::ADMIN_PASSWORD,
};
use anyhow::{Context as _, ensure};
use plenary_light::{Person, Tag, Ticket};
use serde_json::json;
use std::{
    net::Ipv4Addr,
    path::Path,
    time::{Duration, Instant},
};
use tokio::time::sleep;

pub(crate) const PARIS: &str = "paris.example.com";
pub(crate) const OSLO: &str = "oslo.example.net";
pub(crate) const ROOM: &str = "review";
pub(crate) const NODES: usize = 3;
/// One on each node of either server; the first is of paris, whose conference it is.
const PEOPLE: usize = 2 * NODES;
pub(crate) const SPEAKS: u8 = 20;
const SILENT: u8 = 127;
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(50);
/// Who watches beside the pages of partners.
const VIEWERS: usize = 5;
/// So long all is as it should be before anything is cut.
const CALM: Duration = Duration::from_secs(2);
/// How long is counted what crosses.
const MEASURED: Duration = Duration::from_secs(5);
/// Packets that left on links to partners, repairs not counted.
const SENT: &str = "plenary_partner_packets_sent_total";

/// Both servers, and people with accounts there.
pub(crate) struct Partners {
    pub(crate) paris: Server,
    pub(crate) oslo: Server,
    tickets: Vec<Ticket>,
    pub(crate) people: Vec<Person>,
    pub(crate) world: World,
}

impl Partners {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let (partners, _) = Self::start_in(Setting::default()).await?;
        Ok(partners)
    }

    /// Gives the third server, too, where there is to be one.
    pub(crate) async fn start_in(setting: Setting<'_>) -> anyhow::Result<(Self, Option<Server>)> {
        let own = setting.own;
        let (paris, oslo, third, world) = setting.start().await?;
        let mut partners = Self {
            paris,
            oslo,
            tickets: Vec::new(),
            people: Vec::new(),
            world,
        };
        let room = json!({ "cid": ROOM, "name": "Review" });
        partners.paris.post_anywhere("/conferences", &room).await?;
        for tag in 0..PEOPLE {
            // One on either side speaks.
            let level = if tag % NODES == 0 { SPEAKS } else { SILENT };
            let ticket = partners.ticket(tag, own, level).await?;
            partners.tickets.push(ticket);
        }
        Ok((partners, third))
    }

    /// For a new account: the first are of paris, all others of oslo, each at another node than the one before.
    async fn ticket(&self, tag: usize, own: Ipv4Addr, level: u8) -> anyhow::Result<Ticket> {
        let at = tag % NODES;
        let (server, room) = if tag < NODES {
            (&self.paris, ROOM.to_owned())
        } else {
            (&self.oslo, format!("{ROOM}@{PARIS}"))
        };
        let login = format!("person-{tag}");
        let account = json!({ "id": login, "password": PASSWORD });
        server.post_anywhere("/users", &account).await?;
        Ok(Ticket {
            nodes: server.nodes(),
            at,
            token: sign_in(server, at, &login).await?,
            room,
            tag: tag as Tag,
            address: own.into(),
            through: Vec::new(),
            pictures: PEOPLE - 1,
            level,
        })
    }

    /// So many more of oslo come in, on all its nodes.
    async fn more(&mut self, count: usize) -> anyhow::Result<()> {
        for tag in PEOPLE..PEOPLE + count {
            let ticket = self.ticket(tag, Ipv4Addr::LOCALHOST, SILENT).await?;
            self.people.push(Person::enter(ticket));
        }
        let deadline = Instant::now() + PATIENCE;
        while self.people.iter().any(|one| one.seen().roster.len() < count) {
            ensure!(Instant::now() < deadline, "who watches does not come in");
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// All come in, and everybody sees and hears everybody.
    pub(crate) async fn begin(&mut self) -> anyhow::Result<()> {
        self.people = self.tickets.iter().cloned().map(Person::enter).collect();
        self.settle().await
    }

    /// Those who are not at the node of their ticket leave and come in there.
    pub(crate) async fn spread(&mut self) -> anyhow::Result<()> {
        for (person, ticket) in self.people.iter_mut().zip(&self.tickets) {
            if person.seen().at != ticket.at {
                let moved = std::mem::replace(person, Person::enter(ticket.clone()));
                moved.leave().await;
            }
        }
        self.settle().await
    }

    /// Waits until everybody sees and hears everybody, and has for a while.
    pub(crate) async fn settle(&self) -> anyhow::Result<()> {
        settle(&self.people, &self.speakers(), CALM).await
    }

    fn speakers(&self) -> Vec<usize> {
        let speaks = self.tickets.iter().enumerate();
        speaks
            .filter(|(_, ticket)| ticket.level == SPEAKS)
            .map(|(tag, _)| tag)
            .collect()
    }

    pub(crate) async fn end(self) {
        for person in self.people {
            person.leave().await;
        }
    }
}

/// Packets that crossed between the servers, by all links of all nodes.
#[derive(Debug, Clone, Copy)]
struct Crossed {
    /// From the conference's server to the other one.
    forth: u64,
    back: u64,
}

impl Crossed {
    async fn so_far(partners: &Partners) -> anyhow::Result<Self> {
        let mut crossed = Self { forth: 0, back: 0 };
        for node in 0..NODES {
            crossed.forth += partners.paris.metric(node, SENT).await?;
            crossed.back += partners.oslo.metric(node, SENT).await?;
        }
        Ok(crossed)
    }
}

/// The node of a server over which what its people send goes to partners.
pub(crate) async fn linking(server: &Server) -> anyhow::Result<usize> {
    let sent = async || -> anyhow::Result<Vec<u64>> {
        let mut sent = Vec::new();
        for node in 0..NODES {
            sent.push(server.metric(node, SENT).await?);
        }
        Ok(sent)
    };
    let before = sent().await?;
    loop {
        sleep(LOOK).await;
        let now = sent().await?;
        let grown = now.iter().zip(&before).map(|(now, before)| now - before);
        // Enough that it is media.
        if let Some((node, _)) = grown.enumerate().find(|(_, grown)| *grown > 50) {
            return Ok(node);
        }
    }
}

/// Everybody is called by their server, to those of the other one.
fn names(partners: &Partners) -> anyhow::Result<()> {
    let (paris, oslo) = partners.people.split_at(NODES);
    let users = |person: &Person| -> Vec<String> {
        let mut users: Vec<_> = person
            .seen()
            .roster
            .into_values()
            .filter_map(|one| one.user)
            .collect();
        users.sort();
        users
    };
    let named = |tags: std::ops::Range<usize>, server: &str| -> Vec<String> {
        tags.map(|tag| format!("person-{tag}{server}")).collect()
    };
    let guests = named(NODES..PEOPLE, &format!("@{OSLO}"));
    let there = [named(0..NODES, &format!("@{PARIS}")), guests.clone()].concat();
    let here = [named(0..NODES, ""), guests].concat();
    for (people, wanted) in [(paris, here), (oslo, there)] {
        for person in people {
            ensure!(
                users(person) == wanted,
                "the roster has {:?} instead of {wanted:?}",
                users(person)
            );
        }
    }
    Ok(())
}

/// People of both meet, each stream crosses once, and those of a server that is met no more have to leave.
pub async fn partners_meet() -> anyhow::Result<Figures> {
    let mut partners = Partners::start().await?;
    let since = Instant::now();
    partners.begin().await?;
    let together = since.elapsed().saturating_sub(CALM);
    names(&partners)?;
    let copies = copies(&partners).await?;
    // Whoever links at three nodes of either side gets each stream once: there are three who send on either side.
    ensure!(
        copies.forth < 1.5 && copies.back < 1.5,
        "streams cross more than once: {:.2} times there, {:.2} times back",
        copies.forth,
        copies.back
    );
    let with = Spent::meanwhile(&partners).await?;
    meet(&partners.paris, "blacklist", &["*.example.net"]).await?;
    let (stay, leave) = partners.people.split_at(NODES);
    let parted = Instant::now();
    let deadline = parted + PATIENCE;
    while stay.iter().any(|one| one.seen().roster.len() != NODES) {
        ensure!(
            Instant::now() < deadline,
            "people of a server that is met no more are still there"
        );
        sleep(LOOK).await;
    }
    let parted = parted.elapsed();
    settle(stay, &[0], CALM).await?;
    let dark = leave.iter().map(|one| one.watch().last());
    ensure!(
        dark.flatten().all(|last| last.elapsed() >= CALM),
        "pictures of a server that meets them no more still come"
    );
    let without = Spent::meanwhile(&partners).await?;
    let figures = Figures {
        notes: vec![
            with.each_beyond(&without),
            format!("{PEOPLE} people together after {} ms", together.as_millis()),
            format!(
                "each stream crosses {:.2} times there, {:.2} times back",
                copies.forth, copies.back
            ),
            format!("out {} ms after the lists changed", parted.as_millis()),
        ],
        ..Figures::default()
    };
    partners.end().await;
    Ok(figures)
}

/// What nodes spent: seconds of processors, and bytes on the links between the servers.
struct Spent {
    paris: f64,
    oslo: f64,
    forth: f64,
    back: f64,
}

impl Spent {
    async fn so_far(partners: &Partners) -> anyhow::Result<Self> {
        let sum = async |server: &Server, name: &str| -> anyhow::Result<f64> {
            let mut sum = 0.0;
            for node in 0..NODES {
                sum += server.figure(node, name).await?;
            }
            Ok(sum)
        };
        let processor = "process_cpu_seconds_total";
        let bytes = "plenary_partner_sent_bytes_total";
        Ok(Self {
            paris: sum(&partners.paris, processor).await?,
            oslo: sum(&partners.oslo, processor).await?,
            forth: sum(&partners.paris, bytes).await?,
            back: sum(&partners.oslo, bytes).await?,
        })
    }

    /// In a second, while nothing else happens.
    async fn meanwhile(partners: &Partners) -> anyhow::Result<Self> {
        let (before, since) = (Self::so_far(partners).await?, Instant::now());
        sleep(MEASURED).await;
        let (after, seconds) = (Self::so_far(partners).await?, since.elapsed().as_secs_f64());
        let a_second = |of: fn(&Self) -> f64| (of(&after) - of(&before)) / seconds;
        Ok(Self {
            paris: a_second(|spent| spent.paris),
            oslo: a_second(|spent| spent.oslo),
            forth: a_second(|spent| spent.forth),
            back: a_second(|spent| spent.back),
        })
    }

    /// What it is for each of the partner's people, beside a meeting without them.
    fn each_beyond(&self, without: &Self) -> String {
        let each = |of: fn(&Self) -> f64| (of(self) - of(without)) / NODES as f64;
        format!(
            "each of a partner costs {:.1} % of a processor at home and {:.1} % at their own server, {:.0} kbit/s there and \
             {:.0} kbit/s back",
            100.0 * each(|spent| spent.paris),
            100.0 * each(|spent| spent.oslo),
            each(|spent| spent.forth) * 8.0 / 1e3,
            each(|spent| spent.back) * 8.0 / 1e3,
        )
    }
}

/// How often each packet that somebody sends crosses.
pub(crate) struct Copies {
    pub(crate) forth: f64,
    pub(crate) back: f64,
}

/// Measured by what one of either side gets of the others, packet by packet.
pub(crate) async fn copies(partners: &Partners) -> anyhow::Result<Copies> {
    let before = Crossed::so_far(partners).await?;
    // All voices cross, at one pace, and one is heard of each side: that of its first.
    let counted = |at: usize, first: usize| -> u64 {
        let watch = partners.people[at].watch();
        let pictures: u64 = (first..first + NODES)
            .map(|tag| watch.of_pictures(tag as Tag))
            .sum();
        pictures + NODES as u64 * watch.of_voice(first as Tag)
    };
    let seen_before = (counted(NODES, 0), counted(0, NODES));
    sleep(MEASURED).await;
    let seen = (counted(NODES, 0), counted(0, NODES));
    let after = Crossed::so_far(partners).await?;
    let ratio = |crossed: u64, came: u64| crossed as f64 / came.max(1) as f64;
    Ok(Copies {
        forth: ratio(after.forth - before.forth, seen.0 - seen_before.0),
        back: ratio(after.back - before.back, seen.1 - seen_before.1),
    })
}

/// Browsers of both: what the people of these pages see is checked by `partners.spec.ts`.
pub async fn partner_pages() -> anyhow::Result<Figures> {
    let mut partners = Partners::start().await?;
    partners.more(VIEWERS).await?;
    let account = |tag: usize| json!({ "login": format!("person-{tag}"), "password": PASSWORD });
    let partner = json!({
        "url": partners.oslo.nodes()[1],
        "server": PARIS,
        "guestServer": OSLO,
        "cid": ROOM,
        "sent": SENT,
        "metrics": partners.paris.metrics(),
        "home": account(0),
        "guest": account(NODES),
    });
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../node/web-ui");
    let status = tokio::process::Command::new("npm")
        .args(["run", "e2e", "--", "partners.spec.ts"])
        .current_dir(web)
        .env("PLENARY_URLS", partners.paris.nodes().join(","))
        .env("PLENARY_ADMIN", "admin")
        .env("PLENARY_PASSWORD", ADMIN_PASSWORD)
        .env("PLENARY_PARTNER", partner.to_string())
        .status()
        .await
        .context("npm")?;
    ensure!(
        status.success(),
        "the pages of partners do not do what they should"
    );
    partners.end().await;
    Ok(Figures::default())
}
