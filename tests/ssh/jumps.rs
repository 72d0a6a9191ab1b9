//! Hosts behind another one over which each connection jumps, and whose sshd takes few logins at a time.

use std::fs;
use std::io::Read;
use std::net::TcpStream;

use crate::host::Host;
use crate::support::process::wait_until;
use crate::world::{IN_PLACE, Outcome, World};

/// This many hosts with a peer each, and the last host, which has none: all connections jump over that one.
///
/// Its sshd refuses logins by this value of `MaxStartups`.
fn behind_one(host_count: usize, max_startups: &str) -> Option<World> {
    let mut world = World::new(host_count)?;
    let mut jump = Host::new(&world.path("jump"), world.port, &world.path("host_key"), &world.path("key.pub"))?;
    jump.configure(&format!("LogLevel VERBOSE\nMaxStartups {max_startups}"));
    let address = jump.address;
    world.hosts.push(jump);
    world.know_hosts("known_hosts", "host_key");
    // The ssh that jumps hears nothing of the options on the command line of the other: only of this file.
    let option = |(name, value): (&&str, &String)| format!("{name} {value}\n");
    let options: String = world.options.iter().map(option).collect();
    let config = format!("{options}Host * !{address}\nProxyJump {address}\n");
    fs::write(world.path("ssh_config"), config).expect("a file");
    Some(world)
}

/// Seen: of 20 hosts behind a jump host some were always refused, and nothing was started.
#[test]
fn hosts_behind_a_jump_host_that_refuses_logins_are_all_reached() {
    const COUNT: usize = 10;
    let Some(world) = behind_one(COUNT, "3:100:3") else { return };
    let jump = &world.hosts[COUNT];
    // Anyone who has not said who he is yet takes a place.
    let callers: Vec<_> =
        (0..3).map(|_| TcpStream::connect((jump.address, world.port)).expect("sshd listens")).collect();
    for caller in &callers {
        // Its greeting: it has counted us.
        (&mut &*caller).read_exact(&mut [0; 4]).expect("it is let in");
    }
    let start = world.start_command(&IN_PLACE).spawn().expect("it starts");
    wait_until("a refusal", || jump.log().contains("drop connection"));
    drop(callers);
    let outcome = Outcome::of_output(start.wait_with_output().expect("it is our child"));
    let log = |host: &Host| format!("--- {}\n{}", host.address, host.log());
    let logs = || world.hosts.iter().map(log).collect::<String>();
    assert_eq!(outcome.status, Some(0), "{outcome:?}\n{}", logs());
    assert_eq!(outcome.column("exit"), ["0"; COUNT]);
    assert_eq!(outcome.column("file")[1..], ["identical"; COUNT - 1]);
    assert_eq!(jump.logins(), COUNT, "one connection for each host");
    world.assert_no_process();
    world.assert_no_sockets();
}
