//! The oracle of borrowed seats: reads what all nodes logged, and finds each instant with more seats in use than there are.
//!
//! A node logs at each change, and when its lease is over or usable again, which entry of the log it has applied and how
//! many seats are granted. What counts for a server at an instant is the line of the latest entry that any of its nodes
//! had applied by then; nothing counts while no node that runs may use the lease.

use anyhow::{Context as _, ensure};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Milliseconds since 1970.
pub(crate) type Ms = u64;

pub(crate) fn now_ms() -> Ms {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis() as Ms
}

/// A node: its log, and when it did not run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Node {
    pub(crate) log: PathBuf,
    /// From when to when it was stopped or dead; what a stopped process used, nobody uses.
    pub(crate) absent: Vec<(Ms, Ms)>,
}

#[derive(Debug, Clone, Copy)]
struct Line {
    at: Ms,
    applied: u64,
    used: u64,
    held: u64,
    usable: bool,
}

/// Seats of one server at one instant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) held: u64,
    pub(crate) used: u64,
}

/// What was in use, server by server, at each instant at which something changed.
#[derive(Debug, Default)]
pub(crate) struct Course {
    pub(crate) instants: Vec<(Ms, Vec<Count>)>,
    pub(crate) lines: usize,
}

/// Puts together what the nodes of each server logged about seats of a kind: `pro` or `guest`.
pub(crate) fn read(servers: &[Vec<Node>], kind: &str) -> anyhow::Result<Course> {
    let mut course = Course::default();
    let mut stories = Vec::new();
    for nodes in servers {
        let story: Vec<Vec<Line>> = nodes
            .iter()
            .map(|node| lines(node, kind))
            .collect::<Result<_, _>>()?;
        course.lines += story.iter().map(Vec::len).sum::<usize>();
        stories.push(story);
    }
    let lines = stories.iter().flatten().flatten().map(|line| line.at);
    let absences = servers.iter().flatten().flat_map(|node| &node.absent);
    let mut instants: Vec<Ms> = lines
        .chain(absences.flat_map(|(from, to)| [*from, *to]))
        .collect();
    instants.sort_unstable();
    instants.dedup();
    for at in instants {
        let counts = servers
            .iter()
            .zip(&stories)
            .map(|(nodes, story)| count(nodes, story, at));
        course.instants.push((at, counts.collect()));
    }
    Ok(course)
}

fn lines(node: &Node, kind: &str) -> anyhow::Result<Vec<Line>> {
    let (used, held) = (format!("used_{kind}"), format!("held_{kind}"));
    let text = std::fs::read_to_string(&node.log)
        .with_context(|| format!("{} cannot be read", node.log.display()))?;
    let parsed = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let lines = parsed.filter_map(|line| {
        (line["target"] == "seat_ledger").then_some(())?;
        Some(Line {
            at: timestamp(line["timestamp"].as_str()?)?,
            applied: line["applied"].as_u64()?,
            used: line[&used].as_u64()?,
            held: line[&held].as_u64()?,
            usable: line["usable"].as_bool()?,
        })
    });
    Ok(lines.collect())
}

/// Of RFC 3339 in UTC, as logs have it.
fn timestamp(text: &str) -> Option<Ms> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.split('-').map(str::parse::<u64>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut time = time.split(':').map(str::parse::<u64>);
    let (hour, minute, second) = (time.next()?.ok()?, time.next()?.ok()?, time.next()?.ok()?);
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    // Days since 1970 of a date of the Gregorian calendar, counted in years that begin in March.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    let days = days.checked_sub(719_468)?;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + digits.parse::<u64>().ok()?)
}

fn count(nodes: &[Node], story: &[Vec<Line>], at: Ms) -> Count {
    let mut newest: Option<Line> = None;
    let mut usable = false;
    for (node, lines) in nodes.iter().zip(story) {
        let last = lines.iter().rfind(|line| line.at <= at);
        let Some(last) = last else { continue };
        if newest.is_none_or(|known| (known.applied, known.at) < (last.applied, last.at)) {
            newest = Some(*last);
        }
        let absent = node.absent.iter().any(|(from, to)| (*from..*to).contains(&at));
        usable |= last.usable && !absent;
    }
    match newest {
        None => Count::default(),
        Some(line) => Count {
            held: line.held,
            used: if usable { line.used } else { 0 },
        },
    }
}

impl Course {
    /// The most that was in use at once.
    pub(crate) fn peak(&self) -> u64 {
        let sum = |counts: &[Count]| counts.iter().map(|count| count.used).sum::<u64>();
        self.instants
            .iter()
            .map(|(_, counts)| sum(counts))
            .max()
            .unwrap_or(0)
    }

    /// The most that all servers but one had in use at once, from when to when.
    pub(crate) fn peak_without(&self, server: usize, (from, to): (Ms, Ms)) -> u64 {
        let within = self.instants.iter().filter(|(at, _)| (from..to).contains(at));
        let sums = within.map(|(_, counts)| {
            let others = counts.iter().enumerate().filter(|(other, _)| *other != server);
            others.map(|(_, count)| count.used).sum()
        });
        sums.max().unwrap_or(0)
    }

    /// What a server had in use last in that time.
    pub(crate) fn used_last(&self, server: usize, (from, to): (Ms, Ms)) -> Option<u64> {
        let mut within = self.instants.iter().filter(|(at, _)| (from..to).contains(at));
        within
            .next_back()
            .and_then(|(_, counts)| Some(counts.get(server)?.used))
    }

    /// Fails at the first instant with more in use than there are, or more held than used can be.
    pub(crate) fn check(&self, pool: u64) -> anyhow::Result<()> {
        ensure!(self.lines > 0, "the nodes logged nothing about seats");
        for (at, counts) in &self.instants {
            let used: u64 = counts.iter().map(|count| count.used).sum();
            ensure!(
                used <= pool,
                "at {at} there were {used} of {pool} seats in use, by server: {counts:?}; around it: {:#?}",
                self.around(*at)
            );
        }
        Ok(())
    }

    fn around(&self, at: Ms) -> BTreeMap<Ms, &Vec<Count>> {
        let near = self
            .instants
            .iter()
            .filter(|(other, _)| other.abs_diff(at) < 3_000);
        near.map(|(at, counts)| (*at, counts)).collect()
    }

    /// Keeps what happened from then on.
    pub(crate) fn since(mut self, from: Ms) -> Self {
        self.instants.retain(|(at, _)| *at >= from);
        self
    }
}

/// How long a process that was stopped may take to see that its time is over.
pub(crate) const WAKING: Duration = Duration::from_millis(600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_logs_are_read() {
        assert_eq!(timestamp("1970-01-01T00:00:00.5Z"), Some(500));
        assert_eq!(timestamp("2023-11-14T22:13:20.123456Z"), Some(1_700_000_000_123));
        assert_eq!(timestamp("2000-02-29T00:00:00Z"), Some(951_782_400_000));
        assert_eq!(timestamp("yesterday"), None);
    }

    fn line(at: Ms, applied: u64, used: u64, usable: bool) -> Line {
        Line {
            at,
            applied,
            used,
            held: 9,
            usable,
        }
    }

    #[test]
    fn the_latest_entry_counts_and_only_where_a_node_may_use_it() {
        let nodes = vec![
            Node::default(),
            Node {
                absent: vec![(40, 50)],
                ..Node::default()
            },
        ];
        let story = [
            vec![line(10, 5, 1, true), line(30, 7, 3, false)],
            vec![line(20, 6, 2, true)],
        ];
        let used = |at| count(&nodes, &story, at).used;
        assert_eq!([5, 10, 25, 35, 45, 50].map(used), [0, 1, 2, 3, 0, 3]);
    }

    #[test]
    fn an_instant_with_too_many_is_found() {
        let used = |used| Count { held: 9, used };
        let course = Course {
            instants: vec![(1, vec![used(2), used(2)]), (2, vec![used(2), used(3)])],
            lines: 2,
        };
        course.check(5).expect("five are enough");
        let error = course.check(4).expect_err("five are in use");
        assert!(error.to_string().contains("5 of 4 seats"), "{error}");
    }
}
