use crate::{ClusterReport, NodeReport, NodeRole, NodeState, Problem, Severity};

/// Clocks may differ by this much before people are told; a minute is where writes are refused.
const CLOCK_WARNING_MS: i64 = 2_000;
const CLOCK_CRITICAL_MS: i64 = 60_000;
/// Free space under which people are told, as a share of the disk and in bytes: the smaller one counts.
const DISK_WARNING_SHARE: f64 = 0.10;
const DISK_WARNING_BYTES: u64 = 10 << 30;
const DISK_CRITICAL_BYTES: u64 = 512 << 20;
/// A disk that takes this long to make a write safe slows every change down.
const FSYNC_WARNING_MS: f64 = 100.0;

/// Finds what needs a person, worst first. The words for each code are the reader's matter: the UI and
/// `plenaryctl` have them in every language.
pub fn find_problems(report: &ClusterReport) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut add = |code: &str, severity, object: &str| {
        problems.push(Problem {
            code: code.into(),
            severity,
            object: object.into(),
        });
    };
    if !report.quorum {
        add("no-quorum", Severity::Critical, "");
    } else if report.leader.is_none() {
        add("no-leader", Severity::Critical, "");
    }
    for node in &report.nodes {
        for (code, severity) in node_problems(node) {
            add(code, severity, node.name.as_str());
        }
    }
    let voters = report
        .nodes
        .iter()
        .filter(|node| node.role != NodeRole::Learner)
        .count();
    if voters > 1 && voters % 2 == 0 {
        add("even-voters", Severity::Warning, "");
    }
    let versions = |node: &&NodeReport| !node.version.is_empty();
    let mut seen = report.nodes.iter().filter(versions).map(|node| &node.version);
    if let Some(first) = seen.next()
        && seen.any(|version| version != first)
    {
        add("versions-differ", Severity::Warning, "");
    }
    let up = report.nodes.iter().filter(|node| node.state != NodeState::Down);
    let mut wanted = up.filter_map(|node| Some(&node.vitals.as_ref()?.acme));
    if let Some(first) = wanted.next()
        && wanted.any(|other| other != first)
    {
        add("acme-differs", Severity::Warning, "");
    }
    problems.sort_by_key(|problem| std::cmp::Reverse(problem.severity));
    problems
}

fn node_problems(node: &NodeReport) -> Vec<(&'static str, Severity)> {
    let mut found = Vec::new();
    if node.state == NodeState::Down {
        found.push(("node-down", Severity::Critical));
    }
    match node.clock_offset_ms.map(i64::abs) {
        Some(off) if off >= CLOCK_CRITICAL_MS => found.push(("clock-off", Severity::Critical)),
        Some(off) if off >= CLOCK_WARNING_MS => found.push(("clock-off", Severity::Warning)),
        _ => {}
    }
    let Some(vitals) = &node.vitals else { return found };
    let tenth = (vitals.disk_total_bytes as f64 * DISK_WARNING_SHARE) as u64;
    if vitals.disk_total_bytes > 0 && vitals.disk_free_bytes < DISK_CRITICAL_BYTES {
        found.push(("disk-low", Severity::Critical));
    } else if vitals.disk_free_bytes < tenth.min(DISK_WARNING_BYTES) {
        found.push(("disk-low", Severity::Warning));
    }
    if vitals.fsync_p99_ms > FSYNC_WARNING_MS {
        found.push(("slow-disk", Severity::Warning));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Vitals;
    use plenary_model::NodeId;

    fn node(id: u64, state: NodeState) -> NodeReport {
        NodeReport {
            id: NodeId(id),
            name: format!("node-{id}").parse().expect("good name"),
            role: NodeRole::Follower,
            state,
            address: String::new(),
            url: String::new(),
            version: "1".into(),
            vitals: Some(Vitals {
                disk_free_bytes: 50 << 30,
                disk_total_bytes: 100 << 30,
                ..Vitals::default()
            }),
            last_heard_ms: Some(0),
            round_trip_ms: None,
            clock_offset_ms: Some(0),
            users_online: 0,
            lag: None,
            this: id == 1,
        }
    }

    fn report(nodes: Vec<NodeReport>) -> ClusterReport {
        ClusterReport {
            server: "paris.example.com".parse().expect("good name"),
            enterprise: "Example".into(),
            level: 1,
            leader: Some("node-1".parse().expect("good name")),
            term: 1,
            quorum: true,
            users_online: 0,
            users_total: 0,
            nodes,
            problems: Vec::new(),
        }
    }

    fn codes(report: &ClusterReport) -> Vec<String> {
        find_problems(report)
            .into_iter()
            .map(|problem| format!("{}:{}", problem.code, problem.object))
            .collect()
    }

    #[test]
    fn a_healthy_server_has_no_problems() {
        let nodes = (1..=3).map(|id| node(id, NodeState::Up)).collect();
        assert_eq!(codes(&report(nodes)), Vec::<String>::new());
    }

    #[test]
    fn what_needs_a_person_is_named_worst_first() {
        let mut nodes: Vec<_> = (1..=4).map(|id| node(id, NodeState::Up)).collect();
        nodes[1].clock_offset_ms = Some(-3_000);
        nodes[2].state = NodeState::Down;
        nodes[2].vitals = None;
        nodes[3].version = "2".into();
        nodes[3].vitals = Some(Vitals {
            disk_free_bytes: 1 << 20,
            disk_total_bytes: 1 << 40,
            ..Vitals::default()
        });
        assert_eq!(
            codes(&report(nodes)),
            [
                "node-down:node-3",
                "disk-low:node-4",
                "clock-off:node-2",
                "even-voters:",
                "versions-differ:"
            ]
        );
    }

    #[test]
    fn nodes_that_want_other_certificates_are_told_once_and_who_is_down_does_not_count() {
        let mut nodes: Vec<_> = (1..=3).map(|id| node(id, NodeState::Up)).collect();
        let want = |node: &mut NodeReport, what: &str| {
            node.vitals.as_mut().expect("vitals").acme = what.into();
        };
        want(&mut nodes[0], "one");
        want(&mut nodes[1], "one");
        assert_eq!(codes(&report(nodes.clone())), ["acme-differs:"]);
        nodes[2].state = NodeState::Down;
        assert_eq!(codes(&report(nodes)), ["node-down:node-3"]);
    }

    #[test]
    fn without_a_quorum_the_missing_leader_is_not_told_twice() {
        let mut report = report(vec![node(1, NodeState::Up)]);
        report.quorum = false;
        report.leader = None;
        assert_eq!(codes(&report), ["no-quorum:"]);
    }
}
