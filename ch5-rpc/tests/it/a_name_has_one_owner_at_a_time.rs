//! Many servers want one name at once, and again whenever its lease ends: it never has two owners.

use std::sync::{Barrier, Mutex};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use ch5_rpc::pyro::serpent::Value;

use crate::remote::{names, proxy, uri};

const RIVALS: usize = 6;

fn register(names: &mut ch5_rpc::pyro::proxy::Proxy, name: &str, rival: usize, lease: f64) -> bool {
    let own = format!("PYRO:{rival:02x}@127.0.0.1:{}", rival + 1);
    let wish = Value::dict([("lease", Value::Float(lease)), ("if_taken", "refuse".into())]);
    match names.call_with("register", vec![name.into(), own.as_str().into()], wish) {
        Ok(_) => true,
        Err(error) => {
            assert!(error.to_string().contains("already registered"), "{error}");
            false
        }
    }
}

#[test]
fn of_those_that_come_together_one_has_it() {
    const ROUNDS: usize = 50;
    let server = names(&["--model", "thread-per-connection"]);
    let (uri, together, owners) = (uri(&server), Barrier::new(RIVALS), Mutex::new(vec![0; ROUNDS]));
    scope(|scope| {
        for rival in 0..RIVALS {
            let (uri, together, owners) = (&uri, &together, &owners);
            scope.spawn(move || {
                let mut names = proxy(uri);
                for round in 0..ROUNDS {
                    together.wait();
                    let has_it = register(&mut names, &format!("board {round}"), rival, 600.0);
                    owners.lock().unwrap()[round] += usize::from(has_it);
                }
            });
        }
    });
    assert_eq!(owners.into_inner().unwrap(), vec![1; ROUNDS]);
    assert!(server.stop().success());
}

#[test]
fn a_renewal_at_the_end_of_the_lease_keeps_it_or_comes_too_late() {
    const LEASE: Duration = Duration::from_millis(500);
    let server = names(&["--model", "thread-per-connection"]);
    let (uri, began) = (uri(&server), Instant::now());
    // Of each success: which rival, from when at the latest it has the name, and until when at least.
    let held = Mutex::new(Vec::<(usize, Instant, Instant)>::new());
    scope(|scope| {
        for rival in 0..RIVALS {
            let (uri, held) = (&uri, &held);
            scope.spawn(move || {
                let (mut names, mut renewals) = (proxy(uri), 0);
                while began.elapsed() < 8 * LEASE {
                    let asked = Instant::now();
                    if register(&mut names, "board", rival, LEASE.as_secs_f64()) {
                        held.lock().unwrap().push((rival, Instant::now(), asked + LEASE));
                        renewals += 1;
                        // The next renewal comes when the lease ends, a little before or after; the third comes much too late.
                        let share = if renewals % 3 == 0 { 2.0 } else { 0.95 + 0.02 * rival as f64 };
                        sleep(LEASE.mul_f64(share));
                    }
                }
            });
        }
    });
    let held = held.into_inner().unwrap();
    for &(one, from, until) in &held {
        let has_it_too =
            |&&(other, told, _): &&(usize, Instant, Instant)| other != one && told > from && told < until;
        assert!(held.iter().find(has_it_too).is_none(), "two owners at once: {held:?}");
    }
    let owners: std::collections::BTreeSet<usize> = held.iter().map(|&(rival, ..)| rival).collect();
    assert!(owners.len() > 1, "the name goes from one to the next: {held:?}");
    assert!(server.stop().success());
}
