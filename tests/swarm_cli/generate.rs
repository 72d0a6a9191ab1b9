//! `swarm generate`: completions and man pages.

use std::fs::{self, File};

use crate::support::left_out::find_command;
use crate::{Outcome, Place, command};

/// The names of what is in a directory, sorted.
fn names(place: &Place, dir: &str) -> Vec<String> {
    let entries = fs::read_dir(place.path(dir)).expect("it is there").map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<_> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn the_man_pages_are_one_for_each_program_and_one_for_each_subcommand() {
    let place = Place::new();
    assert_eq!(place.run(&["generate", "man", "share/man1"]).success(), "");
    let subcommands = [
        "check",
        "clean",
        "doctor",
        "generate-completions",
        "generate-man",
        "generate",
        "grade",
        "init",
        "invite",
        "join",
        "meta-create",
        "meta-export",
        "meta-import",
        "meta-show",
        "meta-verify",
        "meta",
        "replay",
        "start",
        "status",
        "stop",
        "track",
        "verify",
    ];
    let pages = subcommands.map(|name| format!("swarm-{name}.1"));
    let all = [&["peer_process.1".to_owned()], &pages[..], &["swarm.1".to_owned()]].concat();
    assert_eq!(names(&place, "share/man1"), all);
    let read = |page: &str| String::from_utf8(place.read(&format!("share/man1/{page}"))).expect("it is text");
    for page in &all {
        let text = read(page);
        let name = page.trim_end_matches(".1");
        let program = name.split('-').next().expect("a first part");
        // Name, section, date, and the program with its version.
        let title = format!(".TH {name} 1 \" \" \"{program} {}\"", env!("CARGO_PKG_VERSION"));
        assert!(text.lines().any(|line| line.trim_end() == title), "{title} in {page}: {text}");
        assert!(text.contains(".SH NAME\n"), "{page}: {text}");
    }
    for (page, parts) in [
        ("swarm.1", ["\\-init(1)", "\\-generate(1)", "Exit status: 0 all is well"]),
        ("swarm-start.1", ["\\-\\-demo\\-rate", "SECS is a number", "RATE is a whole number"]),
        ("peer_process.1", ["<\\fIPEER_ID\\fR>", "\\-\\-upload\\-limit", "Exit status: 0 every peer has the file"]),
    ] {
        let text = read(page);
        for part in parts {
            assert!(text.contains(part), "{part} in {page}: {text}");
        }
    }
}

#[test]
fn each_shell_gets_completions_of_both_programs() {
    let place = Place::new();
    let swarm = ["init", "start", "status", "stop", "clean", "verify", "meta", "generate", "piece-size", "preset"];
    let peer_process = ["upload-limit", "progress-json", "request-timeout", "no-verify", "fresh"];
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = |words: &[&str]| place.run(&[&["generate", "completions", shell], words].concat()).success();
        let of_swarm = script(&[]);
        assert_eq!(script(&["swarm"]), of_swarm);
        for (script, known) in [(of_swarm, &swarm[..]), (script(&["peer_process"]), &peer_process)] {
            for word in known {
                assert!(script.contains(word), "{shell} knows {word}: {script}");
            }
        }
    }
}

#[test]
fn bash_completes_subcommands_options_and_their_values() {
    let place = Place::new();
    for program in ["swarm", "peer_process", "peerProcess"] {
        let script = place.run(&["generate", "completions", "bash", program]).success();
        place.write(program, script.as_bytes());
    }
    for (words, offered) in [
        ("swarm ver", "verify"),
        ("swarm gen", "generate"),
        ("swarm init --piece", "--piece-size"),
        ("swarm init --preset s", "spec small"),
        ("swarm clean --y", "--yes"),
        ("swarm generate completions bash pe", "peer_process peerProcess"),
        ("peer_process --upload-limit-", "--upload-limit-per-neighbor"),
        ("peer_process --select r", "random rarest"),
        ("peerProcess --select r", "random rarest"),
    ] {
        let tell = "COMP_WORDS=($0); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); source ./${COMP_WORDS[0]}
            _${COMP_WORDS[0]} ${COMP_WORDS[0]} \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD - 1]}\"
            echo \"${COMPREPLY[*]}\"";
        let Some(mut bash) = find_command("bash") else { return };
        bash.args(["-c", tell, words]).current_dir(place.0.path());
        assert_eq!(Outcome::of(bash).success().trim(), offered, "{words}");
    }
}

#[test]
fn help_shows_it() {
    let place = Place::new();
    for arguments in [&["--help"][..], &["-h"], &["help"]] {
        let help = place.run(arguments).success();
        assert!(help.contains("\n  init ") && help.contains("\n  generate "), "{help}");
    }
}

#[test]
fn what_cannot_be_written_is_one_sentence_and_status_1() {
    let place = Place::new();
    place.write("file", b"");
    assert_eq!(
        place.run(&["generate", "man", "file/man"]).sentence(1),
        "cannot make the directory file/man: Not a directory (os error 20)"
    );
    assert_eq!(
        place.run(&["generate", "man", "file"]).sentence(1),
        "cannot make the directory file: File exists (os error 17)"
    );
    if let Ok(full) = File::options().write(true).open("/dev/full") {
        let mut command = command(place.0.path(), &["generate", "completions", "bash"]);
        let output = command.stdout(full).output().expect("it starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(stderr, "swarm: cannot write the completions: No space left on device (os error 28)\n");
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn an_unknown_shell_or_program_is_one_sentence_and_status_2() {
    let place = Place::new();
    assert_eq!(
        place.run_line("generate completions tcsh").sentence(2),
        "invalid value 'tcsh' for '<SHELL>' [possible values: bash, elvish, fish, powershell, zsh]; a similar value exists: \
         'zsh'; see --help"
    );
    let sentence = place.run_line("generate completions bash peer").sentence(2);
    assert!(
        sentence.contains("'peer' for '[PROGRAM]' [possible values: swarm, peer_process, peerProcess]"),
        "{sentence}"
    );
}
