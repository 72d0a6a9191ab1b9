//! `Learned`: the forms of a log's sentences. A sentence that was read word by word is read letter by letter when its form comes
//! again, with other numbers.

use crate::history::{Event, NO_NUMBER};

/// Maximum number of forms that are kept, of numbers in one, and of its bytes.
const MOST_FORMS: usize = 24;
const MOST_NUMBERS: usize = 6;
const LONGEST: usize = 400;

/// The forms that have come so far; those of the last lines stand near the front.
#[derive(Clone, Default, Debug)]
pub struct Learned {
    forms: Vec<Form>,
    learns_nothing: bool,
}

/// The parts of a sentence around its numbers.
type Around = Vec<Box<[u8]>>;

/// A sentence without its numbers.
#[derive(Clone, Debug)]
struct Form {
    /// What stands around the numbers: before the first one, between two, and behind the last one.
    around: Around,
    numbers: Vec<Number>,
    /// The event with any numbers.
    event: Event,
}

/// What a number in a sentence is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Number {
    /// The peer whose log this is.
    Own,
    /// The event's number in this place, by [`fields`].
    Field(usize),
}

impl Learned {
    /// Knows no form, and never will.
    #[cfg(test)]
    pub fn nothing() -> Self {
        Self { forms: Vec::new(), learns_nothing: true }
    }

    /// Reads a sentence of the peer `own`, if it has a known form.
    pub fn read(&mut self, sentence: &[u8], own: u32) -> Option<Event> {
        let read = |form: &Form| form.read(sentence, own);
        let (place, event) = self.forms.iter().enumerate().find_map(|(place, form)| Some((place, read(form)?)))?;
        self.forms.swap(place, place.saturating_sub(1));
        Some(event)
    }

    /// Learns the form of a sentence that has this event, if its numbers can be told apart.
    pub fn learn(&mut self, sentence: &[u8], own: u32, event: Event) {
        if self.learns_nothing || sentence.len() > LONGEST || self.read(sentence, own).is_some() {
            return;
        }
        if let Some(form) = Form::of(sentence, own, event) {
            self.forms.truncate(MOST_FORMS - 1);
            self.forms.insert(0, form);
        }
    }
}

impl Form {
    fn of(sentence: &[u8], own: u32, event: Event) -> Option<Self> {
        let fields = fields(event)?;
        let told: Vec<_> = fields.into_iter().filter(|field| *field != NO_NUMBER).collect();
        let are_distinct = (0..told.len()).all(|place| !told[..place].contains(&told[place]) && told[place] != own);
        let (around, values) = cut(sentence)?;
        let of_value = |value: &u32| match fields.iter().position(|field| field == value) {
            Some(field) => Some(Number::Field(field)),
            None => (*value == own).then_some(Number::Own),
        };
        let numbers: Vec<_> = values.iter().map(of_value).collect::<Option<_>>()?;
        let has_each_once = told.iter().all(|field| values.iter().filter(|value| *value == field).count() == 1);
        (are_distinct && has_each_once).then_some(Self { around, numbers, event })
    }

    fn read(&self, sentence: &[u8], own: u32) -> Option<Event> {
        let (first, others) = self.around.split_first()?;
        let mut rest = sentence.strip_prefix(&**first)?;
        let mut read = fields(self.event)?;
        for (number, behind) in self.numbers.iter().zip(others) {
            let (value, after) = leading_number(rest)?;
            match number {
                Number::Own if value != own => return None,
                Number::Own => {}
                Number::Field(field) => read[*field] = value,
            }
            rest = after.strip_prefix(&**behind)?;
        }
        if rest.is_empty() { with_fields(self.event, read) } else { None }
    }
}

/// Cuts a sentence into its numbers and what stands around them. The digits of a colour are no number.
fn cut(sentence: &[u8]) -> Option<(Around, Vec<u32>)> {
    let (mut around, mut numbers) = (Vec::new(), Vec::new());
    let mut rest = sentence;
    let mut len = 0;
    while let Some(byte) = rest.get(len) {
        if rest[len..].starts_with(b"\x1b[") {
            len += 2 + rest[len + 2..].iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b';')).count();
        } else if byte.is_ascii_digit() {
            let (number, behind) = leading_number(&rest[len..])?;
            around.push(rest[..len].into());
            numbers.push(number);
            (rest, len) = (behind, 0);
        } else {
            len += 1;
        }
    }
    around.push(rest.into());
    (numbers.len() <= MOST_NUMBERS).then_some((around, numbers))
}

/// Reads the number at the begin of a text, as a program writes it.
fn leading_number(text: &[u8]) -> Option<(u32, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (word, rest) = text.split_at(digits);
    let add = |number: u32, digit: &u8| number.checked_mul(10)?.checked_add(u32::from(digit - b'0'));
    let number = word.iter().try_fold(0, add).filter(|number| *number != NO_NUMBER)?;
    let is_plain = word == b"0" || !word.is_empty() && word[0] != b'0';
    is_plain.then_some((number, rest))
}

/// Returns the numbers of an event that a sentence of the course has; first the neighbor's.
fn fields(event: Event) -> Option<[u32; 3]> {
    Some(match event {
        Event::Makes(id)
        | Event::ConnectedFrom(id)
        | Event::ConnectedWith(id)
        | Event::Optimistic(id)
        | Event::UnchokedBy(id)
        | Event::ChokedBy(id)
        | Event::Interested(id)
        | Event::NotInterested(id) => [id, NO_NUMBER, NO_NUMBER],
        Event::Have { from, index } => [from, index, NO_NUMBER],
        Event::Downloaded { from, index, count } => [from, index, count],
        Event::Complete => [NO_NUMBER; 3],
        _ => return None,
    })
}

/// Returns the event with other numbers; none for a neighbor 0, which is no peer.
fn with_fields(event: Event, [id, index, count]: [u32; 3]) -> Option<Event> {
    if id == 0 {
        return None;
    }
    Some(match event {
        Event::Makes(_) => Event::Makes(id),
        Event::ConnectedFrom(_) => Event::ConnectedFrom(id),
        Event::ConnectedWith(_) => Event::ConnectedWith(id),
        Event::Optimistic(_) => Event::Optimistic(id),
        Event::UnchokedBy(_) => Event::UnchokedBy(id),
        Event::ChokedBy(_) => Event::ChokedBy(id),
        Event::Interested(_) => Event::Interested(id),
        Event::NotInterested(_) => Event::NotInterested(id),
        Event::Have { .. } => Event::Have { from: id, index },
        Event::Downloaded { .. } => Event::Downloaded { from: id, index, count },
        Event::Complete => Event::Complete,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(sentence: &str, event: Event) -> Learned {
        let mut learned = Learned::default();
        learned.learn(sentence.as_bytes(), 1002, event);
        learned
    }

    #[test]
    fn a_form_is_read_with_other_numbers_in_their_own_order() {
        let have = Event::Have { from: 1003, index: 17 };
        let mut known = learned("Peer [1002] \x1b[1mrecieved 'have' for 17 of 1003\x1b[0m", have);
        let mut read = |text: &str| known.read(text.as_bytes(), 1002);
        let expected = Some(Event::Have { from: 1004, index: 0 });
        assert_eq!(read("Peer [1002] \x1b[1mrecieved 'have' for 0 of 1004\x1b[0m"), expected);
        for other in [
            "Peer [1001] \x1b[1mrecieved 'have' for 0 of 1004\x1b[0m",
            "Peer [1002] \x1b[2mrecieved 'have' for 0 of 1004\x1b[0m",
            "Peer [1002] \x1b[1mrecieved 'have' for 0 of 1004\x1b[0m.",
            "Peer [1002] \x1b[1mrecieved 'have' for 0 of 0\x1b[0m",
            "Peer [1002] \x1b[1mrecieved 'have' for 007 of 1004\x1b[0m",
            "Peer [1002] \x1b[1mrecieved 'have' for 4294967296 of 1004\x1b[0m",
            "Peer [1002] \x1b[1mrecieved 'have' for of 1004\x1b[0m",
            "Peer [1002]",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn numbers_that_cannot_be_told_apart_teach_nothing() {
        for (sentence, index) in [("have of 1003 for 1003", 1003), ("have of 1003 for 1002", 1002), ("1003 9 9", 9)] {
            assert!(learned(sentence, Event::Have { from: 1003, index }).forms.is_empty(), "{sentence}");
        }
        assert!(learned("choked by 1003 after 5 s", Event::ChokedBy(1003)).forms.is_empty());
        assert!(learned("prefers 1003", Event::Preferred(0)).forms.is_empty());
        assert_eq!(learned("choked by 1003", Event::ChokedBy(1003)).forms.len(), 1);
    }

    #[test]
    fn the_number_of_forms_is_bounded() {
        let mut known = Learned::default();
        for place in 0..100 {
            known.learn(format!("{}choked by 1003", " ".repeat(place)).as_bytes(), 1002, Event::ChokedBy(1003));
        }
        assert_eq!(known.forms.len(), MOST_FORMS);
        assert_eq!(known.read(format!("{}choked by 7", " ".repeat(99)).as_bytes(), 1002), Some(Event::ChokedBy(7)));
    }
}
