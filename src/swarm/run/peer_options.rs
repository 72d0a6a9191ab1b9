//! The options after `--`, which go to all peers; pure.

use anyhow::Result;
use peer_process::protocol::peer_id::PeerId;

use crate::fault::Usage;

/// The placeholder of a peer's ID in the options.
const ID: &str = "{id}";
/// The options of our own program that name a file for one peer only, each with the ending of its name.
const FILE_OPTIONS: [(&str, &str); 2] = [(PROGRESS_OPTION, "json"), ("--events", "jsonl")];

/// The option of our own program that names its progress file.
pub const PROGRESS_OPTION: &str = "--progress-json";

/// The option of our own program that names the swarm for trackers.
const SWARM_OPTION: &str = "--swarm";

/// Returns the options of one peer.
pub fn of_peer(options: &[String], id: PeerId) -> impl Iterator<Item = String> {
    options.iter().map(move |option| option.replace(ID, &id.to_string()))
}

/// Returns the value of `--swarm`, the name that sets a swarm apart.
pub fn swarm_name(options: &[String]) -> Option<String> {
    value(options, SWARM_OPTION)
}

/// Returns the value of `--progress-json`, the peer's progress file, with `{id}` in it.
pub fn progress_file(options: &[String]) -> Option<String> {
    value(options, PROGRESS_OPTION)
}

fn value(options: &[String], name: &str) -> Option<String> {
    let value = |(place, option): (usize, &String)| match option.strip_prefix(name)? {
        "" => options.get(place + 1).cloned(),
        with_equals => with_equals.strip_prefix('=').map(ToOwned::to_owned),
    };
    options.iter().enumerate().find_map(value)
}

/// Makes sure that no two peers write the same file.
///
/// # Errors
/// One sentence with the remedy.
pub fn refuse_shared_files(options: &[String], peer_count: usize) -> Result<()> {
    for (name, ending) in FILE_OPTIONS {
        let values = options.iter().enumerate().filter_map(|(place, option)| match option.strip_prefix(name)? {
            "" => options.get(place + 1).map(String::as_str),
            with_equals => with_equals.strip_prefix('='),
        });
        let mut shared = values.filter(|path| !path.contains(ID));
        if let Some(path) = shared.next().filter(|_| peer_count > 1) {
            let why = format!("put {ID} into the name, such as '{ID}.{ending}'");
            return Err(Usage::error(format!("all peers would write the same {name} '{path}'; {why}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, peer_count: usize, refused: Option<&str>) {
        let options: Vec<_> = line.split(' ').map(ToOwned::to_owned).collect();
        let fault = refuse_shared_files(&options, peer_count).err().map(|error| error.to_string());
        let expected = refused.map(|path| {
            format!(
                "all peers would write the same --progress-json '{path}'; put {{id}} into the name, such as \
                 '{{id}}.json'"
            )
        });
        assert_eq!(fault, expected, "{line}");
    }

    #[test]
    fn a_file_that_all_would_write_is_refused() {
        check("--progress-json p.json --seed 7", 2, Some("p.json"));
        check("--seed 7 --progress-json=p.json", 2, Some("p.json"));
        check("--progress-json p{id}.json", 2, None);
        check("--progress-json={id}/p", 2, None);
        check("--progress-json p.json", 1, None);
        // The peers report this fault.
        check("--progress-json", 2, None);
        check("--fresh", 2, None);
        check("--progress-json {id} --events {id}.jsonl", 2, None);
        let options = ["--events".to_owned(), "e".to_owned()];
        let fault = refuse_shared_files(&options, 2).expect_err("it is refused").to_string();
        assert_eq!(fault, "all peers would write the same --events 'e'; put {id} into the name, such as '{id}.jsonl'");
    }

    #[test]
    fn the_name_of_a_swarm_is_read_in_both_spellings() {
        let name = |line: &str| swarm_name(&line.split(' ').map(ToOwned::to_owned).collect::<Vec<_>>());
        assert_eq!(name("--seed 7 --swarm team7").as_deref(), Some("team7"));
        assert_eq!(name("--swarm=a=b --seed 7").as_deref(), Some("a=b"));
        assert_eq!(name("--seed 7 --swarms x"), None);
    }

    #[test]
    fn an_id_is_filled_in_wherever_it_stands() {
        let options = ["--a={id}".to_owned(), "{id}{id}".to_owned(), "id".to_owned()];
        let id = PeerId::new(1003).expect("a positive number");
        assert_eq!(of_peer(&options, id).collect::<Vec<_>>(), ["--a=1003", "10031003", "id"]);
    }
}
