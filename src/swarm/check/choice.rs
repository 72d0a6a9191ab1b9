//! The cases that `--only` and `--skip` choose, and the options by which a run is repeated.

use std::path::Path;

use anyhow::Result;

use crate::check::verdict::Clause;
use crate::cli::{CheckArgs, FIRST_ID, HOST, START_TIMEOUT, TIMEOUT};
use crate::fault::Usage;
use crate::words::{shell_word, typed};

/// Minimum likeness of a name, from 0 to 1, to be offered in place of an unknown one.
const LIKENESS: f64 = 0.7;

/// Returns the chosen cases, in the order of `all`. Each name is an address or a group, with or without a slash at its end.
///
/// # Errors
/// When names are unknown, which are all told at once, or when no case is left.
pub fn choose(all: &[&'static Clause], only: &[String], skip: &[String]) -> Result<Vec<&'static Clause>> {
    let given = only.iter().map(|name| ("--only", name)).chain(skip.iter().map(|name| ("--skip", name)));
    let unknown: Vec<_> = given.filter(|(_, name)| !all.iter().any(|clause| is_named(clause, name))).collect();
    if !unknown.is_empty() {
        return Err(Usage::error(tell_unknown(&unknown, all)));
    }
    let named = |clause: &Clause, names: &[String]| names.iter().any(|name| is_named(clause, name));
    let is_chosen = |clause: &&Clause| (only.is_empty() || named(clause, only)) && !named(clause, skip);
    let chosen: Vec<_> = all.iter().copied().filter(|clause| is_chosen(clause)).collect();
    if chosen.is_empty() && !all.is_empty() {
        return Err(Usage::error("--skip leaves no case to run"));
    }
    Ok(chosen)
}

/// Reports whether the name is the address of this case or its group.
fn is_named(clause: &Clause, name: &str) -> bool {
    name == clause.address || name.strip_suffix('/').unwrap_or(name) == clause.group()
}

fn tell_unknown(unknown: &[(&str, &String)], all: &[&'static Clause]) -> String {
    let list = "swarm check --list shows all";
    let tip = |name: &str| nearest(name, all).map(|known| format!("did you mean '{known}'?"));
    if let [(option, name)] = unknown {
        let tip = tip(name).map_or_else(String::new, |tip| format!("; {tip}"));
        return format!("{option} '{name}' is neither a case nor a group{tip} ({list})");
    }
    let told = unknown.iter().map(|(option, name)| {
        let tip = tip(name).map_or_else(String::new, |tip| format!(" ({tip})"));
        format!("{option} '{name}'{tip}")
    });
    format!("these are neither cases nor groups: {} ({list})", told.collect::<Vec<_>>().join(", "))
}

/// Returns the case or group whose name is most like this one, if one is like it.
fn nearest(name: &str, all: &[&'static Clause]) -> Option<&'static str> {
    let groups = all.iter().map(|clause| clause.group());
    let names = all.iter().map(|clause| clause.address).chain(groups);
    let likely = names.map(|known| (known, strsim::normalized_damerau_levenshtein(name, known)));
    let nearest = likely.filter(|(_, likeness)| *likeness >= LIKENESS).max_by(|a, b| a.1.total_cmp(&b.1));
    nearest.map(|(known, _)| known)
}

/// Returns the options that make another run of one case the same as this one, quoted for a shell and separated by blanks.
///
/// The command is not among them, nor what chooses cases or writes reports.
pub fn options(args: &CheckArgs) -> String {
    let mut words = Vec::new();
    let mut add = |option: &str, value: Option<String>| words.extend(value.map(|value| format!("{option} {value}")));
    let path = |path: &Path| shell_word(path);
    let text = |text: &String| typed(text);
    add("--setup", args.setup.as_ref().map(text));
    add("--project", Some(args.project.as_path()).filter(|dir| *dir != Path::new(".")).map(path));
    add("--timeout", (args.timeout != TIMEOUT).then(|| args.timeout.as_secs_f64().to_string()));
    add("--start-timeout", (args.start_timeout != START_TIMEOUT).then(|| args.start_timeout.as_secs_f64().to_string()));
    add("--port", args.port.map(|port| port.to_string()));
    add("--first-id", (args.first_id != FIRST_ID).then(|| args.first_id.to_string()));
    add("--host", Some(&args.host).filter(|host| *host != HOST).map(text));
    add("--config-dir", args.config_dir.as_deref().map(path));
    add("--file-dir", args.file_dir.as_ref().map(text));
    add("--log-pattern", args.log_pattern.as_ref().map(text));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::check::report::sample;
    use crate::cli::{Cli, Command};

    fn choose_of(only: &str, skip: &str) -> Result<Vec<&'static str>, String> {
        let names = |line: &str| line.split_whitespace().map(Into::into).collect::<Vec<String>>();
        let chosen = choose(&sample::CLAUSES, &names(only), &names(skip));
        let addresses = |chosen: Vec<&'static Clause>| chosen.iter().map(|clause| clause.address).collect();
        chosen.map(addresses).map_err(|error| error.to_string())
    }

    #[test]
    fn addresses_and_groups_choose_in_the_order_of_the_list() {
        assert_eq!(choose_of("", "").map(|chosen| chosen.len()), Ok(sample::CLAUSES.len()));
        let handshakes = Ok(vec!["handshake/first", "handshake/java"]);
        assert_eq!(choose_of("handshake", ""), handshakes);
        assert_eq!(choose_of("handshake/", ""), handshakes);
        assert_eq!(choose_of("handshake/java handshake/first", ""), handshakes);
        assert_eq!(choose_of("handshake", "handshake/java"), Ok(vec!["handshake/first"]));
    }

    #[test]
    fn an_unknown_name_gets_the_nearest_one() {
        let check = |only, skip, sentence: &str| assert_eq!(choose_of(only, skip), Err(sentence.into()));
        let all = "(swarm check --list shows all)";
        check(
            "handshake/frist",
            "",
            &format!("--only 'handshake/frist' is neither a case nor a group; did you mean 'handshake/first'? {all}"),
        );
        check(
            "",
            "handshke",
            &format!("--skip 'handshke' is neither a case nor a group; did you mean 'handshake'? {all}"),
        );
        check("", "x", &format!("--skip 'x' is neither a case nor a group {all}"));
        check("handshake", "handshake", "--skip leaves no case to run");
        check(
            "handshake/frist handshake x",
            "handshke",
            &format!(
                "these are neither cases nor groups: --only 'handshake/frist' (did you mean 'handshake/first'?), \
                 --only 'x', --skip 'handshke' (did you mean 'handshake'?) {all}"
            ),
        );
    }

    #[test]
    fn what_is_not_usual_is_repeated() {
        let repeated = |line: &[&str]| {
            let words = [&["swarm", "check", "--command", "x {id}"], line].concat();
            let Command::Check(args) = Cli::try_parse_from(words).expect("it is right").command else {
                panic!("another subcommand")
            };
            options(&args)
        };
        assert_eq!(repeated(&["--only", "a/b", "--json", "-", "--strict", "--jobs", "2"]), "");
        assert_eq!(
            repeated(&["--project", "my peer", "--timeout", "0.5", "--first-id", "1", "--file-dir", "data/{id}"]),
            "--project 'my peer' --timeout 0.5 --first-id 1 --file-dir 'data/{id}'"
        );
    }
}
