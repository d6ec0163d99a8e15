//! Networks of their own for the nodes, so that links can be cut.

use crate::{Place, disks::run};
use std::net::Ipv4Addr;

/// Network namespaces on a bridge; the test itself is at 10.77.0.254.
pub(crate) struct Network {
    tag: String,
    size: usize,
}

impl Network {
    /// Where the test itself is.
    pub(crate) const OWN: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 254);

    /// Three of them.
    pub(crate) fn make() -> anyhow::Result<Self> {
        Self::of_size(3)
    }

    pub(crate) fn of_size(size: usize) -> anyhow::Result<Self> {
        let network = Self {
            tag: format!("pl{}", std::process::id() % 100_000),
            size,
        };
        let bridge = network.bridge();
        run("ip", &["link", "add", &bridge, "type", "bridge"])?;
        run("ip", &["addr", "add", "10.77.0.254/24", "dev", &bridge])?;
        run("ip", &["link", "set", &bridge, "up"])?;
        for node in 0..size {
            let (space, outer) = (network.space(node), format!("{}v{node}", network.tag));
            run("ip", &["netns", "add", &space])?;
            run(
                "ip",
                &[
                    "link", "add", &outer, "type", "veth", "peer", "name", "eth0", "netns", &space,
                ],
            )?;
            run("ip", &["link", "set", &outer, "master", &bridge, "up"])?;
            let address = format!("{}/24", Self::address(node));
            run("ip", &["-n", &space, "addr", "add", &address, "dev", "eth0"])?;
            run("ip", &["-n", &space, "link", "set", "eth0", "up"])?;
            run("ip", &["-n", &space, "link", "set", "lo", "up"])?;
        }
        Ok(network)
    }

    fn bridge(&self) -> String {
        format!("{}br", self.tag)
    }

    fn space(&self, node: usize) -> String {
        format!("{}-{node}", self.tag)
    }

    fn address(node: usize) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, 0, 1 + node as u8)
    }

    pub(crate) fn places(&self) -> Vec<Place> {
        let place = |node| Place {
            address: Self::address(node).into(),
            folder: None,
            wrapper: ["ip", "netns", "exec", &self.space(node)]
                .into_iter()
                .map(String::from)
                .collect(),
        };
        (0..self.size).map(place).collect()
    }

    /// Drops what comes from the other nodes; clients at the bridge are still heard.
    pub(crate) fn cut(&self, node: usize) -> anyhow::Result<()> {
        let last = Self::address(self.size - 1);
        let rules = format!(
            "add table inet cut; add chain inet cut in {{ type filter hook input priority 0; }}; \
             add rule inet cut in ip saddr 10.77.0.1-{last} drop"
        );
        run("ip", &["netns", "exec", &self.space(node), "nft", &rules])
    }

    /// Drops all that comes and goes, as if the cable was pulled.
    pub(crate) fn pull(&self, node: usize) -> anyhow::Result<()> {
        let rules = "add table inet cut; add chain inet cut in { type filter hook input priority 0; }; \
                     add rule inet cut in iifname eth0 drop; \
                     add chain inet cut out { type filter hook output priority 0; }; \
                     add rule inet cut out oifname eth0 drop";
        run("ip", &["netns", "exec", &self.space(node), "nft", rules])
    }

    /// Drops all between these nodes and those; each hears its own side and clients at the bridge.
    pub(crate) fn part(&self, these: &[usize], those: &[usize]) -> anyhow::Result<()> {
        let list: Vec<_> = those
            .iter()
            .map(|node| Self::address(*node).to_string())
            .collect();
        let rules = format!(
            "add table inet cut; add chain inet cut in {{ type filter hook input priority 0; }}; \
             add rule inet cut in ip saddr {{ {} }} drop",
            list.join(", ")
        );
        for node in these {
            run("ip", &["netns", "exec", &self.space(*node), "nft", &rules])?;
        }
        Ok(())
    }

    pub(crate) fn mend(&self, node: usize) -> anyhow::Result<()> {
        run(
            "ip",
            &["netns", "exec", &self.space(node), "nft", "delete table inet cut"],
        )
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for node in 0..self.size {
            run("ip", &["netns", "del", &self.space(node)]).ok();
        }
        run("ip", &["link", "del", &self.bridge()]).ok();
    }
}
