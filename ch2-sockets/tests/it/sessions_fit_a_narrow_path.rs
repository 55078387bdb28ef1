//! A path with a small MTU: datagrams are made to fit it, whether the kernel knows the MTU or the path swallows what is too long.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use ch2_sockets::session::{Batch, Client, ClientMachine, Config, ExchangeError, Limits, Server};

use crate::support::PATIENCE;
use crate::virtual_time::{SEED, SERVER, message};

/// One exchange over a path that drops datagrams of more than `narrow` bytes, both ways and without a word: how long it took, the
/// longest datagram that got through, and what came of it.
fn over_a_black_hole(config: Config, narrow: usize) -> (Duration, usize, Result<Vec<u8>, ExchangeError>) {
    let here = SocketAddr::from(([198, 51, 100, 7], 1));
    let mut client = Client::new(config, SERVER);
    let mut server = Server::new(Limits::default(), Config::default(), SEED);
    let (mut now, mut batch, mut longest) = (Duration::ZERO, Batch::new(), 0);
    client.request(now, message(100_000, 1).into());
    loop {
        let mut quiet = true;
        let mut pass = |batch: &Batch, to: &mut dyn FnMut(&[u8])| {
            for datagram in batch.datagrams().filter(|datagram| datagram.len() <= narrow) {
                longest = longest.max(datagram.len());
                to(datagram);
            }
        };
        while client.poll_transmit(now, &mut batch) {
            pass(&batch, &mut |datagram| server.handle_datagram(now, here, datagram.len(), datagram));
            quiet = false;
        }
        while let Some(incoming) = server.poll_request() {
            server.respond(now, incoming.exchange, incoming.request);
        }
        while server.poll_transmit(now, &mut batch) {
            pass(&batch, &mut |datagram| client.handle_datagram(now, SERVER, datagram.len(), datagram));
            quiet = false;
        }
        if let Some(outcome) = client.poll_response() {
            return (now, longest, outcome);
        }
        if quiet {
            let next = [client.deadline(), server.deadline()].into_iter().flatten().min();
            now = now.max(next.unwrap());
            client.handle_timeout(now);
            server.handle_timeout(now);
        }
    }
}

#[test]
fn a_path_that_swallows_long_datagrams_gets_shorter_ones() {
    for (narrow, expected) in [(1400, 1400), (1399, 1232), (1232, 1232), (1000, 548), (300, 288)] {
        let (time, longest, outcome) = over_a_black_hole(Config::default(), narrow);
        assert_eq!((longest, outcome), (expected, Ok(message(100_000, 1))), "{narrow}");
        assert!(time < Duration::from_secs(2), "{narrow}: {time:?}");
    }
    let long = Config { datagram: 9000, ..Config::default() };
    assert_eq!(over_a_black_hole(long, 65_535).1, 9000);
    assert_eq!(over_a_black_hole(long, 1472).1, 1232);
}

#[test]
fn what_the_kernel_knows_of_the_path_is_asked_for_at_once() {
    let mut client = Client::new(Config::default(), SERVER);
    let mut batch = Batch::new();
    client.request(Duration::ZERO, message(100_000, 1).into());
    assert!(client.poll_transmit(Duration::ZERO, &mut batch));
    assert!(!client.poll_transmit(Duration::ZERO, &mut batch));
    client.handle_path_limit(Duration::ZERO, 1252);
    assert!(client.poll_transmit(Duration::ZERO, &mut batch), "not after a timeout");
    assert_eq!(batch.bytes.len(), 1252);
    client.handle_path_limit(Duration::ZERO, 9000);
    assert!(!client.poll_transmit(Duration::ZERO, &mut batch), "a longer path is no news");
}

/// Runs a script of bash in a network of its own, whose loopback has this MTU; nothing when such a network cannot be had.
fn with_mtu(mtu: u32, script: &str) -> Option<String> {
    let mut command = Command::new("unshare");
    command.args(["-rn", "--kill-child", "timeout", "60", "bash", "-euc"]);
    let board = "exec 3< <(exec \"$1\" board-server -p 7777); read -ru 3 _; server=$!\n";
    let script = format!("ip link set lo up mtu {mtu} || exit 77\n{board}{script}\nkill -TERM $server");
    command.args([&script, "bash", env!("CARGO_BIN_EXE_ch2-sockets")]).stdin(Stdio::null());
    match command.output() {
        Ok(ended) if ended.status.success() => Some(String::from_utf8(ended.stdout).unwrap()),
        Ok(ended) if ended.status.code() != Some(1) && ended.status.code() != Some(77) => {
            panic!("{script}: {ended:?}")
        }
        other => {
            let why = other.map(|ended| String::from_utf8_lossy(&ended.stderr).into_owned());
            eprintln!("SKIPPED, nothing is checked: no network of its own: {why:?}");
            None
        }
    }
}

#[test]
fn an_upload_leaves_in_datagrams_of_the_interface() {
    for mtu in [1420, 1280, 1000] {
        let upload = "head -c 3000000 /dev/zero | tr '\\0' x \\
            | \"$1\" board-client -t session -p 7777 -m - -l 1 --timeout 5s | wc -c
            awk '/^Ip: [0-9]/ { print $20 }' /proc/net/snmp";
        let began = std::time::Instant::now();
        let Some(output) = with_mtu(mtu, upload) else { return };
        let counts: Vec<u64> = output.lines().map(|line| line.trim().parse().unwrap()).collect();
        assert!(counts[0] > 3_000_000, "{mtu}: {output}");
        assert_eq!(counts[1], 0, "{mtu}: fragments were sent");
        assert!(began.elapsed() < PATIENCE);
    }
}

/// Many answers of one length leave in one call, which the kernel refuses where one is longer than the MTU.
#[test]
fn answers_that_are_longer_than_the_interface_takes_leave_in_fragments() {
    let script = "\"$1\" board-client -p 7777 -m \"$(printf 'x%.0s' {1..3000})\" -l 1 > /dev/null
        exec 4<> /dev/udp/127.0.0.1/7777
        kill -STOP $server
        for _ in {1..10}; do printf '3:0' >&4; done
        kill -CONT $server
        timeout 20 dd bs=65536 count=10 status=none <&4 | wc -c";
    let Some(output) = with_mtu(1280, script) else { return };
    let bytes: usize = output.trim().parse().unwrap();
    assert!(bytes > 30_000 && bytes.is_multiple_of(10), "{bytes} bytes of ten answers of over 3000");
}
