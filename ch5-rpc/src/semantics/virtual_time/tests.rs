use common::netem::Profile;
use proptest::prelude::*;

use super::super::host::{Failpoint, Remembers, Work};
use super::super::outcome::{NotDone, Unknown};
use super::super::store::Step;
use super::super::{Outcome, Semantics};
use super::*;

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn client(semantics: Semantics) -> ClientConfig {
    ClientConfig { semantics, give_up: ms(3000) }
}

/// A semantics and the memory of the server behind it.
const ROWS: [(Semantics, Remembers); 5] = [
    (Semantics::Maybe, Remembers::Volatile),
    (Semantics::AtLeastOnce, Remembers::Volatile),
    (Semantics::AtMostOnce, Remembers::Volatile),
    (Semantics::AtMostOnce, Remembers::Durable),
    (Semantics::Conditional, Remembers::Volatile),
];

fn all_faults() -> Profile {
    Profile {
        loss: 0.2,
        duplicate: 0.2,
        reorder: 0.2,
        reorder_by: ms(400),
        delay: ms(5),
        jitter: ms(5),
        corrupt: 0.02,
        ..Profile::default()
    }
}

fn text(number: u64) -> Vec<u8> {
    format!("call {number}").into_bytes()
}

#[test]
fn the_same_seed_is_the_same_run_to_the_last_byte() {
    for (semantics, remembers) in ROWS {
        let run = |seed| {
            let mut config = HostConfig::new(remembers);
            config.failpoint = Some(Failpoint { step: Step::Recorded, execution: 7 });
            let mut world =
                World::new(client(semantics), config, Link::seeded(&all_faults(), seed)).crashing_again();
            let ended: Vec<Ended> = (0..40).map(|number| world.publish(&text(number))).collect();
            (ended, world.trace().to_vec())
        };
        assert!(run(1) == run(1), "{semantics:?}");
        assert!(run(1).1 != run(2).1, "{semantics:?}");
    }
}

/// What is promised, whatever the network does. `duplicates`: it may deliver a datagram twice.
fn check(
    semantics: Semantics,
    remembers: Remembers,
    restarts: bool,
    duplicates: bool,
    outcome: &Outcome<u64>,
    executions: u64,
) -> Result<(), String> {
    let most = match (semantics, remembers) {
        (Semantics::Maybe, _) if !duplicates => 1,
        (Semantics::Maybe | Semantics::AtLeastOnce, _) => u64::MAX,
        (Semantics::AtMostOnce, Remembers::Naive) if restarts => u64::MAX,
        (Semantics::AtMostOnce | Semantics::Conditional, _) => 1,
    };
    let said = match outcome {
        Outcome::Done(_) => executions >= 1,
        Outcome::NotDone(_) => executions == 0,
        Outcome::Unknown(_) => true,
    };
    if executions <= most && said {
        Ok(())
    } else {
        Err(format!("{semantics:?}, {remembers:?}: {outcome:?}, executed {executions} times"))
    }
}

#[test]
fn a_clean_network_runs_everything_once_under_each() {
    for (semantics, remembers) in ROWS {
        let link = Link::seeded(&Profile { delay: ms(5), ..Profile::default() }, 1);
        let mut world = World::new(client(semantics), HostConfig::new(remembers), link);
        for number in 0..20 {
            let ended = world.publish(&text(number));
            assert_eq!(ended.outcome, Outcome::Done(number + 1), "{semantics:?}");
            assert_eq!(world.executions(&text(number)), 1);
        }
        // One datagram each way for a call; the binding, or the length, comes on top.
        let calls = if semantics == Semantics::Conditional { 40 } else { 20 };
        assert_eq!(world.counted().sent, calls + u64::from(semantics.is_remembered()));
    }
}

#[test]
fn seeded_faults_break_no_promise_and_show_what_is_not_promised() {
    let mut most_executions = BTreeMap::new();
    for seed in 1..=20 {
        for (semantics, remembers) in ROWS {
            let link = Link::seeded(&all_faults(), seed);
            let mut config = HostConfig::new(remembers);
            config.failpoint = Some(Failpoint {
                step: if seed % 2 == 0 { Step::Mutated } else { Step::Recorded },
                execution: 5,
            });
            config.work = Work { time: ms(350), every: 6 };
            let mut world = World::new(client(semantics), config, link).crashing_again();
            let ended: Vec<Ended> = (0..25).map(|number| world.publish(&text(number))).collect();
            world.come_to_rest(ms(2000));
            for Ended { text, outcome } in &ended {
                let executions = world.executions(text);
                check(semantics, remembers, true, true, outcome, executions)
                    .unwrap_or_else(|error| panic!("seed {seed}: {error}"));
                let most = most_executions.entry((semantics, remembers)).or_insert(0);
                *most = executions.max(*most);
            }
        }
    }
    assert!(most_executions[&(Semantics::AtLeastOnce, Remembers::Volatile)] > 1, "{most_executions:?}");
    assert!(most_executions[&(Semantics::Maybe, Remembers::Volatile)] > 1, "the network duplicates");
}

/// A server that ends at the worst moment, once, on a network without faults. The caller's outcome and the executions.
fn crashed(semantics: Semantics, remembers: Remembers, step: Step) -> (Outcome<u64>, u64, u64) {
    let mut config = HostConfig::new(remembers);
    config.failpoint = Some(Failpoint { step, execution: 3 });
    let link = Link::seeded(&Profile { delay: ms(5), ..Profile::default() }, 1);
    let mut world = World::new(client(semantics), config, link);
    let mut ended: Vec<Ended> = (0..4).map(|number| world.publish(&text(number))).collect();
    world.come_to_rest(ms(5000));
    assert_eq!(world.starts(), 2, "{semantics:?}: it crashed once");
    let third = ended.remove(2);
    (third.outcome, world.executions(&third.text), world.letters(&third.text))
}

#[test]
fn a_restart_at_the_worst_moment_is_survived_by_a_durable_table_alone() {
    use Remembers::{Durable, Naive, Volatile};
    use Semantics::{AtLeastOnce, AtMostOnce, Conditional, Maybe};
    let unknown = |unknown| Outcome::Unknown(unknown);
    for step in [Step::Mutated, Step::Recorded] {
        assert_eq!(crashed(Maybe, Volatile, step).1, 1);
        assert_eq!(crashed(AtLeastOnce, Volatile, step), (Outcome::Done(4), 2, 2), "{step:?}");
        assert_eq!(crashed(AtMostOnce, Naive, step), (Outcome::Done(4), 2, 2), "{step:?}: the hole");
        assert_eq!(crashed(AtMostOnce, Volatile, step), (unknown(Unknown::Restarted), 1, 1), "{step:?}");
        assert_eq!(crashed(Conditional, Volatile, step).0, unknown(Unknown::Maybe), "{step:?}");
        assert_eq!(crashed(Conditional, Volatile, step).1, 1, "{step:?}");
    }
    // The effect outside the store has happened twice: no transaction takes a letter back.
    assert_eq!(crashed(AtMostOnce, Durable, Step::Mutated), (Outcome::Done(3), 1, 2));
    assert_eq!(crashed(AtMostOnce, Durable, Step::Recorded), (Outcome::Done(3), 1, 1));
}

#[test]
fn the_first_call_of_a_client_survives_a_crash_too() {
    let mut config = HostConfig::new(Remembers::Durable);
    config.failpoint = Some(Failpoint { step: Step::Mutated, execution: 1 });
    let mut world = World::new(client(Semantics::AtMostOnce), config, Link::scripted(vec![]));
    assert_eq!(world.publish(b"first").outcome, Outcome::Done(1));
    assert_eq!(world.executions(b"first"), 1);
}

#[test]
fn a_probe_tells_a_slow_server_from_a_dead_one() {
    let mut config = HostConfig::new(Remembers::Volatile);
    // Much longer than the client waits for a sign of life.
    config.work = Work { time: ms(20_000), every: 2 };
    let mut world = World::new(client(Semantics::AtMostOnce), config, Link::scripted(vec![]));
    assert_eq!(world.publish(b"quick").outcome, Outcome::Done(1));
    assert_eq!(world.publish(b"slow").outcome, Outcome::Done(2));
    assert!(world.now() >= ms(20_000));
    assert!(world.counted().probes > 20 && world.counted().again <= 2, "{:?}", world.counted());

    // Without probes the same server is taken for dead, and what is repeated is run again.
    let mut world = World::new(client(Semantics::AtLeastOnce), config, Link::scripted(vec![]));
    world.publish(b"quick");
    assert_eq!(world.publish(b"slow").outcome, Outcome::Done(2), "the second copy was quick");
    world.come_to_rest(ms(30_000));
    assert!(world.executions(b"slow") > 1);
}

#[test]
fn a_dead_server_is_found_out_and_nothing_is_claimed() {
    let nothing_arrives = || Link::seeded(&Profile { loss: 1.0, ..Profile::default() }, 1);
    for (semantics, remembers) in ROWS {
        let mut world = World::new(client(semantics), HostConfig::new(remembers), nothing_arrives());
        let outcome = world.publish(b"x").outcome;
        match semantics {
            // The binding, or the length, was asked for and never came: nothing of the call was sent.
            Semantics::AtMostOnce | Semantics::Conditional => {
                assert_eq!(outcome, Outcome::NotDone(NotDone::NoServer));
            }
            _ => assert!(matches!(outcome, Outcome::Unknown(Unknown::Silent(_))), "{outcome:?}"),
        }
        assert_eq!(world.now(), ms(3000));
    }
}

#[test]
fn maybe_sends_once_and_a_network_that_duplicates_runs_it_twice() {
    let twice = vec![vec![ms(5), ms(6)]];
    let mut world =
        World::new(client(Semantics::Maybe), HostConfig::new(Remembers::Volatile), Link::scripted(twice));
    world.publish(b"x");
    world.come_to_rest(ms(100));
    assert_eq!((world.counted().sent, world.executions(b"x")), (1, 2));
}

#[test]
fn a_late_copy_of_an_acknowledged_call_is_stale_and_not_run() {
    // Bind, Bound, call 1 twice (the second copy very late), Done; call 2 acknowledges it.
    let fates = vec![vec![ms(5)], vec![ms(5)], vec![ms(5), ms(2000)]];
    let mut world =
        World::new(client(Semantics::AtMostOnce), HostConfig::new(Remembers::Durable), Link::scripted(fates));
    world.publish(b"one");
    world.publish(b"two");
    world.come_to_rest(ms(3000));
    assert_eq!((world.executions(b"one"), world.seen().stale), (1, 1));
}

#[test]
fn a_lease_that_is_shorter_than_the_way_ends_in_a_typed_answer_and_no_second_run() {
    let mut config = HostConfig::new(Remembers::Durable);
    config.server.limits.lease = ms(200);
    // Bind, Bound, call 1, its answer; all that call 2 sends is late, and the lease ends before it comes.
    let late = vec![ms(700)];
    let fates = [vec![vec![ms(5)]; 4], vec![late; 6]].concat();
    let mut world = World::new(client(Semantics::AtMostOnce), config, Link::scripted(fates));
    assert_eq!(world.publish(b"one").outcome, Outcome::Done(1));
    assert_eq!(world.publish(b"two").outcome, Outcome::Unknown(Unknown::Expired));
    world.come_to_rest(ms(3000));
    assert_eq!(world.executions(b"two"), 0);
    // The client binds again, as another client.
    assert_eq!(world.publish(b"three").outcome, Outcome::Done(2));
}

#[test]
fn a_client_that_dies_is_what_at_most_once_cannot_help() {
    let mut world = World::new(
        client(Semantics::AtMostOnce),
        HostConfig::new(Remembers::Durable),
        Link::scripted(vec![]),
    );
    world.publish(b"before");
    world.publish_and_leave(b"order");
    world.replace_client(client(Semantics::AtMostOnce));
    assert!(matches!(world.publish(b"order").outcome, Outcome::Done(_)));
    assert_eq!(world.executions(b"order"), 2, "the new client has no way to say that it is the same call");
}

/// A fate of one datagram: lost, or when its copies arrive.
fn fate() -> impl Strategy<Value = Vec<Duration>> {
    let delay = (0u64..60).prop_map(|tens| ms(5 + tens * 10));
    prop_oneof![
        3 => Just(vec![ms(5)]),
        2 => Just(vec![]),
        2 => delay.clone().prop_map(|delay| vec![delay]),
        1 => (delay.clone(), delay).prop_map(|(one, two)| vec![one, two]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Any schedule, with a crash somewhere. When it fails, proptest makes the schedule smaller until nothing can be left out.
    #[test]
    fn no_schedule_of_datagrams_breaks_a_promise(
        fates in prop::collection::vec(fate(), 0..40),
        row in 0..ROWS.len(),
        crash in prop::option::of((prop_oneof![Just(Step::Mutated), Just(Step::Recorded)], 1u64..4)),
        again: bool,
        slow in 0u64..4,
    ) {
        let (semantics, remembers) = ROWS[row];
        let duplicates = fates.iter().any(|copies| copies.len() > 1);
        let mut config = HostConfig::new(remembers);
        config.failpoint = crash.map(|(step, execution)| Failpoint { step, execution });
        config.work = Work { time: ms(700), every: slow };
        let mut world = World::new(client(semantics), config, Link::scripted(fates));
        if again && crash.is_some_and(|(_, execution)| execution > 1) {
            world = world.crashing_again();
        }
        let ended: Vec<Ended> = (0..4).map(|number| world.publish(&text(number))).collect();
        world.come_to_rest(ms(5000));
        for Ended { text, outcome } in &ended {
            let checked = check(semantics, remembers, crash.is_some(), duplicates, outcome, world.executions(text));
            prop_assert!(checked.is_ok(), "{}", checked.unwrap_err());
        }
    }
}
