//! `swarm track` beside opentracker, each on a core of its own, with the load on another.
//!
//! opentracker closes every connection, so its one figure is the baseline of both ways. Where it is missing there is no
//! baseline. The load may be the slower side, so the announces for each second of the tracker's own processor count, too.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::Bench;
use crate::announcing::{HASH_DIGITS, Load};
use crate::report::{Bar, Figure};
use crate::support::left_out::locate;

const SWARM: Option<&str> = option_env!("CARGO_BIN_EXE_swarm");
/// Far longer than a tracker takes to listen.
const PATIENCE: Duration = Duration::from_secs(30);
/// Time between two looks at whether it listens.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);
/// Ticks per second in which Linux reports times to programs.
const TICKS_PER_SEC: f64 = 100.0;

/// What one tracker reached in each round.
#[derive(Default)]
struct Rates {
    by_time: Vec<f64>,
    by_cpu: Vec<f64>,
}

/// The rates of both trackers with this number of members.
struct Size {
    members: u32,
    kept: Rates,
    closed: Rates,
    other: Rates,
    peak_mib: Vec<f64>,
}

/// Measures announces a second and memory, with 1000 and with 100,000 members.
pub fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let swarm = SWARM.context("the program swarm was not built")?;
    let announces = if bench.quick { 640 } else { 100_000 };
    let many = if bench.quick { 2000 } else { 100_000 };
    let size = |members| {
        let [kept, closed, other] = [(); 3].map(|()| Rates::default());
        Size { members, kept, closed, other, peak_mib: Vec::new() }
    };
    let mut sizes = [size(1000), size(many)];
    let opentracker = locate("opentracker");
    let dir = bench.work.path().join("opentracker");
    fs::create_dir_all(&dir)?;
    // It becomes another user before it reads this.
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o755))?;
    fs::write(dir.join("list"), format!("{HASH_DIGITS}\n"))?;
    for _ in bench.rounds() {
        for size in &mut sizes {
            let ours = Tracker::start(|port| {
                let mut command = pinned(0, Path::new(swarm));
                command.args(["track", "--listen", &format!("127.0.0.1:{port}")]);
                command
            })?;
            let load = Load { port: ours.port, members: size.members, announces, keeps: true };
            fill(load)?;
            size.kept.add(&ours, load)?;
            size.closed.add(&ours, Load { keeps: false, ..load })?;
            size.peak_mib.push(ours.peak_mib()?);
            drop(ours);
            if let Some(program) = &opentracker {
                let other = Tracker::start(|port| {
                    let mut command = pinned(0, program);
                    command.args(["-i", "127.0.0.1", "-p", &port.to_string()]);
                    if rustix::process::geteuid().is_root() {
                        command.arg("-d").arg(&dir).args(["-w", "/list"]);
                    } else {
                        command.arg("-w").arg(dir.join("list"));
                    }
                    command
                })?;
                let load = Load { port: other.port, keeps: false, ..load };
                fill(load)?;
                size.other.add(&other, load)?;
            }
        }
    }
    if opentracker.is_none() {
        println!("there is no opentracker on this machine; Debian has it in opentracker");
    }
    Ok(figures(&sizes))
}

fn figures(sizes: &[Size; 2]) -> Vec<Figure> {
    let mut figures = Vec::new();
    for size in sizes {
        for (way, rates) in [("kept", &size.kept), ("closed", &size.closed)] {
            let name = |what: &str| format!("{} members, connections {way}: announces {what}", size.members);
            let figure = |what, rates: &[f64], others: &[f64]| {
                if others.is_empty() {
                    return Figure::new(name(what), "/s", rates);
                }
                Figure::against(name(what), "/s", rates, others).bar(Bar::LeastRatio(0.5))
            };
            figures.push(figure("by time", &rates.by_time, &size.other.by_time));
            figures.push(figure("by CPU time", &rates.by_cpu, &size.other.by_cpu));
        }
        let name = format!("{} members: peak memory", size.members);
        figures.push(Figure::new(name, "MiB", &size.peak_mib).bar(Bar::MostValue(60.0)));
    }
    let [few, many] = sizes;
    for (way, many, few) in [("kept", &many.kept, &few.kept), ("closed", &many.closed, &few.closed)] {
        let name = format!("many members against few, connections {way}: announces by CPU time");
        figures.push(Figure::against(name, "/s", &many.by_cpu, &few.by_cpu).bar(Bar::LeastRatio(0.8)));
    }
    figures
}

impl Rates {
    /// Runs this load in a process of its own.
    fn add(&mut self, tracker: &Tracker, load: Load) -> Result<()> {
        let cpu_before = tracker.cpu_secs()?;
        self.by_time.push(run(load)?);
        self.by_cpu.push(f64::from(load.announces) / (tracker.cpu_secs()? - cpu_before).max(1.0 / TICKS_PER_SEC));
        Ok(())
    }
}

/// Announces all members once.
fn fill(load: Load) -> Result<()> {
    run(Load { announces: load.members, ..load })?;
    Ok(())
}

/// Runs a load in a process of its own, and returns the number of announces a second.
fn run(load: Load) -> Result<f64> {
    let load = load.command();
    let mut command = pinned(1, Path::new(load.get_program()));
    let output = command.args(load.get_args()).output().context("cannot start the load")?;
    let text = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the load fails: {text}");
    text.split(' ').next().and_then(|word| word.parse().ok()).with_context(|| format!("no rate in {text}"))
}

/// Returns a command that has this core for itself, if there are two and a program that can do it.
fn pinned(core: usize, program: &Path) -> Command {
    let has_two = thread::available_parallelism().is_ok_and(|cores| cores.get() > 1);
    let Some(taskset) = locate("taskset").filter(|_| has_two) else { return Command::new(program) };
    let mut command = Command::new(taskset);
    command.args(["-c", &core.to_string()]).arg(program);
    command
}

/// A running tracker; killed when dropped.
struct Tracker {
    child: Child,
    port: u16,
}

impl Tracker {
    /// Starts one on a free port, and waits until it listens.
    fn start(command: impl Fn(u16) -> Command) -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut command = command(port);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let mut tracker = Self { child: child.context("cannot start a tracker")?, port };
        let begun = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            ensure!(tracker.child.try_wait()?.is_none(), "the tracker ends at once");
            ensure!(begun.elapsed() < PATIENCE, "the tracker does not listen");
            thread::sleep(LOOK_INTERVAL);
        }
        Ok(tracker)
    }

    fn cpu_secs(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let (_, fields) = stat.rsplit_once(')').context("a name")?;
        let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<f64>).sum::<Result<f64, _>>()?;
        Ok(ticks / TICKS_PER_SEC)
    }

    fn peak_mib(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok());
        let peak_kib: f64 = peak.context("no peak of memory")?;
        Ok(peak_kib / 1024.0)
    }
}

impl Drop for Tracker {
    fn drop(&mut self) {
        // Both fail only if it has ended and was waited for.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
