//! The power goes at every operation of a random run: what was confirmed is there, and also after a second crash during or right
//! after the start. `PROPTEST_CASES=1000` looks longer.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::world::{Known, Model, World, delivered, message, removed, requeued};
use crate::broker::Record;
use crate::broker::output::QueueId;
use crate::store::simulated::{Faults, SimulatedDisk};

#[derive(Debug, Clone)]
enum Step {
    Message { queues: BTreeSet<u64>, length: usize },
    Removed { message: usize, queue: u64 },
    Requeued { message: usize, queue: u64, deliveries: u32 },
    Delivered { queue: u64, message: usize },
    Deleted { queue: u64 },
    Turn,
    Settle,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let queue = 1..4_u64;
    let queues = prop::collection::btree_set(queue.clone(), 1..3);
    let step = prop_oneof![
        8 => (queues, 0..600_usize).prop_map(|(queues, length)| Step::Message { queues, length }),
        9 => (0..40_usize, queue.clone()).prop_map(|(message, queue)| Step::Removed { message, queue }),
        2 => (0..40_usize, queue.clone(), 1..9_u32)
            .prop_map(|(message, queue, deliveries)| Step::Requeued { message, queue, deliveries }),
        1 => (queue.clone(), 0..40_usize).prop_map(|(queue, message)| Step::Delivered { queue, message }),
        1 => queue.prop_map(|queue| Step::Deleted { queue }),
        4 => Just(Step::Turn),
        2 => Just(Step::Settle),
    ];
    prop::collection::vec(step, 1..120)
}

/// Runs until the power goes; returns all records, and how many of them were confirmed.
fn run(disk: &SimulatedDisk, steps: &[Step]) -> (Vec<Record>, usize) {
    let mut records = Vec::new();
    let mut safe = 0;
    let Ok(mut world) = World::open(disk) else { return (records, 0) };
    let mut last = 0;
    for step in steps {
        let old = |back: usize| (last as usize).saturating_sub(back) as u64;
        let record = match step {
            Step::Message { queues, length } => {
                last += 1;
                Some(message(last, &queues.iter().copied().collect::<Vec<_>>(), *length))
            }
            Step::Removed { message, queue } => Some(removed(old(*message), *queue)),
            Step::Requeued { message, queue, deliveries } => {
                Some(requeued(old(*message), *queue, *deliveries))
            }
            Step::Delivered { queue, message } => Some(delivered(*queue, old(*message))),
            Step::Deleted { queue } => Some(Record::Deleted { queue: QueueId(*queue) }),
            Step::Turn => {
                let Ok(_) = turn(&mut world, &mut safe) else { return (records, safe) };
                None
            }
            Step::Settle => loop {
                let Ok(is_busy) = turn(&mut world, &mut safe) else { return (records, safe) };
                if world.writer.refused().is_some() {
                    // The power went while room was made: the writer would ask again for ever.
                    return (records, safe);
                }
                if !is_busy && safe == records.len() {
                    break None;
                }
            },
        };
        if let Some(record) = record {
            world.append(&record);
            records.push(record);
        }
    }
    (records, safe)
}

/// A batch may be safe before the power goes in what comes after it.
fn turn(world: &mut World, safe: &mut usize) -> std::io::Result<bool> {
    if let Some(number) = world.writer.write_batch(true)? {
        *safe = number.0 as usize;
    }
    world.writer.keep(true)
}

/// Whether what is known follows from the confirmed records and some of those that were on their way. Each of these is there or not.
fn check(known: &Known, records: &[Record], safe: usize) {
    let must = Model::of(&records[..safe]).known();
    let may = &records[safe..];
    let is_touched = |id: u64, queue: u64| {
        may.iter().any(|record| match record {
            Record::Message { message, .. } => message.id.0 == id,
            Record::Removed { message, queue: of } | Record::Requeued { message, queue: of, .. } => {
                message.0 == id && of.0 == queue
            }
            Record::Delivered { queue: of, up_to } => of.0 == queue && up_to.0 >= id,
            Record::Deleted { queue: of } => of.0 == queue,
        })
    };
    let ids: BTreeSet<u64> = must.keys().chain(known.keys()).copied().collect();
    for id in ids {
        let state = |of: &Known, queue| {
            of.get(&id).and_then(|queues| queues.iter().find(|each| each.0 == queue).copied())
        };
        for queue in 1..4 {
            if !is_touched(id, queue) {
                assert_eq!(state(known, queue), state(&must, queue), "message {id} in queue {queue}");
            }
        }
    }
}

/// Few, if it is not said how many.
fn cases() -> ProptestConfig {
    let config = ProptestConfig::default();
    if std::env::var_os("PROPTEST_CASES").is_some() { config } else { ProptestConfig { cases: 64, ..config } }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn at_every_operation(steps in steps(), seed: u64) {
        let disk = SimulatedDisk::new(Faults::default());
        let (records, safe) = run(&disk, &steps);
        check(&World::open(&disk.copy()).unwrap().known(), &records, safe);
        let operations = disk.operations();
        let stride = 1 + operations / 20;
        for crash_at in (seed % stride..operations).step_by(stride as usize) {
            let disk = SimulatedDisk::new(Faults { crash_at: Some(crash_at), ..Faults::default() });
            let (records, safe) = run(&disk, &steps);
            // Only the process goes, and the power after the next start: what that start has found is kept.
            if crash_at % 2 == 0 {
                disk.set_faults(Faults::default());
                let known = World::open(&disk).unwrap().known();
                check(&known, &records, safe);
                prop_assert_eq!(&World::open(&disk.crash(seed)).unwrap().known(), &known);
                continue;
            }
            let disk = disk.crash(seed ^ crash_at);
            // The power goes again during the start, and right after it.
            let starts = disk.copy();
            let known = World::open(&starts).unwrap().known();
            check(&known, &records, safe);
            let again = World::open(&starts.crash(seed)).unwrap();
            prop_assert_eq!(&again.known(), &known);
            prop_assert!(again.recovered.damaged.iter().all(|text| text.contains("damaged") || text.contains("no header")), "{:?}", again.recovered.damaged);
            for crash_at in [0, 1, 2, 5, starts.operations().saturating_sub(1)] {
                let disk = disk.copy();
                disk.set_faults(Faults { crash_at: Some(crash_at), ..Faults::default() });
                let _ = World::open(&disk);
                prop_assert_eq!(&World::open(&disk.crash(seed)).unwrap().known(), &known);
            }
        }
    }
}
