//! The files (A2): where the peer reads and writes, and what it leaves alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::endings::{announce_rest, download};
use super::steps::start_and_meet;
use crate::check::mistakes::{self, Mistake};
use crate::check::plan::{Nb, Plan};
use crate::check::stage::{Case, Stage, case};
use crate::check::verdict::Finding;
use crate::check::verdict::Level::{Must, Should};
use crate::check::world::{FILE_NAME, Stop, Wait, World};
use crate::rubric::Item;

/// Another file does not begin with this number of a piece's bytes by chance.
const TOKEN: usize = 64;
/// Within this time after the last piece the copy is whole, also if the peer does not end.
const WRITTEN: Duration = Duration::from_secs(6);

pub static CASES: &[Case] = &[
    case(
        "files/seeder-place",
        ("A2", Item::I1a, Must),
        "A peer that starts with the file reads it from peer_ID/FileName.",
        &["bitfield/sent-by-seeder"],
        seeder_place,
    ),
    case(
        "files/seeder-unchanged",
        ("A2", Item::Beside, Must),
        "A peer that starts with the file leaves it as it is.",
        &["bitfield/sent-by-seeder"],
        seeder_unchanged,
    ),
    case(
        "files/copy-place",
        ("A2", Item::I4, Must),
        "The downloaded file stands in peer_ID/FileName.",
        &["requests/starts"],
        copy_place,
    ),
    case(
        "files/copy-equal",
        ("A2", Item::I4, Must),
        "The downloaded file has the same bytes as the seeder's, and not one more.",
        &["files/copy-place"],
        copy_equal,
    ),
    case(
        "files/copy-only",
        ("B", Item::Beside, Should),
        "At the end the peer leaves the copy and the log: no pieces as files, and not twice the space.",
        &["files/copy-place"],
        copy_only,
    ),
    case(
        "files/old-copy",
        ("B", Item::Beside, Should),
        "A peer whose line ends with 0 starts with no pieces, also if a complete file of an earlier run lies there.",
        &["requests/starts"],
        old_copy,
    ),
];

/// Returns a finding of a case as the reason to stop.
fn failed(mut finding: Finding, mistake: &'static Mistake) -> Stop {
    finding.mistake = Some(mistake);
    Stop::Failed(Box::new(finding))
}

fn full_bitfield(world: &mut World) -> Result<(), Stop> {
    let nb = Nb(1);
    start_and_meet(world)?;
    world.until(&Wait::to_see("a full bitfield").from(nb), |world| {
        world.facts().of(nb).they_have.is_full().then_some(())
    })
}

fn seeder_place(stage: &mut Stage) -> Result<(), Stop> {
    let from_own = stage.run(Plan::seeder(1, 2), |world| {
        for dir in world.peer_dirs().into_iter().skip(1) {
            fs::remove_dir_all(&dir).map_err(anyhow::Error::from)?;
        }
        // Without its file it may do anything.
        world.judges_nothing();
        full_bitfield(world)
    });
    let Err(Stop::Failed(finding)) = from_own else { return from_own };
    // Does the file's place explain it?
    stage.run(Plan::seeder(1, 2), |world| {
        full_bitfield(world)?;
        world.doing("put the seeder's file into peer_ID/ only; with a copy in ID/ the peer had it");
        let seen =
            world.finding(Must, "a full bitfield of a peer that reads its file from peer_ID/", finding.came.clone());
        Err(failed(seen, &mistakes::SEEDER_ELSEWHERE))
    })
}

fn seeder_unchanged(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, 1), |world| {
        for nb in [0, 1].map(Nb) {
            world.habits(nb).downloads = false;
        }
        start_and_meet(world)?;
        world.doing("let a peer that starts with the file see all others complete, and end");
        for nb in [0, 1].map(Nb) {
            announce_rest(world, nb);
        }
        until_done(world)?;
        for path in world.peer_dirs().into_iter().map(|dir| dir.join(FILE_NAME)) {
            let name = name_in(world, &path);
            let came = match fs::read(&path) {
                Ok(bytes) if bytes == world.file() => continue,
                Ok(bytes) => format!("{name} has {}", differing(&bytes, world.file())),
                Err(error) => format!("{name}: {error}"),
            };
            let finding = world.finding(Must, "the same bytes as before in the seeder's file", came);
            return Err(failed(finding, &mistakes::SEEDER_FILE_CHANGED));
        }
        Ok(())
    })
}

/// Waits until the process has ended, or a while: whether it ends is another case's question.
fn until_done(world: &mut World) -> Result<(), Stop> {
    let until = world.now() + WRITTEN;
    world.until(&Wait::to_see("the end").within(2 * WRITTEN).beyond_the_end(), |world| {
        (world.has_ended() || world.now() >= until).then_some(())
    })
}

/// Lets the peer become complete, and all others too, and waits for its end. Returns what was there before.
fn completed(world: &mut World) -> Result<Vec<PathBuf>, Stop> {
    let before = files_below(world.dir());
    start_and_meet(world)?;
    download(world)?;
    world.doing("sent all pieces to the peer, and let all become complete");
    announce_rest(world, Nb(1));
    until_done(world)?;
    Ok(before)
}

fn download_plan() -> Plan {
    Plan::leecher(1, 1).with_seeder(Nb(0)).with_pieces(11, 4096)
}

/// Returns the place of the copy.
fn right_place(world: &World) -> PathBuf {
    world.peer_dirs()[0].join(FILE_NAME)
}

fn name_in(world: &World, path: &Path) -> String {
    path.strip_prefix(world.dir()).unwrap_or(path).display().to_string()
}

/// Returns the files below a directory. What is linked belongs to the project.
fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok) {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => files.extend(files_below(&entry.path())),
            Ok(kind) if kind.is_file() => files.push(entry.path()),
            _ => {}
        }
    }
    files.sort_unstable();
    files
}

/// Returns the file that begins with the first bytes of the file: the copy, if it is elsewhere.
fn copy_elsewhere(world: &World, before: &[PathBuf]) -> Option<PathBuf> {
    let is_copy = |path: &PathBuf| {
        fs::read(path).is_ok_and(|bytes| bytes.starts_with(&world.file()[..TOKEN]) && bytes.len() >= world.file().len())
    };
    files_below(world.dir()).into_iter().filter(|path| !before.contains(path)).find(is_copy)
}

fn copy_place(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(download_plan(), |world| {
        let before = completed(world)?;
        let right = right_place(world);
        if right.is_file() {
            return Ok(());
        }
        let (came, mistake) = match copy_elsewhere(world, &before) {
            Some(path) if path.parent() == right.parent() => {
                (format!("the copy is {}", name_in(world, &path)), &mistakes::COPY_NAME)
            }
            Some(path) => (format!("the copy is {}", name_in(world, &path)), &mistakes::WRONG_PLACE),
            None => ("no file holds a copy".to_owned(), &mistakes::COPY_MISSING),
        };
        let finding = world.finding(Must, format!("the copy in {}", name_in(world, &right)), came);
        Err(failed(finding, mistake))
    })
}

fn copy_equal(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(download_plan(), |world| {
        let before = completed(world)?;
        let right = right_place(world);
        let path = if right.is_file() { Some(right) } else { copy_elsewhere(world, &before) };
        let expected = format!("a copy with the {} bytes of the file", world.file().len());
        let Some(path) = path else {
            return Err(failed(world.finding(Must, expected, "no copy"), &mistakes::COPY_MISSING));
        };
        let bytes = fs::read(&path).map_err(anyhow::Error::from)?;
        if bytes == world.file() {
            return Ok(());
        }
        let came = format!("{} has {}", name_in(world, &path), differing(&bytes, world.file()));
        let mistake = if bytes.starts_with(world.file()) { &mistakes::COPY_PADDED } else { &mistakes::COPY_DIFFERS };
        Err(failed(world.finding(Must, expected, came), mistake))
    })
}

/// Returns in words how bytes differ from those of the file.
fn differing(bytes: &[u8], file: &[u8]) -> String {
    let place = bytes.iter().zip(file).position(|(one, other)| one != other);
    let size = format!("{} bytes, and the file has {}", bytes.len(), file.len());
    match place {
        Some(place) => format!("{size}; the first that differs is byte {place}"),
        None => format!("{size}; those that both have are equal"),
    }
}

fn copy_only(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(download_plan(), |world| {
        let before = completed(world)?;
        let right = right_place(world);
        let copy = if right.is_file() { Some(right) } else { copy_elsewhere(world, &before) };
        let others =
            files_below(world.dir()).into_iter().filter(|path| !before.contains(path) && Some(path) != copy.as_ref());
        let holding: Vec<PathBuf> = others.filter(|path| holds_piece(path, world)).collect();
        let Some(first) = holding.first() else { return Ok(()) };
        let came = format!("{} other files with bytes of the file, such as {}", holding.len(), name_in(world, first));
        let finding = world.finding(Should, "no other file with pieces than the copy", came);
        world.add(Finding { mistake: Some(&mistakes::PIECES_KEPT), ..finding });
        Ok(())
    })
}

/// Reports whether a file has the first bytes of a piece at its start, or at the place of that piece.
fn holds_piece(path: &Path, world: &World) -> bool {
    let Ok(bytes) = fs::read(path) else { return false };
    let size = usize::try_from(world.layout().piece_size()).unwrap_or(usize::MAX);
    world.file().chunks(size).enumerate().any(|(number, piece)| {
        let token = &piece[..piece.len().min(TOKEN)];
        bytes.starts_with(token) || bytes.get(number * size..).is_some_and(|rest| rest.starts_with(token))
    })
}

fn old_copy(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::leecher(1, 1).with_seeder(Nb(0)), |world| {
        // All that comes of a peer that believes the old copy is this one mistake.
        world.judges_nothing();
        for dir in world.peer_dirs() {
            fs::write(dir.join(FILE_NAME), world.file()).map_err(anyhow::Error::from)?;
        }
        start_and_meet(world)?;
        world.doing("started a peer without the file whose directory had an old copy");
        let wait = Wait::to_see("requests for all pieces").should();
        world.until(&wait, |world| world.facts().can_have.is_full().then_some(())).map_err(|stop| match stop {
            Stop::Failed(finding) => failed(*finding, &mistakes::OLD_COPY_TAKEN),
            other => other,
        })
    })
}
