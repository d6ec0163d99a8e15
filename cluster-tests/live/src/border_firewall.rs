//! Two Border Controllers in DMZs of their own behind a firewall that drops every new flow from there to the inside.
//!
//! ```text
//!  this test ──out──┐            ┌──dmz1── controller 198.51.100.2
//!                   ├── firewall ┤
//!       nodes ──lan─┘            └──dmz2── controller 203.0.113.2
//! ```
//! The DMZs have public addresses (RFC 5737): browsers take no candidate at port 443 of a private one. The test is outside; beside that it has a cable of its own to the nodes, as who looks after them has.

use crate::{
    border::{Controller, Inside, outside, slowest, until},
    disks::run,
    scenarios::Figures,
};
use anyhow::{Context as _, ensure};
use plenary_testkit::Process;
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Command,
    time::Duration,
};

/// A namespace, which is the name of the firewall's interface to it, too, and the first parts of its network.
const SPACES: [(&str, [u8; 3]); 3] = [("lan", [10, 78, 3]), DMZ[0], DMZ[1]];
pub(crate) const DMZ: [(&str, [u8; 3]); 2] = [("dmz1", [198, 51, 100]), ("dmz2", [203, 0, 113])];
/// Where the outside is.
const OUT: [u8; 3] = [10, 78, 1];
/// This test's own addresses, outside and on the cable to the nodes.
pub(crate) const OUTSIDE: Ipv4Addr = Ipv4Addr::new(10, 78, 1, 2);
pub(crate) const BESIDE: Ipv4Addr = Ipv4Addr::new(10, 78, 5, 1);
pub(crate) const NODES: &str = "10.78.3.2";
/// What lets media in by UDP.
const DATAGRAMS: &str =
    "add rule inet border datagrams iifname \"out\" oifname { \"dmz1\", \"dmz2\" } udp dport 53000 accept";

pub(crate) struct Lab {
    tag: String,
}

impl Lab {
    pub(crate) fn make() -> anyhow::Result<Self> {
        let lab = Self {
            tag: format!("pb{}", std::process::id() % 100_000),
        };
        let firewall = lab.space("fw");
        run("ip", &["netns", "add", &firewall])?;
        for (name, net) in SPACES {
            let [gateway, near] = [1, 2].map(|last| host(net, last));
            let space = lab.space(name);
            run("ip", &["netns", "add", &space])?;
            run(
                "ip",
                &[
                    "-n", &firewall, "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns",
                    &space,
                ],
            )?;
            lab.end(&firewall, name, &format!("{gateway}/24"))?;
            lab.end(&space, "eth0", &format!("{near}/24"))?;
            run("ip", &["-n", &space, "link", "set", "lo", "up"])?;
            let gateway = gateway.to_string();
            run("ip", &["-n", &space, "route", "add", "default", "via", &gateway])?;
        }
        lab.own_cables(&firewall)?;
        run(
            "ip",
            &[
                "netns",
                "exec",
                &firewall,
                "sh",
                "-c",
                "echo 1 > /proc/sys/net/ipv4/ip_forward",
            ],
        )?;
        let rules = "add table inet border; add counter inet border dropped; \
                     add chain inet border forward { type filter hook forward priority 0; policy drop; }; \
                     add chain inet border cut; add rule inet border forward jump cut; \
                     add rule inet border forward ct state established,related accept; \
                     add rule inet border forward iifname \"lan\" oifname { \"dmz1\", \"dmz2\" } udp dport 4312 accept; \
                     add rule inet border forward iifname \"out\" oifname { \"dmz1\", \"dmz2\" } tcp dport { 443, 4307 } accept; \
                     add chain inet border datagrams; add rule inet border forward jump datagrams; \
                     add rule inet border forward iifname { \"dmz1\", \"dmz2\" } counter name \"dropped\" drop";
        run("ip", &["netns", "exec", &firewall, "nft", rules])?;
        lab.datagrams(true)?;
        Ok(lab)
    }

    /// One to the firewall's outer side, one to the nodes.
    fn own_cables(&self, firewall: &str) -> anyhow::Result<()> {
        let (out, lan) = (self.own("o"), self.own("l"));
        run(
            "ip",
            &[
                "link", "add", &out, "type", "veth", "peer", "name", "out", "netns", firewall,
            ],
        )?;
        let [gateway, here] = [1, 2].map(|last| host(OUT, last));
        self.end(firewall, "out", &format!("{gateway}/24"))?;
        run("ip", &["addr", "add", &format!("{here}/24"), "dev", &out])?;
        run("ip", &["link", "set", &out, "up"])?;
        for (_, net) in DMZ {
            let net = format!("{}/24", host(net, 0));
            let gateway = gateway.to_string();
            run("ip", &["route", "add", &net, "via", &gateway, "dev", &out])?;
        }
        let nodes = self.space("lan");
        run(
            "ip",
            &[
                "link", "add", &lan, "type", "veth", "peer", "name", "own", "netns", &nodes,
            ],
        )?;
        self.end(&nodes, "own", "10.78.5.2/24")?;
        run("ip", &["addr", "add", "10.78.5.1/24", "dev", &lan])?;
        run("ip", &["link", "set", &lan, "up"])?;
        run(
            "ip",
            &["route", "add", &format!("{NODES}/32"), "via", "10.78.5.2"],
        )
    }

    fn end(&self, space: &str, link: &str, address: &str) -> anyhow::Result<()> {
        run("ip", &["-n", space, "addr", "add", address, "dev", link])?;
        run("ip", &["-n", space, "link", "set", link, "up"])
    }

    fn own(&self, which: &str) -> String {
        format!("{}{which}", self.tag)
    }

    fn space(&self, name: &str) -> String {
        format!("{}-{name}", self.tag)
    }

    pub(crate) fn wrapper(&self, name: &str) -> Vec<String> {
        let words = ["ip", "netns", "exec", &self.space(name)];
        words.into_iter().map(String::from).collect()
    }

    /// Whether datagrams get from outside to the controllers from now on, beside TCP.
    pub(crate) fn datagrams(&self, pass: bool) -> anyhow::Result<()> {
        let rules = if pass {
            DATAGRAMS
        } else {
            "flush chain inet border datagrams"
        };
        run("ip", &["netns", "exec", &self.space("fw"), "nft", rules])
    }

    /// Nothing of tunnels gets through any more, or does again.
    pub(crate) fn cut_tunnels(&self, cut: bool) -> anyhow::Result<()> {
        let rules = if cut {
            "add rule inet border cut udp dport 4312 drop; add rule inet border cut udp sport 4312 drop"
        } else {
            "flush chain inet border cut"
        };
        run("ip", &["netns", "exec", &self.space("fw"), "nft", rules])
    }

    /// Gives this test one more address outside.
    pub(crate) fn another_address(&self) -> anyhow::Result<Ipv4Addr> {
        let address = host(OUT, 9);
        run(
            "ip",
            &["addr", "add", &format!("{address}/24"), "dev", &self.own("o")],
        )?;
        Ok(address)
    }

    /// Packets of the DMZ that the firewall dropped.
    pub(crate) fn dropped(&self) -> anyhow::Result<u64> {
        let words = [
            "netns",
            "exec",
            &self.space("fw"),
            "nft",
            "-j",
            "list",
            "counters",
        ];
        let output = Command::new("ip").args(words).output()?;
        let listed: Value = serde_json::from_slice(&output.stdout)?;
        let all = listed["nftables"].as_array().context("a list")?;
        let found = all.iter().find_map(|one| one["counter"]["packets"].as_u64());
        found.context("the firewall counts")
    }

    /// Whether a TCP connection from there is taken within a second.
    fn connects(&self, from: &str, to: SocketAddr) -> anyhow::Result<bool> {
        let dial = format!("exec 3<>/dev/tcp/{}/{}", to.ip(), to.port());
        let words = [
            "netns",
            "exec",
            &self.space(from),
            "timeout",
            "1",
            "bash",
            "-c",
            &dial,
        ];
        Ok(Command::new("ip").args(words).output()?.status.success())
    }
}

fn host([a, b, c]: [u8; 3], last: u8) -> Ipv4Addr {
    Ipv4Addr::new(a, b, c, last)
}

impl Drop for Lab {
    fn drop(&mut self) {
        for which in ["o", "l"] {
            run("ip", &["link", "del", &self.own(which)]).ok();
        }
        for name in ["fw", "lan", "dmz1", "dmz2"] {
            run("ip", &["netns", "del", &self.space(name)]).ok();
        }
    }
}

/// A controller in each DMZ, and where they are reached for the web; nodes may not have dialled them yet.
pub(crate) async fn controllers(
    lab: &Lab,
    inside: &Inside,
    folder: &Path,
) -> anyhow::Result<(Vec<Process>, Vec<SocketAddr>)> {
    let (mut processes, mut at) = (Vec::new(), Vec::new());
    for (space, net) in DMZ {
        let here = |port: u16| SocketAddr::from((host(net, 2), port));
        let ports = [
            here(443),
            here(4307),
            here(4312),
            here(53_000),
            SocketAddr::from(([127, 0, 0, 1], 9464)),
        ];
        let controller = Controller::at(folder, space, ports, &lab.wrapper(space))?;
        let token = inside.invite(space, controller.tunnel).await?;
        processes.push(controller.start(&folder.join(space), &["join", &token])?);
        at.push(controller.web);
    }
    Ok((processes, at))
}

/// Meets a server through two controllers though nothing may be opened to the inside, and takes one of them away.
///
/// # Errors
/// What was not as it must be.
pub async fn border_firewall() -> anyhow::Result<Figures> {
    let folder = tempfile::Builder::new().prefix("plenary-border-").tempdir()?;
    let lab = Lab::make()?;
    let inside = Inside::start(folder.path(), &lab.wrapper("lan"), &format!("{NODES}:0")).await?;
    let (mut processes, at) = controllers(&lab, &inside, folder.path()).await?;
    inside.tunnels().await?;
    let (server, root) = (inside.server().await?, inside.root().await?);
    let person = outside(&server, &root, &at)?;
    let who = &inside.line["users"][0];
    let body = json!({ "login": who["login"], "password": who["password"] });
    let session = person
        .post(format!("https://{server}/api/v1/session"))
        .json(&body);
    let session = session.send().await?;
    ensure!(
        session.status() == StatusCode::CREATED,
        "sign-in: {}",
        session.status()
    );
    let before = slowest(&server, &root, &at).await?;
    ensure!(
        lab.dropped()? == 0,
        "something here wanted to open a way to the inside"
    );

    // The nodes do listen, and whoever is in the DMZ does not get there.
    let nodes = inside.url(0).trim_start_matches("http://").parse()?;
    ensure!(lab.connects("fw", nodes)?, "the nodes listen there");
    for from in ["dmz1", "dmz2"] {
        ensure!(!lab.connects(from, nodes)?, "{from} reaches the inside");
    }
    ensure!(lab.dropped()? > 0, "it was the firewall");

    processes.first_mut().context("a controller")?.kill()?;
    let without = slowest(&server, &root, &at).await?;
    // The nodes notice by themselves, and the other one is as it was.
    until("the lost controller is seen", async || {
        let all = inside
            .call(reqwest::Method::GET, "/border-controllers", None)
            .await?;
        let up = |one: &Value| one["tunnel"]["up_since"].is_string();
        let ups: Vec<bool> = all["items"]
            .as_array()
            .context("a list")?
            .iter()
            .map(up)
            .collect();
        Ok((ups == [false, true]).then_some(()))
    })
    .await?;
    let still = slowest(&server, &root, &at[1..]).await?;
    ensure!(still < Duration::from_secs(1), "{still:?} by the other one");
    Ok(Figures {
        notes: vec![format!(
            "a new client is served in {} ms by two controllers, in {} ms right after one was killed; the DMZ opened nothing",
            before.as_millis(),
            without.as_millis()
        )],
        ..Figures::default()
    })
}
