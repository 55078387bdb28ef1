//! Numbered messages that stay plain text: a receiver of the notes prints them, ours also finds what was lost. Sans-I/O.
//!
//! ```text
//!   Hello world! [9f3c01aa:17]      text, then the sender's run (random, 8 hexadecimal digits) and its count from 1
//! ```
//!
//! A text without such an end is one of the notes' own sender: received, not counted.

/// A message of one of our senders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbered<'a> {
    /// What it says.
    pub text: &'a str,
    /// Which run of the program sent it: a sender started anew counts from 1 again.
    pub run: u32,
    /// Its number in that run, from 1.
    pub number: u64,
}

impl<'a> Numbered<'a> {
    /// Reads a message; `None` when it is not numbered.
    #[must_use]
    pub fn parse(message: &'a str) -> Option<Numbered<'a>> {
        let (text, mark) = message.strip_suffix(']')?.rsplit_once(" [")?;
        let (run, number) = mark.split_once(':')?;
        let numbered =
            Numbered { text, run: u32::from_str_radix(run, 16).ok()?, number: number.parse().ok()? };
        // Only exactly what we write: a sign or a missing zero is somebody else's text.
        (numbered.number > 0 && numbered.write() == message).then_some(numbered)
    }

    /// Writes it.
    #[must_use]
    pub fn write(&self) -> String {
        format!("{} [{:08x}:{}]", self.text, self.run, self.number)
    }
}

/// What a number tells, after those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sequence {
    /// The first of this run that was heard, or the next.
    Next,
    /// So many before it have not come.
    Gap(u64),
    /// One that had been overtaken, or came twice.
    Old,
}

/// Follows the numbers of one run.
#[derive(Debug, Default)]
pub struct Follower {
    highest: Option<u64>,
}

impl Follower {
    /// Takes the number of a message.
    pub fn receive(&mut self, number: u64) -> Sequence {
        let sequence = match self.highest {
            Some(highest) if number <= highest => return Sequence::Old,
            Some(highest) if number > highest + 1 => Sequence::Gap(number - highest - 1),
            _ => Sequence::Next, // who joins late has lost nothing
        };
        self.highest = Some(number);
        sequence
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_plain_text_is_not_numbered() {
        for text in
            ["Hello world!", "", "[1:2]", "a [1:2]", "a [00000001:0]", "a [00000001:+1]", "a [+0000001:1]"]
        {
            assert_eq!(Numbered::parse(text), None, "{text}");
        }
    }

    #[test]
    fn gaps_are_counted_and_old_ones_known() {
        let mut follower = Follower::default();
        let seen = [5, 6, 9, 7, 9, 10].map(|number| follower.receive(number));
        use Sequence::{Gap, Next, Old};
        assert_eq!(seen, [Next, Next, Gap(2), Old, Old, Next]);
        assert_eq!(follower.receive(u64::MAX), Gap(u64::MAX - 11));
        assert_eq!(follower.receive(u64::MAX), Old);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(text in ".*", run: u32, number in 1u64..) {
            let numbered = Numbered { text: &text, run, number };
            let written = numbered.write();
            prop_assert_eq!(Numbered::parse(&written), Some(numbered));
        }

        #[test]
        fn any_text_is_read_or_not(text in ".*\\[[0-9a-f]*:[0-9]*\\]") {
            if let Some(numbered) = Numbered::parse(&text) {
                prop_assert_eq!(numbered.write(), text);
            }
        }
    }
}
