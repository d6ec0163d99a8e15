//! What the system counts, from `/proc` (proc(5)).

use anyhow::Context as _;
use std::time::Duration;

/// Ticks a second in `/proc`; `USER_HZ` is 100 on all of Linux's common architectures.
const TICKS: u64 = 100;

/// What processes used since they started.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Used {
    /// In user space and in the kernel for them.
    pub(crate) cpu: Duration,
}

impl Used {
    pub(crate) fn of(pid: u32) -> anyhow::Result<Self> {
        let read = |file: &str| {
            let path = format!("/proc/{pid}/{file}");
            std::fs::read_to_string(&path).with_context(|| format!("a process has ended: {path}"))
        };
        let stat = read("stat")?;
        // The name may hold spaces and brackets; what follows the last one is fields 3 and on.
        let fields = stat
            .rsplit_once(')')
            .map_or("", |(_, rest)| rest)
            .split_whitespace();
        let ticks = fields
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse::<u64>().ok());
        Ok(Self {
            cpu: from_ticks(ticks.sum()),
        })
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            cpu: self.cpu + other.cpu,
        }
    }

    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(earlier.cpu),
        }
    }
}

/// What all threads of a process used since they started, to the nanosecond; those that ended do not count.
pub(crate) fn run_time(pid: u32) -> anyhow::Result<Duration> {
    let tasks = format!("/proc/{pid}/task");
    let mut sum = Duration::ZERO;
    for task in std::fs::read_dir(&tasks).with_context(|| format!("a process has ended: {tasks}"))? {
        // A thread may end meanwhile.
        let Ok(text) = std::fs::read_to_string(task?.path().join("schedstat")) else {
            continue;
        };
        let nanos = text
            .split_whitespace()
            .next()
            .and_then(|nanos| nanos.parse().ok());
        sum += Duration::from_nanos(nanos.unwrap_or(0));
    }
    Ok(sum)
}

/// Processor time that the whole machine spent, without waiting for disks; what a hypervisor took away counts.
pub(crate) fn busy() -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string("/proc/stat")?;
    let all = stat.lines().next().unwrap_or_default().split_whitespace().skip(1);
    // user nice system idle iowait irq softirq steal; guests are in user.
    let spent = all
        .take(8)
        .enumerate()
        .filter(|(place, _)| !matches!(place, 3 | 4));
    Ok(from_ticks(
        spent.filter_map(|(_, ticks)| ticks.parse::<u64>().ok()).sum(),
    ))
}

/// Processors of the machine.
pub(crate) fn processors() -> f64 {
    std::thread::available_parallelism().map_or(1, usize::from) as f64
}

/// The number after `name` in a file of lines.
pub(crate) fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

fn from_ticks(ticks: u64) -> Duration {
    Duration::from_millis(ticks * 1000 / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_sees_the_time_that_it_used() {
        let before = Used::of(std::process::id()).unwrap();
        let mut sum = 0u64;
        loop {
            sum = std::hint::black_box(sum.wrapping_add(1));
            if sum.is_multiple_of(1_000_000)
                && !Used::of(std::process::id()).unwrap().since(before).cpu.is_zero()
            {
                break;
            }
        }
        assert!(busy().unwrap() > Duration::ZERO);
    }

    #[test]
    fn a_field_is_found_by_its_name() {
        let text = "VmPeak:\t  9 kB\nVmRSS:\t  1234 kB\n";
        assert_eq!(field(text, "VmRSS:"), Some(1234));
        assert_eq!(field(text, "VmSwap:"), None);
    }
}
