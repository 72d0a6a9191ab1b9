//! Place, times and other lines of the log.

use std::fs;
use std::time::Duration;

use super::events::busy;
use super::reading::{expected, find, lines};
use crate::check::cases::steps::start_and_meet;
use crate::check::mistakes;
use crate::check::plan::Plan;
use crate::check::sentences::{Kind, Line, backwards, shown, wrong_time};
use crate::check::stage::Stage;
use crate::check::verdict::Finding;
use crate::check::verdict::Level::{Must, Should};
use crate::check::world::{Stop, Wait, World};

/// A line of an earlier run.
const OLD: &str = "[2020-01-01 00:00:00]: Peer 1 is choked by 9999.";

pub fn place(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 2), |world| {
        start_and_meet(world)?;
        world.doing("connected three neighbors with the peer");
        let right = format!("log_peer_{}.log", world.own_id());
        let path = world.dir().join(&right);
        let wait = Wait::to_see(format!("lines in {right} in the working directory")).beyond_the_end();
        let has_lines = |_: &mut World| fs::metadata(&path).is_ok_and(|metadata| metadata.len() > 0).then_some(());
        world.until(&wait, has_lines).map_err(|stop| {
            let Stop::Failed(mut finding) = stop else { return stop };
            let (came, mistake) = match find(world) {
                Some(name) => (format!("The log is {name}."), &mistakes::LOG_ELSEWHERE),
                None => ("No file has a line of a log (--log-pattern names one).".to_owned(), &mistakes::LOG_MISSING),
            };
            (finding.came, finding.mistake) = (came, Some(mistake));
            Stop::Failed(finding)
        })
    })
}

/// Waits until the busy peer's log tells all that its neighbors have sent, in whatever words; then reads it.
fn busy_log(world: &mut World) -> Result<Vec<Line>, Stop> {
    busy(world)?;
    world.doing("let one event of each kind happen, and read the log");
    // The last event is a have: at that line, or after a while, all is written.
    let last = expected(world, Kind::Have).pop().unwrap_or_default();
    let until = world.now() + Duration::from_millis(800);
    world.until(&Wait::to_see("a log").beyond_the_end(), |world| {
        let (name, lines) = lines(world);
        let is_whole = lines.iter().any(|line| line.sentence() == last) || world.now() >= until;
        (name.is_some() && is_whole).then_some(lines)
    })
}

pub fn times(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 2), |world| {
        let lines = busy_log(world)?;
        // What is no sentence of a log is another case's.
        let sentences: Vec<Line> = lines.into_iter().filter(Line::is_like_any).collect();
        let wrong = sentences.iter().find_map(|line| Some((wrong_time(line)?, line)));
        let wrong = wrong.or_else(|| Some((&mistakes::LOG_TIME_BACKWARDS, backwards(&sentences)?)));
        let Some((mistake, line)) = wrong else { return Ok(()) };
        let came = format!("\"{}\"", shown(&line.text));
        let expected =
            "\"[time]: Peer ...\", the time with date, hour, minute and second, never before that of the line above";
        let mut finding = world.finding(Must, expected, came);
        finding.mistake = Some(mistake);
        Err(Stop::Failed(Box::new(finding)))
    })
}

pub fn other_lines(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 2), |world| {
        let lines = busy_log(world)?;
        let Some(line) = lines.iter().find(|line| !line.is_like_any()) else { return Ok(()) };
        let finding =
            world.finding(Should, "the eleven sentences and nothing else", format!("\"{}\"", shown(&line.text)));
        world.add(Finding { mistake: Some(&mistakes::LOG_OTHER_LINES), ..finding });
        Ok(())
    })
}

pub fn fresh(stage: &mut Stage) -> Result<(), Stop> {
    // Where the log is, a peer of the same project shows.
    let name = stage.run(Plan::leecher(1, 1), |world| {
        start_and_meet(world)?;
        world.doing("connected two neighbors with the peer, and looked for its log");
        world.until(&Wait::to_see("a log").beyond_the_end(), |world| {
            let (name, lines) = lines(world);
            name.filter(|_| !lines.is_empty())
        })
    })?;
    stage.run(Plan::leecher(1, 1), |world| {
        let path = world.dir().join(&name);
        if let Some(dir) = path.parent() {
            _ = fs::create_dir_all(dir);
        }
        fs::write(&path, format!("{OLD}\n")).map_err(anyhow::Error::from)?;
        start_and_meet(world)?;
        world.doing(format!("started the peer where {name} had a line of an earlier run"));
        // A log with a date in its name is another file, which leaves this one alone.
        let until = world.now() + Duration::from_secs(1);
        let text = world.until(&Wait::to_see("a line in the log").beyond_the_end(), |world| {
            let text = fs::read_to_string(&path).unwrap_or_default();
            let is_written = text.contains("onnect") || world.now() >= until;
            is_written.then_some(text)
        })?;
        if text.contains(OLD) && text.trim() != OLD {
            let came = format!("{name} begins with the line of the earlier run");
            let finding = world.finding(Should, "a log of this run only", came);
            world.add(Finding { mistake: Some(&mistakes::LOG_APPENDED), ..finding });
        }
        Ok(())
    })
}
