//! `swarm generate`: completions and man pages.

use std::fs::{self, File};

use crate::support::left_out::find_command;
use crate::{Outcome, Place, SWARM, command};

/// The names of what is in a directory, sorted.
fn names(place: &Place, dir: &str) -> Vec<String> {
    let entries = fs::read_dir(place.path(dir)).expect("it is there").map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<_> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn the_man_pages_are_one_for_the_program_and_one_for_each_visible_subcommand() {
    let place = Place::new();
    assert_eq!(place.run(&["generate", "man", "share/man1"]).success(), "");
    let shown =
        ["clean", "init", "meta-create", "meta-show", "meta-verify", "meta", "start", "status", "stop", "verify"];
    let pages = shown.map(|name| format!("swarm-{name}.1"));
    let all = [&pages[..], &["swarm.1".to_owned()]].concat();
    assert_eq!(names(&place, "share/man1"), all);
    for page in &all {
        let text = String::from_utf8(place.read(&format!("share/man1/{page}"))).expect("it is text");
        assert!(text.contains(".SH NAME\n") && !text.contains("generate"), "{page}: {text}");
    }
    let text = String::from_utf8(place.read("share/man1/swarm.1")).expect("it is text");
    for part in ["\\-init(1)", "\\-verify(1)", "Exit status: 0 all is well"] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn each_shell_gets_completions_without_the_hidden_subcommand() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = place.run(&["generate", "completions", shell]).success();
        for word in ["init", "start", "status", "stop", "clean", "verify", "meta", "piece-size", "preset"] {
            assert!(script.contains(word), "{shell} knows {word}");
        }
        assert!(!script.contains("generate"), "{shell}");
    }
}

#[test]
fn bash_completes_subcommands_options_and_their_values() {
    let place = Place::new();
    let script = place.run(&["generate", "completions", "bash"]).success();
    place.write("script", script.as_bytes());
    for (words, offered) in [
        ("swarm ver", "verify"),
        ("swarm init --piece", "--piece-size"),
        ("swarm init --preset s", "spec small"),
        ("swarm clean --y", "--yes"),
    ] {
        let tell = "source ./script; COMP_WORDS=($0); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            _swarm swarm \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD - 1]}\"; echo \"${COMPREPLY[*]}\"";
        let Some(mut bash) = find_command("bash") else { return };
        bash.args(["-c", tell, words]).current_dir(place.0.path());
        assert_eq!(Outcome::of(bash).success().trim(), offered, "{words}");
    }
}

#[test]
fn help_does_not_show_the_hidden_subcommand() {
    let place = Place::new();
    for arguments in [&["--help"][..], &["-h"], &["help"]] {
        let help = place.run(arguments).success();
        assert!(help.contains("\n  init ") && !help.contains("generate"), "{help}");
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
fn an_unknown_shell_is_a_wrong_usage() {
    let outcome = Place::new().run(&["generate", "completions", "tcsh"]);
    assert_eq!(outcome.status, Some(2));
    assert!(outcome.stderr.contains("'tcsh'") && outcome.stderr.contains("bash, elvish"), "{SWARM}: {outcome:?}");
}
