//! `Machine`: the machine of the measurement. A figure without it says little.

use std::fs;
use std::path::Path;
use std::thread;

/// The properties of a machine that matter here.
pub struct Machine {
    cores: usize,
    cpu: String,
    memory: String,
    kernel: String,
    filesystem: String,
    /// Whether memory that is free for a while goes back to the host: getting it again takes much longer than using it.
    page_reporting: bool,
}

/// The kernel's largest block of pages has this order; blocks that must be larger than that are never reported.
const LARGEST_ORDER: u32 = 10;

impl Machine {
    /// Returns this machine, and the filesystem of this directory.
    pub fn of(dir: &Path) -> Self {
        let value = |path: &str, key: &str| {
            let text = fs::read_to_string(path).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix(key)?.trim_start().strip_prefix(':'));
            line.map_or("unknown".into(), |value| value.trim().to_owned())
        };
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            cores: thread::available_parallelism().map_or(0, usize::from),
            cpu: value("/proc/cpuinfo", "model name"),
            memory: value("/proc/meminfo", "MemTotal"),
            kernel: format!("Linux {}", kernel.trim()),
            filesystem: filesystem(dir),
            page_reporting: fs::read_to_string("/sys/module/page_reporting/parameters/page_reporting_order")
                .is_ok_and(|order| order.trim().parse().is_ok_and(|order: u32| order <= LARGEST_ORDER)),
        }
    }

    /// Returns names and values.
    pub fn fields(&self) -> [(&'static str, String); 6] {
        [
            ("cores", self.cores.to_string()),
            ("cpu", self.cpu.clone()),
            ("memory", self.memory.clone()),
            ("kernel", self.kernel.clone()),
            ("filesystem", self.filesystem.clone()),
            ("page_reporting", if self.page_reporting { "on" } else { "off" }.into()),
        ]
    }

    /// Returns one line for people.
    pub fn describe(&self) -> String {
        let Self { cores, cpu, memory, kernel, filesystem, page_reporting } = self;
        let varies =
            "\nfree page reporting is on, which makes the figures of large files vary (ARCHITECTURE.md, Speed)";
        let varies = if *page_reporting { varies } else { "" };
        format!("{cores} cores of {cpu}, {memory} memory, {kernel}, {filesystem}{varies}")
    }
}

/// Returns type and device of the filesystem that is mounted deepest above the directory.
fn filesystem(dir: &Path) -> String {
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let fields = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let above = fields.filter(|fields| fields.len() > 2 && dir.starts_with(fields[1]));
    let deepest = above.max_by_key(|fields| fields[1].len());
    deepest.map_or("unknown".into(), |fields| format!("{} on {}", fields[2], fields[0]))
}
