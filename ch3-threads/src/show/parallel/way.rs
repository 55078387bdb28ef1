//! What was seen of the tasks when they were done in one way: how long it took, and who ran when.

use super::work::{Stretch, Task};

/// One of the three ways, and what was seen of it.
pub(super) struct Way {
    pub name: &'static str,
    pub how: String,
    /// A task each, from 1.
    pub tasks: Vec<Task>,
}

impl Way {
    /// When the first task began, nanoseconds of the common clock.
    pub fn began_ns(&self) -> u64 {
        self.stretches().map(|stretch| stretch.from_ns).min().unwrap_or(0)
    }

    /// From the first task's beginning to the last one's end.
    pub fn took_ns(&self) -> u64 {
        self.stretches().map(|stretch| stretch.to_ns).max().unwrap_or(0) - self.began_ns()
    }

    fn stretches(&self) -> impl Iterator<Item = Stretch> + '_ {
        self.tasks.iter().flat_map(|task| task.ran.iter().copied())
    }

    /// How often another task went on than the one that had run before.
    pub fn switches(&self) -> usize {
        let mut order: Vec<(u64, usize)> = Vec::new();
        for (number, task) in self.tasks.iter().enumerate() {
            order.extend(task.ran.iter().map(|stretch| (stretch.from_ns, number)));
        }
        order.sort_unstable();
        order.windows(2).filter(|pair| pair[0].1 != pair[1].1).count()
    }

    /// How long two tasks or more ran at the same moment, nanoseconds.
    pub fn together_ns(&self) -> u64 {
        let mut changes: Vec<(u64, i32)> =
            self.stretches().flat_map(|ran| [(ran.from_ns, 1), (ran.to_ns, -1)]).collect();
        changes.sort_unstable();
        let (mut running, mut since, mut together) = (0, 0, 0);
        for (at_ns, change) in changes {
            if running > 1 {
                together += at_ns - since;
            }
            (running, since) = (running + change, at_ns);
        }
        together
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(tasks: &[&[(u64, u64)]]) -> Way {
        let stretch = |&(from_ns, to_ns): &(u64, u64)| Stretch { from_ns, to_ns };
        let task = |ran: &&[(u64, u64)]| Task { ran: ran.iter().map(stretch).collect(), answer: 0 };
        Way { name: "", how: String::new(), tasks: tasks.iter().map(task).collect() }
    }

    #[test]
    pub fn switches_and_what_ran_together_are_counted() {
        let sequential = way(&[&[(10, 20)], &[(20, 30)], &[(30, 40)]]);
        assert_eq!((sequential.switches(), sequential.together_ns(), sequential.took_ns()), (2, 0, 30));
        let interleaved = way(&[&[(0, 5), (10, 15)], &[(5, 10), (15, 20)]]);
        assert_eq!((interleaved.switches(), interleaved.together_ns()), (3, 0));
        let parallel = way(&[&[(0, 10)], &[(2, 8)], &[(4, 12)]]);
        assert_eq!((parallel.together_ns(), parallel.took_ns()), (8, 12));
    }
}
