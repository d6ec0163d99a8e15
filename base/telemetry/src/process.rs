//! What the operating system knows of this process and its disks.

use nix::sys::{
    resource::{Resource, UsageWho, getrlimit, getrusage},
    time::TimeVal,
};
use std::{io, path::Path};

/// Ticks a second in which Linux tells user space the time (`USER_HZ`), on every architecture we build for.
const TICKS: f64 = 100.0;

/// Space on the file system of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DiskSpace {
    /// What this process may still write, without what is reserved for root.
    pub free_bytes: u64,
    pub total_bytes: u64,
}

/// # Errors
/// When the path cannot be reached.
pub fn disk_space(path: &Path) -> io::Result<DiskSpace> {
    let stat = nix::sys::statvfs::statvfs(path)?;
    let block = stat.fragment_size();
    Ok(DiskSpace {
        free_bytes: stat.blocks_available().saturating_mul(block),
        total_bytes: stat.blocks().saturating_mul(block),
    })
}

/// Memory of this process that is in RAM.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn resident_memory_bytes() -> io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let kib = status.lines().find_map(|line| {
        let rest = line.strip_prefix("VmRSS:")?;
        rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    });
    kib.map(|kib| kib * 1024)
        .ok_or_else(|| io::Error::other("/proc/self/status does not say VmRSS"))
}

/// What metrics tell of the process; names as in the Prometheus conventions.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ProcessFacts {
    pub resident_memory_bytes: u64,
    pub cpu_seconds: f64,
    pub open_fds: u64,
    pub max_fds: u64,
    pub threads: u64,
    /// Since 1970.
    pub start_time_seconds: f64,
}

impl ProcessFacts {
    /// Reads them now. What cannot be read is 0: metrics must never fail the program.
    pub fn now() -> Self {
        let seconds = |time: TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
        let used = getrusage(UsageWho::RUSAGE_SELF);
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let (threads, start_ticks) = threads_and_start(&stat).unwrap_or_default();
        Self {
            resident_memory_bytes: resident_memory_bytes().unwrap_or(0),
            cpu_seconds: used.map_or(0.0, |used| {
                seconds(used.user_time()) + seconds(used.system_time())
            }),
            // One is the folder itself, open while it is read.
            open_fds: std::fs::read_dir("/proc/self/fd")
                .map_or(0, |fds| (fds.count() as u64).saturating_sub(1)),
            max_fds: getrlimit(Resource::RLIMIT_NOFILE).map_or(0, |(soft, _)| soft),
            threads,
            start_time_seconds: boot_time().map_or(0.0, |boot| boot + start_ticks as f64 / TICKS),
        }
    }
}

/// Fields 20 and 22 of `/proc/self/stat` (proc(5)); counted behind the name, which may hold spaces.
fn threads_and_start(stat: &str) -> Option<(u64, u64)> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(17);
    let threads = fields.next()?.parse().ok()?;
    Some((threads, fields.nth(1)?.parse().ok()?))
}

fn boot_time() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    stat.lines()
        .find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{SystemTime, UNIX_EPOCH};

    #[test]
    fn the_process_knows_itself() {
        let facts = ProcessFacts::now();
        assert!(facts.resident_memory_bytes > 1 << 20, "{facts:?}");
        assert!((3..10_000).contains(&facts.open_fds), "{facts:?}");
        assert!(facts.max_fds >= facts.open_fds && facts.threads >= 2, "{facts:?}");
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("after 1970")
            .as_secs_f64();
        assert!(
            (0.0..3600.0).contains(&(now + 1.0 - facts.start_time_seconds)),
            "{facts:?}"
        );
    }

    #[test]
    fn cpu_time_grows_with_work() {
        let before = ProcessFacts::now().cpu_seconds;
        let mut sum = 0u64;
        while ProcessFacts::now().cpu_seconds < before + 0.01 {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
    }

    #[test]
    fn names_with_spaces_and_brackets_do_not_shift_the_fields() {
        let stat = "7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 33 0 4711 x";
        assert_eq!(threads_and_start(stat), Some((33, 4711)));
        assert_eq!(threads_and_start("nonsense"), None);
    }

    #[test]
    fn disks_have_space() {
        let space = disk_space(Path::new("/")).expect("reachable");
        assert!(
            space.total_bytes > 0 && space.free_bytes <= space.total_bytes,
            "{space:?}"
        );
        assert!(disk_space(Path::new("/no/such/folder")).is_err());
    }
}
