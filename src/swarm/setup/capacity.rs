//! `Capacity`: whether this machine can hold the peers. A peer mostly takes threads, two for each neighbor.

use std::fs;
use std::path::Path;

use peer_process::output::console::counted;
use rustix::process::{Resource, getrlimit};

/// Number of threads of a peer, without those for its neighbors.
const OTHER_THREADS: u64 = 12;
/// Memory of a peer's thread in KiB, including its share of everything else; measured with 100 peers.
const THREAD_KIB: u64 = 80;
/// Memory of a peer without neighbors, in KiB.
const PEER_KIB: u64 = 4096;
/// The folders of the system's limits for groups of processes, in the two versions.
const GROUPS: [&str; 2] = ["/sys/fs/cgroup", "/sys/fs/cgroup/pids"];

/// The limits of a machine. An unknown limit is no limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Capacity {
    /// Maximum number of threads, and the name of that limit.
    threads: Option<(u64, &'static str)>,
    /// Memory that is available, in KiB.
    memory_kib: Option<u64>,
}

impl Capacity {
    /// Returns the present capacity of this machine, as far as this process may use it.
    pub fn of_this_machine() -> Self {
        let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse().ok();
        let threads = [
            (getrlimit(Resource::Nproc).current, "ulimit -u"),
            (number("/proc/sys/kernel/threads-max"), "kernel.threads-max"),
            (number("/proc/sys/kernel/pid_max"), "kernel.pid_max"),
            (least_of_groups(&fs::read_to_string("/proc/self/cgroup").unwrap_or_default()), "pids.max of the cgroup"),
        ];
        Self {
            threads: threads.into_iter().filter_map(|(limit, name)| Some((limit?, name))).min(),
            memory_kib: fs::read_to_string("/proc/meminfo").ok().and_then(|text| available_kib(&text)),
        }
    }

    /// Returns a warning if `here` peers on this machine, of `all`, are too many.
    pub fn warning(self, here: usize, all: usize) -> Option<String> {
        let (here, neighbors) = (here as u64, all.saturating_sub(1) as u64);
        let threads = here * (2 * neighbors + OTHER_THREADS);
        let memory_kib = here * PEER_KIB + threads * THREAD_KIB;
        let peers = counted(here, "peer");
        if let Some((limit, name)) = self.threads.filter(|(limit, _)| *limit < threads) {
            return Some(format!(
                "{peers} here take up to {threads} threads, but this machine allows {limit} ({name}); run fewer peers here"
            ));
        }
        let available_kib = self.memory_kib.filter(|available_kib| *available_kib < memory_kib)?;
        let mib = |kib: u64| kib.div_ceil(1024);
        Some(format!(
            "{peers} here take about {} MiB of memory, but {} MiB are available; run fewer peers here",
            mib(memory_kib),
            mib(available_kib)
        ))
    }
}

/// Returns the least number of threads that one of this process's groups allows, from `/proc/self/cgroup`. The groups above a
/// group limit it, too.
fn least_of_groups(groups: &str) -> Option<u64> {
    // Each line: number, controllers, path; the newer form has no controllers.
    let counting = groups.lines().filter_map(|line| {
        let mut columns = line.splitn(3, ':').skip(1);
        let (controllers, path) = (columns.next()?, columns.next()?);
        (controllers.is_empty() || controllers.split(',').any(|name| name == "pids")).then_some(path)
    });
    let limits = counting.flat_map(|path| {
        let above = Path::new(path).ancestors().map(|group| group.strip_prefix("/").unwrap_or(group));
        above.flat_map(|group| GROUPS.map(|root| Path::new(root).join(group).join("pids.max"))).collect::<Vec<_>>()
    });
    // "max" is no limit.
    limits.filter_map(|path| fs::read_to_string(path).ok()?.trim().parse().ok()).min()
}

fn available_kib(meminfo: &str) -> Option<u64> {
    let value = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    value.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_more_than_the_machine_allows_is_told() {
        let capacity = Capacity { threads: Some((20_999, "ulimit -u")), memory_kib: None };
        assert_eq!(
            capacity.warning(100, 100).as_deref(),
            Some(
                "100 peers here take up to 21000 threads, but this machine allows 20999 (ulimit -u); run fewer peers here"
            )
        );
        // A part of a larger swarm, with its other peers elsewhere.
        assert!(capacity.warning(50, 200).is_none() && capacity.warning(60, 200).is_some());
        let enough = Capacity { threads: Some((21_000, "ulimit -u")), memory_kib: Some(100 * 4096 + 21_000 * 80) };
        assert_eq!(enough.warning(100, 100), None);
        let little = Capacity { memory_kib: Some(1 << 20), ..enough };
        assert_eq!(
            little.warning(100, 100).as_deref(),
            Some("100 peers here take about 2041 MiB of memory, but 1024 MiB are available; run fewer peers here")
        );
        assert_eq!(Capacity::default().warning(1000, 1000), None);
    }

    #[test]
    fn a_machine_says_what_it_has() {
        assert_eq!(available_kib("MemTotal:  9 kB\nMemAvailable:   7347676 kB\n"), Some(7_347_676));
        assert_eq!(available_kib("MemTotal: 9 kB\n"), None);
        assert_eq!(least_of_groups("1:memory:/a\n"), None);
        let here = Capacity::of_this_machine();
        assert!(here.threads.is_some() && here.memory_kib.is_some(), "{here:?}");
        assert!(here.warning(1, 2).is_none() && here.warning(1_000_000, 1_000_000).is_some());
    }
}
