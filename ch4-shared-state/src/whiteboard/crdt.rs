//! The second policy: the drawers decide together. Notes, chapter 4: *shared state* ("collaborative coordination").
//!
//! Every page and the server hold a replica of the canvas, a register per pixel (`register`), and a Lamport clock. Whoever
//! draws needs nobody: they write to their own replica and tell the others, now or after a cut. The server is a replica as
//! any other; it only happens to know everybody.
//!
//! ```text
//!   page ◄── all that the server has ────────── server        coming (back): both send what the other lacks,
//!        ─── what is greater here ────────────►               and both hold the same canvas
//! ```

use super::canvas::{Canvas, Cell, Colour};
use super::clock::{Clock, LAST_TIME, Replica, Stamp};
use super::register::{Merge, Write};

/// A replica of the canvas.
#[derive(Debug, Default, Clone)]
pub struct Shared {
    pixels: Canvas<Write>,
    clock: Clock,
}

/// A write from time 0, or from after [`LAST_TIME`], or from too far in the future (see [`fence`](super::clock::fence)); painted
/// over one that is not before it; or at a wall clock's time after [`LAST_TIME`], with which no browser can count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a write of time {} over one of time {}, at {} ms since 1970: the clock of its author is not to be believed",
    .0.stamp.time, .0.over.time, .0.at_ms
)]
pub struct NotBelieved(pub Write);

impl Shared {
    /// Paints here: the write to tell the others of.
    pub fn paint(&mut self, cell: Cell, colour: Colour, by: Replica, at_ms: u64) -> Write {
        let over = self.pixels[cell].stamp;
        let write = Write { colour, stamp: Stamp { time: self.clock.tick(), by }, over, at_ms };
        self.pixels[cell].merge(write);
        write
    }

    /// Merges a write from elsewhere.
    ///
    /// # Errors
    /// [`NotBelieved`]; the canvas is as it was.
    pub fn merge(&mut self, cell: Cell, write: Write) -> Result<Merge, NotBelieved> {
        let Write { stamp, over, at_ms, .. } = write;
        if !(1..=LAST_TIME).contains(&stamp.time) || over >= stamp || at_ms > LAST_TIME {
            return Err(NotBelieved(write));
        }
        self.clock.hear(write.stamp.time);
        Ok(self.pixels[cell].merge(write))
    }

    /// The replica's Lamport time.
    #[must_use]
    pub fn time(&self) -> u64 {
        self.clock.time()
    }

    /// The pixels that were ever written.
    pub fn written(&self) -> impl Iterator<Item = (Cell, Write)> {
        self.pixels.iter().filter(|(_, write)| write.stamp.time > 0).map(|(cell, write)| (cell, *write))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What happens among three replicas: one paints, or one hears all that another has.
    #[derive(Debug, Clone)]
    enum Event {
        Paint { who: usize, cell: u16, colour: u8 },
        Hear { who: usize, from: usize },
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            3 => (0usize..3, 0u16..4, 0u8..16).prop_map(|(who, cell, colour)| Event::Paint { who, cell, colour }),
            1 => (0usize..3, 0usize..3).prop_map(|(who, from)| Event::Hear { who, from }),
        ]
    }

    fn hear(replicas: &mut [Shared], who: usize, from: usize) {
        let told: Vec<_> = replicas[from].written().collect();
        for (cell, write) in told {
            replicas[who].merge(cell, write).unwrap();
        }
    }

    fn play(events: &[Event]) -> (Vec<Shared>, Vec<(Cell, Write)>) {
        let mut replicas = vec![Shared::default(); 3];
        let mut writes = Vec::new();
        for event in events {
            match *event {
                Event::Paint { who, cell, colour } => {
                    let (cell, colour) = (cell.try_into().unwrap(), colour.try_into().unwrap());
                    writes.push((cell, replicas[who].paint(cell, colour, Replica(who as u32), 0)));
                }
                Event::Hear { who, from } => hear(&mut replicas, who, from),
            }
        }
        (replicas, writes)
    }

    proptest! {
        #[test]
        fn replicas_that_heard_of_each_other_hold_one_canvas(events in prop::collection::vec(event(), 0..60)) {
            let (mut replicas, _) = play(&events);
            for (who, from) in [(0, 1), (0, 2), (1, 0), (2, 0)] {
                hear(&mut replicas, who, from);
            }
            prop_assert_eq!(&replicas[0].pixels, &replicas[1].pixels);
            prop_assert_eq!(&replicas[0].pixels, &replicas[2].pixels);
        }

        #[test]
        fn any_order_and_any_repetition_of_the_writes_gives_the_same_canvas(
            events in prop::collection::vec(event(), 0..60),
            order in prop::collection::vec(any::<prop::sample::Index>(), 0..100),
        ) {
            let (_, writes) = play(&events);
            let (mut straight, mut mixed) = (Shared::default(), Shared::default());
            for &(cell, write) in &writes {
                straight.merge(cell, write).unwrap();
            }
            for index in &order {
                if !writes.is_empty() {
                    let (cell, write) = writes[index.index(writes.len())];
                    mixed.merge(cell, write).unwrap();
                }
            }
            for &(cell, write) in writes.iter().rev() {
                mixed.merge(cell, write).unwrap();
            }
            prop_assert_eq!(straight.pixels, mixed.pixels);
        }

        /// Checked against the whole truth, which no replica has: who had merged what when they painted.
        #[test]
        fn no_collision_is_reported_that_was_none(events in prop::collection::vec(event(), 0..60)) {
            let mut replicas = vec![Shared::default(); 3];
            let mut known: Vec<Vec<Stamp>> = vec![Vec::new(); 3]; // by replica: every write it ever merged
            let mut knew: Vec<(Stamp, Vec<Stamp>)> = Vec::new();  // by write: what its author knew
            for event in &events {
                match *event {
                    Event::Paint { who, cell, colour } => {
                        let (cell, colour) = (cell.try_into().unwrap(), colour.try_into().unwrap());
                        let write = replicas[who].paint(cell, colour, Replica(who as u32), 0);
                        knew.push((write.stamp, known[who].clone()));
                        known[who].push(write.stamp);
                    }
                    Event::Hear { who, from } => {
                        let told: Vec<_> = replicas[from].written().collect();
                        for (cell, write) in told {
                            let before = replicas[who].pixels[cell];
                            let merge = replicas[who].merge(cell, write).unwrap();
                            if let Merge::Won { collided: Some(_) } | Merge::Lost { collided: Some(_) } = merge {
                                let (first, second) = (before.stamp.min(write.stamp), before.stamp.max(write.stamp));
                                let (_, knowledge) = knew.iter().find(|(stamp, _)| *stamp == second).unwrap();
                                prop_assert!(!knowledge.contains(&first));
                            }
                        }
                        // Hearing a state is hearing, by its registers, all that went into them.
                        let more = known[from].clone();
                        known[who].extend(more);
                    }
                }
            }
        }
    }

    #[test]
    fn who_was_cut_off_draws_on_and_both_ends_agree_afterwards() {
        let cell = Cell::try_from(0).unwrap();
        let colour = |n| Colour::try_from(n).unwrap();
        let (mut here, mut there) = (Shared::default(), Shared::default());
        let mine = here.paint(cell, colour(1), Replica(1), 0);
        there.paint(cell, colour(2), Replica(2), 0);
        let theirs = there.paint(cell, colour(3), Replica(2), 0); // drew more, so its clock is ahead
        assert_eq!(there.merge(cell, mine), Ok(Merge::Lost { collided: None })); // two steps back: not remembered
        assert_eq!(here.merge(cell, theirs), Ok(Merge::Won { collided: None }));
        assert_eq!(here.pixels, there.pixels);
    }

    #[test]
    fn a_time_that_no_clock_can_show_does_not_move_ours_and_is_in_no_canvas() {
        let mut canvas = Shared::default();
        let cell = Cell::try_from(0).unwrap();
        let stamp = |time| Stamp { time, by: Replica(1) };
        let good = Write { stamp: stamp(5), ..Write::default() };
        for write in [
            Write { stamp: stamp(0), ..good },
            Write { stamp: stamp(LAST_TIME + 1), ..good },
            Write { stamp: stamp(u64::MAX), ..good },
            Write { over: stamp(5), ..good },
            Write { over: stamp(u64::MAX), ..good },
            Write { at_ms: LAST_TIME + 1, ..good },
            Write { at_ms: u64::MAX, ..good },
        ] {
            assert_eq!(canvas.merge(cell, write), Err(NotBelieved(write)));
        }
        assert_eq!((canvas.time(), canvas.written().count()), (0, 0));
    }
}
