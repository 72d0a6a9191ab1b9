//! Finds the peer's log, reads it, and compares it with what happened in the world.

use std::fs;
use std::path::Path;
use std::time::Duration;

use peer_process::protocol::message::Message;

use crate::check::history::{Said, What};
use crate::check::plan::Nb;
use crate::check::sentences::{self, Kind, Line};
use crate::check::verdict::{Level, sentence};
use crate::check::world::{Stop, Wait, World};
use crate::logs::{is_of_log, log_of};

/// What is not a log for sure is not read.
const LARGEST: u64 = 4 << 20;

/// Returns the names of the files below a directory that can be a log, relative to it. What is linked belongs to the project.
fn names_below(dir: &Path, prefix: &str, depth: u32, names: &mut Vec<String>) {
    for entry in fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok) {
        let (Ok(metadata), Some(name)) =
            (entry.path().symlink_metadata(), entry.file_name().to_str().map(str::to_owned))
        else {
            continue;
        };
        let name = format!("{prefix}{name}");
        if metadata.is_dir() && depth > 0 {
            names_below(&entry.path(), &format!("{name}/"), depth - 1, names);
        } else if metadata.is_file() && metadata.len() <= LARGEST {
            names.push(name);
        }
    }
}

/// Returns the name of the peer's log, relative to its directory: one that is named like a log, or else one with its sentences.
pub fn find(world: &World) -> Option<String> {
    let own = world.own_id().number();
    let mut names = Vec::new();
    names_below(world.dir(), "", 3, &mut names);
    names.sort_unstable();
    if let Some(name) = log_of(own, world.env().log_pattern.as_ref(), names.iter().map(String::as_str)) {
        return Some(name.to_owned());
    }
    let is_log = |name: &String| {
        let bytes = fs::read(world.dir().join(name)).unwrap_or_default();
        bytes.split(|byte| *byte == b'\n').take(100).any(|line| is_of_log(line, own))
    };
    names.into_iter().filter(|name| !is_config(name)).find(is_log)
}

fn is_config(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|end| end == "cfg") || name.ends_with(crate::check::world::FILE_NAME)
}

/// Returns the name of the log, if there is one, and its lines.
pub fn lines(world: &World) -> (Option<String>, Vec<Line>) {
    let Some(name) = find(world) else { return (None, Vec::new()) };
    let bytes = fs::read(world.dir().join(&name)).unwrap_or_default();
    let lines = String::from_utf8_lossy(&bytes).lines().map(Line::new).collect();
    (Some(name), lines)
}

/// Returns the sentences of a kind for all that happened in the world so far. Pieces must come from one neighbor at a time.
pub fn expected(world: &World, kind: Kind) -> Vec<String> {
    let own = world.own_id().number();
    let id = |nb: &Nb| world.id(*nb).number();
    let mut pieces = 0;
    let mut sentences = Vec::new();
    for event in world.history().since(0) {
        let numbers = match (&event.what, kind) {
            (What::Connected(nb, true), Kind::Makes) | (What::Connected(nb, false), Kind::ConnectedFrom) => {
                vec![id(nb)]
            }
            (What::Said(nb, Said::Message(message)), _) => match (message, kind) {
                (Message::Unchoke, Kind::UnchokedBy)
                | (Message::Choke, Kind::ChokedBy)
                | (Message::Interested, Kind::Interested)
                | (Message::NotInterested, Kind::NotInterested) => vec![id(nb)],
                (Message::Have(piece), Kind::Have) => vec![id(nb), piece.number()],
                (Message::Piece(piece), Kind::Downloaded) => {
                    pieces += 1;
                    vec![piece.number(), id(nb), pieces]
                }
                (Message::Piece(_), Kind::Complete) => {
                    pieces += 1;
                    if pieces < world.layout().piece_count() {
                        continue;
                    }
                    Vec::new()
                }
                _ => continue,
            },
            _ => continue,
        };
        sentences.push(kind.sentence(own, &numbers));
    }
    sentences
}

/// Waits until the log has each of these sentences once, and no other of their kind.
///
/// # Errors
/// With a finding that shows the nearest line.
pub fn expect(world: &mut World, kind: Kind, expected: &[String]) -> Result<(), Stop> {
    let own = world.own_id().number();
    let is_right = |world: &World| {
        let (name, lines) = lines(world);
        name.is_some() && sentences::wrong(&lines, own, kind, expected).is_none()
    };
    let what = expected.first().map_or_else(|| "no such line".to_owned(), |first| format!("\"{first}\""));
    let wait = Wait::to_see(format!("{what} in the log")).beyond_the_end();
    let come = world.until(&wait, |world| is_right(world).then_some(()));
    // A second line for an event may follow at once.
    world.watch(Duration::from_millis(60))?;
    match come {
        Ok(()) if is_right(world) => Ok(()),
        Ok(()) => {
            let finding = world.finding(Level::Must, format!("{what} in the log, once for each event"), String::new());
            Err(told(world, Stop::Failed(Box::new(finding)), kind, expected))
        }
        Err(stop) => Err(told(world, stop, kind, expected)),
    }
}

fn told(world: &World, stop: Stop, kind: Kind, expected: &[String]) -> Stop {
    let (name, lines) = lines(world);
    let wrong = sentences::wrong(&lines, world.own_id().number(), kind, expected);
    with(stop, name, wrong)
}

/// Says in a finding what stands in the log in place of a sentence.
pub fn explained(world: &World, stop: Stop, kind: Kind, sentence: &str) -> Stop {
    let (name, lines) = lines(world);
    let wrong = sentences::missing(&lines, world.own_id().number(), kind, sentence);
    with(stop, name, Some(wrong))
}

fn with(stop: Stop, name: Option<String>, wrong: Option<sentences::Wrong>) -> Stop {
    let Stop::Failed(mut finding) = stop else { return stop };
    match (name, wrong) {
        (None, _) => "There is no log.".clone_into(&mut finding.came),
        (Some(name), Some(wrong)) => {
            finding.came = sentence(&format!("in {name}: {}", wrong.came));
            finding.mistake = Some(wrong.mistake);
        }
        // It came in the very last moment.
        (Some(_), None) => {}
    }
    Stop::Failed(finding)
}
