//! Both files are read, in each form that the course's samples have (A1).

use crate::check::cases::common::{as_should, means};
use crate::check::mistakes::{self, Mistake};
use crate::check::plan::{Form, Nb, Plan};
use crate::check::stage::{Case, Stage, case};
use crate::check::verdict::Level::{self, Must, Should};
use crate::check::world::{Stop, Wait, World};
use crate::rubric::Item;

/// Without these a form of the files cannot be to blame.
const NEEDS: &[&str] = &["start/has-file", "handshake/with-more"];

pub static CASES: &[Case] = &[
    case(
        "start/has-file",
        ("A1", Item::I1a, Must),
        "The last column of the peer's own line says whether it starts with the file, whichever line that is. \
        Such a peer says so in its bitfield.",
        &["start/listens", "handshake/bytes", "handshake/with-more"],
        has_file,
    ),
    case("start/config-crlf", ("A1", Item::I1a, Must), "Lines of both files may end with CR LF.", NEEDS, crlf),
    case(
        "start/config-trailing-blanks",
        ("A1", Item::I1a, Must),
        "Blanks may stand at the end of a line of both files.",
        NEEDS,
        trailing_blanks,
    ),
    case(
        "start/config-no-last-newline",
        ("A1", Item::I1a, Must),
        "The last line of both files may lack its newline.",
        NEEDS,
        no_last_newline,
    ),
    case(
        "start/config-blank-lines",
        ("C", Item::I1a, Should),
        "Blank lines in both files mean nothing.",
        NEEDS,
        blank_lines,
    ),
    case(
        "start/config-key-order",
        ("C", Item::I1a, Should),
        "The keys of Common.cfg may stand in any order.",
        NEEDS,
        key_order,
    ),
];

/// A seeder on the second of three lines reads all values: it calls the first, knows the third, and has all pieces.
fn reads(world: &mut World<'_>) -> Result<(), Stop> {
    world.start()?;
    world.first_sign(Nb(1))?;
    for nb in [Nb(0), Nb(1)] {
        world.meet(nb)?;
        world.until(&Wait::to_see("a full bitfield").from(nb), |world| {
            world.facts().of(nb).they_have.is_full().then_some(())
        })?;
    }
    Ok(())
}

fn has_file(stage: &mut Stage) -> Result<(), Stop> {
    stage.run(Plan::seeder(1, 1), |world| {
        world.doing("started the peer, whose line is the second one and ends with 1");
        let outcome = reads(world);
        let is_silent = world.facts().all().any(|(_, between)| between.they_greeted && !between.bitfield_came);
        if is_silent { means(outcome, world, &mistakes::NO_BITFIELD) } else { outcome }
    })
}

fn form(
    stage: &mut Stage,
    (address, level): (&'static str, Level),
    plan: Plan,
    mistake: &'static Mistake,
    doing: &'static str,
) -> Result<(), Stop> {
    let usual = Plan { form: Form::PLAIN, has_keys_reversed: false, ..plan.clone() };
    let mut outcome = stage.run(plan, |world| {
        world.exit_means(address, level, mistake);
        world.doing(doing);
        means(reads(world), world, mistake)
    });
    if matches!(outcome, Err(Stop::Failed(_))) {
        // What the plain form does not help against is not to do with the form.
        let in_plain = stage.run(usual, |world| {
            world.doing("wrote both files in their plain form, and started the peer");
            reads(world)
        });
        if in_plain.is_err() {
            stage.violations.retain(|violation| violation.owner != address);
            stage.hindered_by = Some("start/has-file");
            outcome = in_plain;
        }
    }
    if level == Should { as_should(outcome) } else { outcome }
}

fn crlf(stage: &mut Stage) -> Result<(), Stop> {
    let plan = Plan { form: Form { newline: "\r\n", ..Form::PLAIN }, ..Plan::seeder(1, 1) };
    let doing = "wrote both files with CR LF at the end of each line, and started the peer";
    form(stage, ("start/config-crlf", Must), plan, &mistakes::DIES_ON_FORM, doing)
}

fn trailing_blanks(stage: &mut Stage) -> Result<(), Stop> {
    let plan = Plan { form: Form { trailing: "  ", ..Form::PLAIN }, ..Plan::seeder(1, 1) };
    let doing = "wrote both files with two blanks at the end of each line, and started the peer";
    form(stage, ("start/config-trailing-blanks", Must), plan, &mistakes::DIES_ON_FORM, doing)
}

fn no_last_newline(stage: &mut Stage) -> Result<(), Stop> {
    let plan = Plan { form: Form { ends_last_line: false, ..Form::PLAIN }, ..Plan::seeder(1, 1) };
    let doing = "wrote both files without a newline at their end, and started the peer";
    form(stage, ("start/config-no-last-newline", Must), plan, &mistakes::DIES_ON_FORM, doing)
}

fn blank_lines(stage: &mut Stage) -> Result<(), Stop> {
    let plan = Plan { form: Form { has_blank_lines: true, ..Form::PLAIN }, ..Plan::seeder(1, 1) };
    let doing = "wrote both files with a blank line behind each line, and started the peer";
    form(stage, ("start/config-blank-lines", Should), plan, &mistakes::DIES_ON_FORM, doing)
}

fn key_order(stage: &mut Stage) -> Result<(), Stop> {
    let plan = Plan { has_keys_reversed: true, ..Plan::seeder(1, 1) };
    let doing = "wrote Common.cfg with its keys in the reverse order, and started the peer";
    form(stage, ("start/config-key-order", Should), plan, &mistakes::KEYS_BY_POSITION, doing)
}
