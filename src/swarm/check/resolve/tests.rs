//! What explains what, shown on small runs.

use crate::check::mistakes::{self, Mistake};
use crate::rubric::Item;

use super::*;
use crate::check::stage::{Case, Stage, case};
use crate::check::world::Stop;

#[expect(clippy::unnecessary_wraps, reason = "it has the form of a case")]
fn passes(_: &mut Stage<'_>) -> Result<(), Stop> {
    Ok(())
}

static LISTENS: Case = case("start/listens", ("A3", Item::I1b, Level::Must), "It listens.", &[], passes);
static ACCEPTS: Case =
    case("start/accepts-later", ("A3", Item::I1b, Level::Must), "It accepts.", &["start/listens"], passes);
static BYTES: Case = case("handshake/bytes", ("A4", Item::I2a, Level::Must), "It says so.", &["start/listens"], passes);
static SERVES: Case = case("pieces/serves", ("A8", Item::I3e, Level::Must), "It serves.", &["handshake/bytes"], passes);

fn raw(case: &'static Case, stopped: bool, violations: Vec<Violation>) -> Raw {
    let finding = Finding { is_absence: true, ..Finding::new(Level::Must, "waited", "something", "nothing") };
    Raw { stopped: stopped.then(|| Box::new(finding)), violations, ..Raw::of(case) }
}

fn java() -> Violation {
    Violation {
        owner: "handshake/bytes",
        level: Level::Must,
        mistake: Some(&mistakes::JAVA_OBJECTS),
        expected: "a handshake".to_owned(),
        came: "objects".to_owned(),
        bytes: None,
        disrupts: true,
        is_absence: false,
        is_timed: false,
        is_crash: false,
        events: Vec::new(),
    }
}

fn verdicts(raws: &[Raw]) -> Vec<(Verdict, Option<&'static str>)> {
    resolve(raws).iter().map(|outcome| (outcome.verdict, outcome.because_of)).collect()
}

#[test]
fn a_case_that_stopped_because_of_another_ones_violation_is_unclear_and_names_it() {
    let raws = [raw(&LISTENS, false, vec![]), raw(&BYTES, false, vec![]), raw(&SERVES, true, vec![java()])];
    let expected = [(Verdict::Pass, None), (Verdict::Fail, None), (Verdict::Unclear, Some("handshake/bytes"))];
    assert_eq!(verdicts(&raws), expected);
}

#[test]
fn a_violation_counts_where_it_was_seen_if_its_own_case_was_not_run() {
    let raws = [raw(&SERVES, true, vec![java()])];
    assert_eq!(verdicts(&raws), [(Verdict::Fail, None)]);
    assert!(resolve(&raws)[0].findings.iter().any(|finding| finding.mistake == Some(&mistakes::JAVA_OBJECTS)));
}

#[test]
fn a_failed_need_makes_unclear_all_that_build_on_it() {
    let raws = [raw(&LISTENS, true, vec![]), raw(&BYTES, true, vec![]), raw(&SERVES, true, vec![])];
    let because = Some("start/listens");
    assert_eq!(verdicts(&raws), [(Verdict::Fail, None), (Verdict::Unclear, because), (Verdict::Unclear, because)]);
}

#[test]
fn a_case_that_lacks_what_another_one_asks_about_is_unclear_because_of_that_one() {
    let lacking = |case, stopped| {
        let mut lacking = raw(case, stopped, vec![]);
        if let Some(stopped) = &mut lacking.stopped {
            stopped.asked_by = Some("start/accepts-later");
        }
        lacking
    };
    let with = |stopped| verdicts(&[lacking(&ACCEPTS, stopped), raw(&BYTES, false, vec![]), lacking(&SERVES, true)]);
    let (fail, pass) = ((Verdict::Fail, None), (Verdict::Pass, None));
    assert_eq!(with(true), [fail, pass, (Verdict::Unclear, Some("start/accepts-later"))]);
    assert_eq!(with(false), [pass, pass, fail]);
}

#[test]
fn what_the_peer_printed_is_told_where_no_mistake_is_named() {
    let printing =
        |violations| Raw { printed: ["a", "b", "c", "d"].map(str::to_owned).to_vec(), ..raw(&BYTES, true, violations) };
    let note = |violations| resolve(&[printing(violations)]).remove(0).note;
    assert_eq!(note(vec![]).as_deref(), Some("the peer printed last: b | c | d"));
    assert_eq!(note(vec![java()]), None);
    // The trace of a thread that died is told beside a name, too, but not where nothing is wrong.
    let dying = |fails, violations| Raw {
        traceback: vec!["File \"peer.py\", line 3".to_owned(), "KeyError: 5".to_owned()],
        ..raw(&BYTES, fails, violations)
    };
    let expected = "the peer printed a traceback and went on; a thread of it may have died: File \"peer.py\", line 3 \
        | KeyError: 5";
    assert_eq!(resolve(&[dying(true, vec![java()])])[0].note.as_deref(), Some(expected));
    assert_eq!(resolve(&[dying(false, vec![])])[0].note, None);
}

#[test]
fn a_case_passes_with_a_note_if_what_was_late_is_not_seen_again_alone() {
    let mut settled = raw(&BYTES, false, vec![]);
    (settled.runs, settled.unconfirmed) = (2, vec!["too late (choking/at-most)".to_owned()]);
    let outcome = resolve(&[settled]).remove(0);
    assert_eq!(outcome.verdict, Verdict::Pass);
    let expected = "repeated alone, where this was not seen again: too late (choking/at-most)";
    assert_eq!(outcome.note.as_deref(), Some(expected));
}

static STAYING: Case = case(STAYS, ("A9", Item::I1c, Level::Must), "It stays.", &[], passes);

#[test]
fn a_peer_that_ends_by_itself_ends_for_no_other_reason_elsewhere() {
    let crash = |owner, mistake| Violation { owner, mistake: Some(mistake), is_crash: true, ..java() };
    let provoked = || raw(&BYTES, true, vec![crash("handshake/bytes", &mistakes::DIES_ON_BAD_BYTES)]);
    let stays = raw(&STAYING, true, vec![crash(STAYS, &mistakes::CRASHES)]);
    assert_eq!(verdicts(&[stays, provoked()]), [(Verdict::Fail, None), (Verdict::Unclear, Some(STAYS))]);
    assert_eq!(verdicts(&[raw(&STAYING, false, vec![]), provoked()]), [(Verdict::Pass, None), (Verdict::Fail, None)]);
}

#[test]
fn what_only_our_reading_asks_for_is_never_a_failure() {
    let mut violation = java();
    violation.level = Level::Should;
    assert_eq!(verdicts(&[raw(&BYTES, false, vec![violation])]), [(Verdict::Warn, None)]);
}

static TOGETHER: Case =
    case("handshake/with-more", ("A4", Item::I2a, Level::Must), "It reads on.", &["start/listens"], passes);

#[test]
fn a_peer_that_does_not_understand_what_it_is_sent_is_asked_nothing_else() {
    let mut absent = java();
    (absent.owner, absent.disrupts, absent.is_absence) = ("pieces/serves", false, true);
    let raws = [raw(&TOGETHER, true, vec![]), raw(&SERVES, false, vec![absent])];
    assert_eq!(verdicts(&raws), [(Verdict::Fail, None), (Verdict::Unclear, Some("handshake/with-more"))]);
}

#[test]
fn what_only_did_not_come_is_explained_by_an_earlier_root_and_what_was_seen_is_not() {
    let case_of = |is_absence| {
        let mut seen = raw(&SERVES, false, vec![]);
        let stopped = raw(&SERVES, true, vec![]).stopped.expect("it stopped");
        seen.findings = vec![Finding { is_absence, ..*stopped }];
        seen
    };
    let verdict = |is_absence| verdicts(&[raw(&BYTES, true, vec![]), case_of(is_absence)])[1];
    assert_eq!(verdict(true), (Verdict::Unclear, Some("handshake/bytes")));
    assert_eq!(verdict(false), (Verdict::Fail, None));
}

static INTERESTED: Case =
    case("interest/interested", ("A6", Item::I2c, Level::Must), "It wants.", &["start/listens"], passes);

fn lacking(case: &'static Case, mistake: Option<&'static Mistake>) -> Raw {
    let mut lacking = raw(case, true, vec![]);
    lacking.stopped.as_mut().expect("it stopped").mistake = mistake;
    lacking
}

#[test]
fn a_guess_about_what_did_not_come_gives_way_to_an_earlier_root_with_another_name() {
    let verdict_beside = |mistake| {
        let interested = lacking(&INTERESTED, Some(&mistakes::NEVER_INTERESTED));
        verdicts(&[lacking(&TOGETHER, Some(mistake)), interested])[1]
    };
    assert_eq!(
        verdict_beside(&mistakes::ONE_RECV_HANDSHAKE),
        (Verdict::Unclear, Some("handshake/with-more")),
        "else the report begins with the wrong cure"
    );
    assert_eq!(verdict_beside(&mistakes::NEVER_INTERESTED), (Verdict::Fail, None));
}

#[test]
fn what_only_did_not_come_beside_others_is_doubtful_until_the_case_runs_alone() {
    let cases = [&LISTENS, &BYTES, &TOGETHER, &SERVES, &INTERESTED];
    let mut raws: Vec<Raw> = cases.iter().map(|case| raw(case, false, vec![])).collect();
    assert_eq!(doubtful(&raws), None);
    raws[1] = lacking(&BYTES, None);
    assert_eq!(doubtful(&raws), Some(1));
    raws[0] = lacking(&LISTENS, None);
    assert_eq!(doubtful(&raws), Some(0), "of two, the one that explains the other");
    raws[0] = Raw { run: 2, runs: 2, ..lacking(&LISTENS, None) };
    assert_eq!(doubtful(&raws), None, "what needs it cannot be asked");
    // Each of these stands beside the others, for the one at the root has no name.
    let roots: Vec<Raw> = [(&TOGETHER, 2), (&INTERESTED, 1)]
        .map(|(case, run)| Raw { run, runs: run, ..lacking(case, Some(&mistakes::NEVER_INTERESTED)) })
        .into();
    assert_eq!(doubtful(&roots), Some(1));
    let seen = Raw { stopped: None, findings: vec![seen_wrong()], ..raw(&SERVES, false, vec![]) };
    assert_eq!(doubtful(&[seen]), None, "what was seen is no matter of time");
}

fn seen_wrong() -> Finding {
    Finding { is_absence: false, ..*raw(&SERVES, true, vec![]).stopped.expect("it stopped") }
}

#[test]
fn three_cases_that_lack_something_alone_too_are_believed() {
    static FOUR: [Case; 4] = [
        case("a/a", ("A3", Item::I1b, Level::Must), "A.", &[], passes),
        case("a/b", ("A3", Item::I1b, Level::Must), "B.", &[], passes),
        case("a/c", ("A3", Item::I1b, Level::Must), "C.", &[], passes),
        case("a/d", ("A3", Item::I1b, Level::Must), "D.", &[], passes),
    ];
    let mut raws: Vec<Raw> = FOUR.iter().map(|case| lacking(case, None)).collect();
    for place in 0..CONFIRMED {
        assert_eq!(doubtful(&raws), Some(place));
        raws[place] = Raw { run: 2, runs: 2, ..lacking(&FOUR[place], None) };
    }
    assert_eq!(doubtful(&raws), None);
}

#[test]
fn a_mistake_at_any_time_is_told_before_the_same_one_at_a_certain_time() {
    let timed = Violation { is_timed: true, came: "late".to_owned(), ..java() };
    let outcome = resolve(&[raw(&BYTES, false, vec![timed, java()])]).remove(0);
    let came: Vec<_> = outcome.findings.iter().map(|finding| finding.came.as_str()).collect();
    assert_eq!(came, ["Objects."]);
}

#[test]
fn a_case_that_a_peer_could_not_survive_anyway_is_not_passed() {
    let crash = |owner, mistake| Violation { owner, mistake: Some(mistake), is_crash: true, ..java() };
    let stays = raw(&STAYING, true, vec![crash(STAYS, &mistakes::CRASHES)]);
    let to_its_end = raw(&BYTES, false, vec![crash("handshake/bytes", &mistakes::DIES_ON_BAD_BYTES)]);
    assert_eq!(verdicts(&[stays, to_its_end])[1], (Verdict::Unclear, Some(STAYS)));
}

#[test]
fn a_case_without_what_it_takes_for_granted_is_unclear() {
    let hindered = Raw { hindered_by: Some("start/has-file"), ..lacking(&BYTES, Some(&mistakes::DIES_ON_FORM)) };
    assert_eq!(doubtful(std::slice::from_ref(&hindered)), Some(0), "it may come when the case runs alone");
    assert_eq!(verdicts(&[hindered]), [(Verdict::Unclear, Some("start/has-file"))]);
}

#[test]
fn what_came_in_its_own_case_and_not_elsewhere_has_another_reason() {
    let absent = |owner| Violation { owner, disrupts: false, is_absence: true, ..java() };
    let worlds = || [raw(&INTERESTED, false, vec![]), raw(&BYTES, false, vec![]), raw(&SERVES, false, vec![])];
    let mut raws = worlds();
    raws[1].violations = vec![absent("interest/interested")];
    assert_eq!(verdicts(&raws)[0], (Verdict::Fail, None), "nothing else explains it");
    raws[2] = lacking(&SERVES, Some(&mistakes::NOT_SERVED));
    let expected = [(Verdict::Unclear, Some("pieces/serves")), (Verdict::Pass, None), (Verdict::Fail, None)];
    assert_eq!(verdicts(&raws), expected);
    // What its own case shows, too, is a reason itself.
    raws[0].violations = vec![absent("interest/interested")];
    assert_eq!(verdicts(&raws)[0], (Verdict::Fail, None));
}
