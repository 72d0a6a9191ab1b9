//! What the checks must find: circles and reserved names that are put in on purpose.

use crate::imports::Crate;

#[test]
fn a_circle_that_is_put_in_on_purpose_is_found() {
    let circles = |texts: &[(&str, &str)]| Crate::of(texts).circles();
    let chain = [
        ("lib.rs", "mod net;"),
        ("net/mod.rs", "mod ending;\nmod pen;\nmod shared;\npub use self::ending::End;\nuse pen::Pen;"),
        ("net/ending.rs", "use super::shared::Shared;"),
        ("net/shared.rs", "use std::fs;\nuse crate::net::{\n    pen::{self, Pen},\n};"),
        ("net/pen.rs", ""),
    ];
    assert_eq!(circles(&chain), [""; 0]);
    // Each kind of path closes the circle.
    for import in [
        "use super::ending::End;",
        "use super::End as Other;",
        "pub(in crate::net) use crate::net::ending;",
        "fn end() { crate::net::ending::end() }",
        "use super::{\n    // A comment; with a semicolon.\n    ending::{self},\n};",
        "use std::fs; use super::ending;",
        "use super as up;\nfn end() { up::ending::end() }",
        "use super::{self as up};\nuse up::ending::end;",
        "fn end() { net::ending::end() }\nuse crate::net;",
        "fn end() { super::\n    ending::end() }",
        "fn end() { println!(\"{}\", super::ending::end()) }",
        "mod inner {\n    use super::super::ending::End;\n}",
        "#[cfg(test)]\nimpl Fake {\n    fn new() {}\n}\nuse super::ending::End;",
        "fn end() -> super::ending::End {}",
        "use super::ending::*;",
    ] {
        let mut closed = chain;
        closed[4].1 = import;
        assert_eq!(circles(&closed), ["net: ending -> shared -> pen -> ending"], "{import}");
    }
    // Comments and unit tests import nothing.
    let mut tested = chain;
    tested[4].1 =
        "// use super::ending::End;\n#[cfg(test)]\nmod rig;\n#[cfg(test)]\nmod tests {\n    use super::super::End;\n}";
    assert_eq!(circles(&tested), [""; 0]);
    // What a folder's own file has is not for those beside it.
    let upwards =
        [("lib.rs", ""), ("net/mod.rs", "mod pen;\nuse pen::Pen;\nstruct Peer;"), ("net/pen.rs", "use super::Peer;")];
    assert_eq!(circles(&upwards), ["net: mod -> pen -> mod"]);
    // Files below a file that is no mod.rs are seen, too.
    let below = [
        ("lib.rs", "mod net;"),
        ("net.rs", "mod a;\nmod b;"),
        ("net/a.rs", "use super::b::B;"),
        ("net/b.rs", "use crate::net::a::A;"),
    ];
    assert_eq!(circles(&below), ["net: a -> b -> a"]);
    // A folder counts as one file in the folder around it.
    let rooms = [
        ("lib.rs", ""),
        ("net/mod.rs", ""),
        ("net/sending/mod.rs", ""),
        ("net/sending/pen.rs", "use crate::net::shared::Shared;"),
        ("net/sending/gate.rs", ""),
        ("net/shared.rs", "use super::sending::gate::Gate;"),
    ];
    assert_eq!(circles(&rooms), ["net: sending -> shared -> sending"]);
}

#[test]
fn a_reserved_name_is_found_behind_a_tree_and_an_alias() {
    for text in [
        "use std::{fs, net::TcpStream};",
        "use std::net as n;\nfn f() -> n::IpAddr {}",
        "fn f() -> std::net::IpAddr {}",
    ] {
        let files = Crate::of(&[("lib.rs", text)]);
        let paths: Vec<_> = files.sources[0].paths.iter().map(|(_, path)| path.join("::")).collect();
        assert!(paths.iter().any(|path| path.starts_with("std::net")), "{paths:?}");
    }
}
