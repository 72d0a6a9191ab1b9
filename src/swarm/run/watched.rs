//! `Watched`: one peer seen from outside, by its process and its log. `Seen`: the news from one look at it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use peer_process::config::PeerInfo;
use peer_process::protocol::layout::FileLayout;
use peer_process::protocol::peer_id::PeerId;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::copies::report::{Exit, NOT_STARTED, Row};
use crate::hosts::record::{Record, State};
use crate::hosts::{Reading, Sight};
use crate::logs::{Announced, Progress};
use crate::run::warnings::Warnings;
use crate::words;

/// The state of a connected peer that lacks pieces.
pub const DOWNLOADING: &str = "downloading";

/// Signals that ask a program to exit: SIGHUP, SIGINT and SIGTERM.
const EXITS: [i32; 3] = [SIGHUP, SIGINT, SIGTERM];

/// A rate is the average over this time.
const RATE_SPAN: Duration = Duration::from_secs(3);

/// One peer, seen from here.
#[derive(Debug)]
pub struct Watched {
    /// Its line of `PeerInfo.cfg`.
    pub info: PeerInfo,
    layout: FileLayout,
    /// Its progress, from its log.
    pub progress: Progress,
    /// What its log tells of the peers on other machines, with `--here`.
    pub announced: Announced,
    /// Its warnings.
    pub warnings: Warnings,
    /// Its log's name, relative to the swarm's directory, as soon as there is one.
    pub log_name: Option<String>,
    /// Its process, if it was started.
    pub record: Option<Record>,
    /// The reason why its host could not be reached the last time.
    pub unreachable: Option<String>,
    /// When it was started, and when it was first seen to have exited.
    begun: Option<Instant>,
    ended: Option<Instant>,
    /// Whether it has exited and all of its log is known.
    done: bool,
    /// Number of its pieces at the last looks.
    history: Vec<(Instant, u32)>,
}

impl Watched {
    /// Makes a peer that was not started yet. Its log also tells of the neighbors `elsewhere`.
    pub fn new(info: &PeerInfo, layout: FileLayout, elsewhere: &BTreeSet<PeerId>) -> Self {
        let (number, piece_count) = (info.id.number(), layout.piece_count());
        let progress = Progress::new(number, piece_count, info.has_file);
        let announced = Announced::new(number, piece_count, elsewhere.iter().map(|id| id.number()).collect());
        let (info, history) = (info.clone(), Vec::new());
        Self {
            info,
            layout,
            progress,
            announced,
            warnings: Warnings::default(),
            log_name: None,
            record: None,
            unreachable: None,
            begun: None,
            ended: None,
            done: false,
            history,
        }
    }

    /// Notes when it was started.
    pub fn note_start(&mut self, at: Instant) {
        self.begun = Some(at);
    }

    /// Returns when it was started.
    pub fn ran_from(&self) -> Option<Instant> {
        self.begun
    }

    /// Returns when it was first seen to have exited.
    pub fn ran_until(&self) -> Option<Instant> {
        self.ended
    }

    /// Adds the news from a look.
    pub fn see(&mut self, Seen { sight, restarted, said_on, done }: &Seen) {
        self.done |= done;
        if *restarted {
            self.progress.restart();
            self.announced.restart();
        }
        self.progress.feed(&sight.log);
        self.announced.feed(&sight.log);
        if !said_on {
            self.warnings.end_line();
        }
        self.warnings.feed(&sight.said.bytes);
        if *done {
            self.warnings.end_line();
        }
        self.log_name = sight.file.as_ref().map(|file| file.name.clone());
        self.record = sight.record;
        self.unreachable = None;
        let now = Instant::now();
        if self.has_ended() {
            self.ended.get_or_insert(now);
        }
        self.history.push((now, self.progress.pieces()));
        let old = self.history.iter().take_while(|(time, _)| now - *time > RATE_SPAN).count();
        self.history.drain(..old);
    }

    /// Reports whether it was started, or at least a start was tried.
    pub fn was_started(&self) -> bool {
        self.begun.is_some()
    }

    /// Reports whether it has exited and all of its log was read.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Reports whether its process has exited.
    pub fn has_ended(&self) -> bool {
        self.record.is_some_and(|record| record.state != State::Running)
    }

    /// Returns its exit status, if it has exited and the status is known.
    pub fn status(&self) -> Option<i32> {
        match self.record?.state {
            State::Ended { status, .. } => Some(status),
            State::Running | State::Gone => None,
        }
    }

    /// Returns how long it ran, as seen from here, or by its host's clock.
    fn seconds(&self) -> Option<f64> {
        match (self.begun, self.ended) {
            (Some(begun), Some(ended)) => Some((ended - begun).as_secs_f64()),
            #[expect(clippy::cast_precision_loss, reason = "seconds of a run")]
            _ => self.record.and_then(|record| record.seconds()).map(|secs| secs as f64),
        }
    }

    /// Returns its rate of the last seconds in bytes a second, while it runs and lacks pieces.
    pub fn rate(&self) -> Option<u64> {
        let ((from, before), (to, after)) = (self.history.first()?, self.history.last()?);
        let millis = u64::try_from((*to - *from).as_millis()).ok().filter(|millis| *millis > 0)?;
        let bytes = u64::from(after.saturating_sub(*before)) * u64::from(self.layout.piece_size());
        let lacks_some = !self.progress.is_complete() && !self.has_ended();
        lacks_some.then(|| bytes.saturating_mul(1000) / millis)
    }

    /// Reports whether it was started and has no log. The log of a host that cannot be reached does not count as missing.
    pub fn lacks_log(&self) -> bool {
        self.record.is_some() && self.unreachable.is_none() && self.log_name.is_none()
    }

    /// Reports whether the number of its pieces is known.
    pub fn is_counted(&self) -> bool {
        !self.lacks_log() || self.info.has_file
    }

    /// Reports whether it has exited without success.
    pub fn has_failed(&self) -> bool {
        self.has_ended() && self.status() != Some(0)
    }

    /// Reports whether it has refused its command line or its configuration, by the status of our program.
    pub fn has_refused(&self) -> bool {
        self.status() == Some(2)
    }

    /// Reports whether a signal that asks programs to exit ended it, or SIGKILL after that.
    pub fn was_stopped(&self) -> bool {
        self.status().is_some_and(|status| status > 128)
    }

    /// Returns how a signal ended it, such as `was killed by SIGKILL`. `None` if none did, or one that asks a program to exit.
    pub fn killed(&self) -> Option<String> {
        let signal = self.status()? - 128;
        (signal > 0 && !EXITS.contains(&signal)).then(|| format!("was killed by {}", words::signal(signal)))
    }

    /// Returns its worst warning or its last words, how a signal ended it, and whether its log is missing.
    pub fn note(&self) -> Option<String> {
        self.record?;
        let by_itself = self.status().is_some_and(|status| (1..128).contains(&status));
        let worst = self.warnings.worst(self.status() == Some(0));
        let worst = worst.or_else(|| self.warnings.last_words().filter(|_| by_itself));
        // A peer that refuses its options writes no log.
        let no_log = (self.lacks_log() && !self.has_refused()).then_some("no log found");
        let killed = self.killed();
        let parts: Vec<_> = killed.as_deref().into_iter().chain(worst).chain(no_log).collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    /// Returns its state, in a word or two.
    pub fn state(&self) -> String {
        if self.unreachable.is_some() {
            return "out of reach".into();
        }
        match self.record.map(|record| record.state) {
            None => NOT_STARTED.into(),
            Some(State::Ended { status: 0, .. }) => "exited".into(),
            // By Ctrl-C or `swarm stop`. A SIGKILL may have come from anywhere.
            Some(State::Ended { status: 129 | 130 | 143, .. }) => "stopped".into(),
            Some(State::Ended { .. }) => "failed".into(),
            Some(State::Gone) => "gone".into(),
            Some(State::Running) if !self.is_counted() => "running".into(),
            Some(State::Running) if self.progress.is_complete() => "has the file".into(),
            Some(State::Running) if self.progress.connected().is_empty() => "alone".into(),
            Some(State::Running) => DOWNLOADING.into(),
        }
    }

    /// Returns its row for a report, without the copy.
    pub fn row(&self) -> Row {
        let exit = match self.record.map(|record| record.state) {
            Some(State::Running) => Exit::Running,
            Some(State::Ended { status, .. }) => Exit::Status(status),
            Some(State::Gone) | None => Exit::Unknown,
        };
        let nothing = Row::not_started(&self.info, self.layout);
        // The log of a peer that was not started is from another run.
        if self.record.is_none() {
            return Row { state: self.state(), ..nothing };
        }
        let unchoked_by = if self.has_ended() { BTreeSet::new() } else { self.progress.unchoked_by().clone() };
        Row {
            state: self.state(),
            seconds: self.seconds(),
            exit,
            pieces: self.is_counted().then(|| self.progress.pieces()),
            from: self.progress.from().clone(),
            unchoked_by,
            warnings: self.warnings.all().map(Into::into).collect(),
            note: self.note(),
            ..nothing
        }
    }
}

/// The news from a look at one peer, and its consequences for the log.
#[derive(Debug)]
pub struct Seen {
    sight: Sight,
    /// The log was begun again.
    restarted: bool,
    /// Its stderr continues where the last look ended.
    said_on: bool,
    /// The peer has exited, and all of its log and stderr is known.
    done: bool,
}

impl Seen {
    /// Takes a look, and updates how much of the log is `known`.
    pub fn of(sight: Sight, known: &mut BTreeMap<PeerId, Reading>) -> Self {
        let reading = known.get_mut(&sight.id).expect("only these were asked for");
        let is_other = sight.file != reading.file;
        let restarted = is_other || sight.log_len < reading.len;
        if is_other {
            *reading = Reading::begin(sight.file.clone(), reading.said);
        } else if restarted {
            reading.len = 0;
        }
        reading.len += sight.log.len() as u64;
        let over = sight.record.is_some_and(|record| record.state != State::Running);
        let said_on = reading.said == Some(sight.said.from);
        reading.said = reading.said.map(|_| sight.said.from + sight.said.bytes.len() as u64);
        let all_said = reading.said.is_none_or(|known| known >= sight.said.len);
        let done = over && reading.len >= sight.log_len && all_said;
        Self { sight, restarted, said_on, done }
    }

    /// Reports whether it is the last look.
    pub fn is_last(&self) -> bool {
        self.done
    }

    /// Returns the peer's ID.
    pub fn id(&self) -> PeerId {
        self.sight.id
    }

    /// Reports whether the log or stderr has more bytes: a look returns only a part of a long text.
    pub fn has_more(&self, known: &BTreeMap<PeerId, Reading>) -> bool {
        let (sight, reading) = (&self.sight, &known[&self.sight.id]);
        let more_logged = !sight.log.is_empty() && reading.len < sight.log_len;
        let more_said = !sight.said.bytes.is_empty() && reading.said.is_some_and(|known| known < sight.said.len);
        more_logged || more_said
    }
}
