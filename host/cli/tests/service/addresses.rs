//! Where it listens: ports that clients may use, addresses of a link, addresses to come.

use std::path::Path;
use std::process::{Command, Output};

use fetchlet_test_kit::{ServeProcess, response};
use rustix::process::Signal;

use crate::fixture::{PROGRAM, assert_refused, fetch, folder, output};
use crate::namespace::Namespace;

fn command(network: &Namespace, root: &Path, options: &[&str]) -> Command {
    let mut serve = network.command(PROGRAM);
    serve.args(["serve", "--root"]).arg(root).args(options);
    serve
}

fn serve(network: &Namespace, root: &Path, options: &[&str]) -> ServeProcess {
    ServeProcess::run(command(network, root, options)).unwrap()
}

fn get(network: &Namespace, host: &str, port: u16) -> Output {
    let mut get = network.command(PROGRAM);
    output(get.args(["get", host, &port.to_string(), "h.txt", "-o", "-", "-q"]))
}

#[track_caller]
fn assert_gets(network: &Namespace, host: &str, port: u16) {
    let output = get(network, host, port);
    assert_eq!((output.status.code(), &output.stdout[..]), (Some(0), &b"hello"[..]), "{output:?}");
}

/// R16: `get` refuses any other, so it is the judge.
#[test]
fn any_port_is_one_that_clients_may_use_on_all_addresses() {
    let Some(network) = Namespace::network("a port of the system's choice") else { return };
    let folder = folder();
    network.sh("echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start");
    for range in ["64001 65535", "65535 65535", "1 1023", "63999 64002", "32768 60999"] {
        network.sh(&format!("echo {range} > /proc/sys/net/ipv4/ip_local_port_range"));
        let binds = ["--bind", "127.0.0.1", "--bind", "::1", "--bind", "fe80::1%lo", "0"];
        let program = serve(&network, folder.path(), &binds);
        let port = program.addr().port();
        assert!((1024..=64000).contains(&port), "{port} of {range}");
        for host in ["127.0.0.1", "::1", "fe80::1%lo"] {
            assert_gets(&network, host, port);
        }
        assert_eq!([program.next_addr().port(), program.next_addr().port()], [port; 2]);
    }
}

#[test]
fn any_port_is_neither_taken_nor_reserved() {
    let Some(network) = Namespace::network("a port of the system's choice") else { return };
    let folder = folder();
    network.sh("echo 50000 50000 > /proc/sys/net/ipv4/ip_local_port_range");
    let taken = serve(&network, folder.path(), &["--bind", "::1", "50000"]);
    assert_eq!(taken.addr().port(), 50000);
    let shared = serve(&network, folder.path(), &["--bind", "127.0.0.1", "--bind", "::1", "0"]);
    assert_eq!(shared.addr().port(), shared.next_addr().port());
    drop(shared);
    network.sh("echo 1024-50001,50003-65535 > /proc/sys/net/ipv4/ip_local_reserved_ports");
    let binds = ["--bind", "127.0.0.1", "--bind", "::1", "0"];
    let program = serve(&network, folder.path(), &binds);
    assert_eq!([program.addr().port(), program.next_addr().port()], [50002; 2]);
    assert_refused(&mut command(&network, folder.path(), &binds), 69, "in use");
    // Clients need ports, too.
    network.sh("cd /proc/sys/net/ipv4; echo > ip_local_reserved_ports");
    network.sh("echo 1024 65535 > /proc/sys/net/ipv4/ip_local_port_range");
    assert_gets(&network, "127.0.0.1", 50002);
    assert_gets(&network, "::1", 50002);
}

#[test]
fn a_link_local_address_has_its_interface() {
    let Some(network) = Namespace::network("a link-local address") else { return };
    let folder = folder();
    for scoped in ["fe80::1%lo", "fe80::1%1"] {
        let program = serve(&network, folder.path(), &["--bind", scoped, "0"]);
        let address = program.addr();
        assert_eq!(address.to_string(), format!("[fe80::1%1]:{}", address.port()));
        for host in ["fe80::1%lo", "fe80::1%1", "[fe80::1%1]"] {
            assert_gets(&network, host, address.port());
        }
        assert!(program.logged("end=\"sent\"").contains("peer=[fe80::1%1]:"));
    }
    let refused = |bind: &str, code, sentence: &str| {
        let serve = &mut command(&network, folder.path(), &["--bind", bind, "0"]);
        assert_refused(serve, code, sentence);
    };
    refused("fe80::1", 2, "name the interface, as in fe80::1%eth0");
    refused("fe80::1%nope", 69, "no such interface");
    refused("fe80::1%99", 69, "no such interface");
    refused("fe80::1%0", 69, "no such interface");
    refused("fe80::9%lo", 69, "no such address");
    refused("ff02::1%lo", 2, "multicast");
    for (host, code, sentence) in [
        ("fe80::1", 2, "as in fe80::1%eth0"),
        ("[fe80::1]", 2, "as in fe80::1%eth0"),
        ("fe80::1%nope", 6, "fe80::1%nope"),
        ("fe80::1%99", 7, "fe80::1%99"),
    ] {
        let Output { status, stderr, .. } = get(&network, host, 5000);
        let said = String::from_utf8(stderr).unwrap();
        assert_eq!(status.code(), Some(code), "{host}: {said}");
        assert!(said.contains(sentence), "{host}: {said}");
    }
}

#[test]
fn an_ipv4_address_may_be_written_as_ipv6() {
    let folder = folder();
    let mut serve = ServeProcess::command(folder.path());
    serve.args(["0", "--bind", "::ffff:127.0.0.1"]);
    let program = ServeProcess::run(serve).unwrap();
    let address = program.addr();
    assert_eq!(address.ip().to_string(), "127.0.0.1");
    assert_eq!(fetch(address, "h.txt"), response(b"hello"));
}

#[test]
fn an_address_may_come_up_later_if_the_user_says_so() {
    let Some(network) = Namespace::network("an address that comes up later") else { return };
    let folder = folder();
    for (later, added) in [
        ("192.0.2.9", "192.0.2.9 dev lo"),
        ("2001:db8::9", "2001:db8::9 dev lo nodad"),
        ("fe80::9%lo", "fe80::9 dev lo nodad"),
    ] {
        let bind = ["--bind", later, "--bind", "127.0.0.1", "5000"];
        assert_refused(&mut command(&network, folder.path(), &bind), 69, "--freebind");
        let program = serve(&network, folder.path(), &[&["--freebind"], &bind[..]].concat());
        program.logged(&format!("{} is no address of this machine yet", program.addr().ip()));
        assert_gets(&network, "127.0.0.1", 5000);
        network.add_address(added);
        assert_gets(&network, later, 5000);
        program.signal(Signal::TERM);
        let (status, log) = program.ended();
        assert_eq!(status.code(), Some(0));
        assert!(!log.iter().any(|line| line.contains("127.0.0.1 is no address")), "{log:#?}");
    }
}
