//! Writes one true history as a log, in the dialects of public peers: the generator of the tests and of the benchmark.

use super::kinds::Kind;

/// An event of the true history: its second since a day's begin, what happened, and its numbers in the order of the sentence.
pub type Happened = (u32, Kind, Vec<u32>);

/// The dialects: how each differs from the course's words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dialect {
    Course,
    NoBrackets,
    DayFirst,
    HalfDay,
    Iso,
    NoColon,
    NoTime,
    TimeOfDay,
    Unix,
    CurlyQuotes,
    NoQuotes,
    ByPeer,
    Bracketed,
    ListBrackets,
    ListBraces,
    NoStop,
    Misspelled,
    DoubledBlanks,
    NoIndex,
    NoCount,
    CountApart,
    Twice,
    PythonLogging,
    Log4j,
    JavaTwoLines,
    Colours,
    Windows,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 27] = [
        Self::Course,
        Self::NoBrackets,
        Self::DayFirst,
        Self::HalfDay,
        Self::Iso,
        Self::NoColon,
        Self::NoTime,
        Self::TimeOfDay,
        Self::Unix,
        Self::CurlyQuotes,
        Self::NoQuotes,
        Self::ByPeer,
        Self::Bracketed,
        Self::ListBrackets,
        Self::ListBraces,
        Self::NoStop,
        Self::Misspelled,
        Self::DoubledBlanks,
        Self::NoIndex,
        Self::NoCount,
        Self::CountApart,
        Self::Twice,
        Self::PythonLogging,
        Self::Log4j,
        Self::JavaTwoLines,
        Self::Colours,
        Self::Windows,
    ];

    /// Writes a history of this peer on 2026-11-21, with header and debug lines in between.
    pub fn write(self, own: u32, history: &[Happened]) -> String {
        let end = if self == Self::Windows { "\r\n" } else { "\n" };
        let mut log = format!("=== Log of the peer ==={end}");
        for (place, (second, kind, numbers)) in history.iter().enumerate() {
            let line = self.line(own, *second, *kind, numbers);
            log.push_str(&line);
            log.push_str(end);
            if self == Self::Twice {
                log.push_str(&line);
                log.push_str(end);
            }
            if place % 3 == 0 {
                log.push_str("DEBUG: select returned 3");
                log.push_str(end);
            }
        }
        log
    }

    /// Writes the line of an event.
    pub fn line(self, own: u32, second: u32, kind: Kind, numbers: &[u32]) -> String {
        let (hour, minute, second_of) = (second / 3600, second / 60 % 60, second % 60);
        let clock = format!("{hour:02}:{minute:02}:{second_of:02}");
        let half = if hour < 12 { "AM" } else { "PM" };
        let twelve = format!("{:02}:{minute:02}:{second_of:02} {half}", (hour + 11) % 12 + 1);
        let sentence = self.sentence(own, kind, numbers);
        match self {
            Self::NoBrackets => format!("2026-11-21 {clock}: {sentence}"),
            Self::DayFirst => format!("21/11/2026 {clock}: {sentence}"),
            Self::HalfDay => format!("[Sat, 21 Nov 2026 {twelve}]: {sentence}"),
            Self::Iso => format!("[2026-11-21T{clock}.000250-05:00]: {sentence}"),
            Self::NoColon => format!("[2026-11-21 {clock}] {sentence}"),
            Self::NoTime => sentence,
            Self::TimeOfDay => format!("{clock}.125 {sentence}"),
            Self::Unix => format!("[{}.5]: {sentence}", 1_795_219_200 + second),
            Self::PythonLogging => format!("2026-11-21 {clock},123 - peer - INFO - {sentence}"),
            Self::Log4j => format!("2026-11-21 {clock},123 [main] INFO  peer.Log - {sentence}"),
            Self::JavaTwoLines => format!("Nov 21, 2026 {twelve} peer.Log info\nINFO: {sentence}"),
            Self::Colours => format!("\x1b[32m[2026-11-21 {clock}]:\x1b[0m {sentence}\x1b[0m"),
            Self::CountApart => {
                let parts = sentence.replace(". Now", ".\nNow");
                format!("[2026-11-21 {clock}]: {parts}")
            }
            _ => format!("[2026-11-21 {clock}]: {sentence}"),
        }
    }

    fn sentence(self, own: u32, kind: Kind, numbers: &[u32]) -> String {
        let text = kind.sentence(own, numbers);
        let (head, list) = text.split_once("neighbors ").unwrap_or((&text, ""));
        let list = list.trim_end_matches('.');
        match self {
            Self::CurlyQuotes => text.replacen('\'', "\u{2018}", 1).replacen('\'', "\u{2019}", 1),
            Self::NoQuotes => text.replace('\'', ""),
            Self::ByPeer => text.replace("by ", "by Peer ").replace("message from ", "message from Peer "),
            Self::Bracketed => {
                let mut text = text.replace(&format!("Peer {own}"), &format!("Peer [{own}]"));
                if let Some(neighbor) = numbers.last().filter(|_| matches!(kind, Kind::Makes | Kind::UnchokedBy)) {
                    text = text.replace(&format!(" {neighbor}."), &format!(" [{neighbor}]."));
                }
                text
            }
            Self::ListBrackets if kind == Kind::Preferred => format!("{head}neighbors [{}].", list.replace(',', ", ")),
            Self::ListBraces if kind == Kind::Preferred => format!("{head}neighbors {{{list},}}."),
            Self::NoStop => text.trim_end_matches('.').to_owned(),
            Self::Misspelled => text.replace("received", "recieved").replace("choked by", "chocked by"),
            Self::DoubledBlanks => text.replace(" has ", "  has  ").replace(" is ", "  is ").replace(" from", "  from"),
            Self::NoIndex if kind == Kind::Have => {
                text.split(" for the piece").next().unwrap_or_default().to_owned() + "."
            }
            Self::NoCount => text.split(" Now the").next().unwrap_or_default().to_owned(),
            _ => text,
        }
    }
}
