//! What browser and server say to each other: one JSON object in one WebSocket text message.
//!
//! ```text
//!   browser                                              server
//!     hello {name, replica, key} ──────────────────────►            the key is for the server only
//!        ◄────── welcome {room, run, time, writes, lost, people}   the whole canvas
//!     paint {seen, pixels} ────────────────────────────►            /server: please; you give the number
//!     merge {writes} ──────────────────────────────────►            /collaborative: done; these are the stamps. After a cut
//!                                                                   also of what has lost here, which the others must see
//!        ◄────────────────── painted {writes, collisions}           to all, the author too
//!     cursor {cell} ───────────────────────────────────►
//!        ◄────────────────── cursor {who, cell}, came {who, name}, left {who}
//! ```
//!
//! A write is an array, because a canvas has three thousand of them:
//! `[cell, colour, time, by, over time, over by, at ms]`.
//!
//! Text, although a packed form would be a fifth as long: it can be read in the browser's own tools, and a stroke of the
//! brush is one message of some hundred bytes.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::canvas::{Cell, Colour};
use super::clock::{Replica, Stamp};
use super::register::Write;

/// Longest message that a browser may send, bytes.
pub const MESSAGE_LIMIT: usize = 64 * 1024;

/// Most pixels in one message of a browser.
pub const PIXELS_LIMIT: usize = 512;

/// Longest name, characters.
pub const NAME_LIMIT: usize = 20;

/// What goes with a replica's number and is told to nobody: everybody in the room knows the number, and whoever says hello with it
/// hangs up on the one who had it. 128 bits, drawn at random by the page.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key(pub [u32; 4]);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)") // it may be logged
    }
}

/// What a browser says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum FromBrowser {
    /// The first message: who comes.
    Hello {
        /// How they want to be called.
        name: String,
        /// The replica's number, the same after a cut.
        replica: Replica,
        /// What shows that the number is theirs.
        key: Key,
    },
    /// Server's room: these pixels, please.
    Paint {
        /// The last number that was seen when they were drawn.
        seen: u64,
        /// What to paint.
        pixels: Vec<(Cell, Colour)>,
    },
    /// Collaborative room: these writes were made.
    Merge {
        /// With their stamps.
        writes: Vec<Painted>,
    },
    /// The pointer is here, or nowhere.
    Cursor {
        /// Where.
        cell: Option<Cell>,
    },
}

/// What the server says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum FromServer {
    /// The answer to a hello: all that is there.
    Welcome {
        /// `server` or `collaborative`.
        room: String,
        /// The last number given, or the Lamport time.
        time: u64,
        /// Another number for every start of the server.
        run: u64,
        /// The canvas, blank pixels left out.
        writes: Vec<Painted>,
        /// What lost to one of these writes in a collision; at most [`PIXELS_LIMIT`].
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        lost: Vec<Painted>,
        /// Everybody in the room, oneself too. Who asked for a name that somebody else has finds another here.
        people: Vec<(Replica, String)>,
    },
    /// Pixels have changed, or writes have collided.
    Painted {
        /// The pixels as they are now.
        writes: Vec<Painted>,
        /// Who won, and who lost.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        collisions: Vec<(Painted, Painted)>,
    },
    /// Someone came.
    Came {
        /// The replica.
        who: Replica,
        /// How they want to be called.
        name: String,
    },
    /// Someone is gone.
    Left {
        /// The replica.
        who: Replica,
    },
    /// Someone's pointer.
    Cursor {
        /// Whose.
        who: Replica,
        /// Where; nowhere when it has left the canvas.
        cell: Option<Cell>,
    },
}

/// A write and its place, on the wire an array of seven numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Painted(Cell, Colour, u64, Replica, u64, Replica, u64);

impl Painted {
    /// A write to a pixel.
    #[must_use]
    pub fn new(cell: Cell, write: Write) -> Painted {
        let Write { colour, stamp, over, at_ms } = write;
        Painted(cell, colour, stamp.time, stamp.by, over.time, over.by, at_ms)
    }

    /// The pixel.
    #[must_use]
    pub fn cell(self) -> Cell {
        self.0
    }

    /// The write.
    #[must_use]
    pub fn write(self) -> Write {
        let Painted(_, colour, time, by, over_time, over_by, at_ms) = self;
        Write { colour, stamp: Stamp { time, by }, over: Stamp { time: over_time, by: over_by }, at_ms }
    }
}

/// A message that is none of ours.
#[derive(Debug, thiserror::Error)]
pub enum BadMessage {
    /// Not JSON, or not of this shape, or a cell that is not on the canvas.
    #[error("not a message of the whiteboard: {0}")]
    Shape(#[from] serde_json::Error),
    /// More than [`PIXELS_LIMIT`].
    #[error("{0} pixels in one message, at most {PIXELS_LIMIT} may be")]
    TooMany(usize),
    /// A name without a visible character.
    #[error("a name needs a letter that can be seen")]
    NoName,
}

impl FromBrowser {
    /// Reads a message.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<FromBrowser, BadMessage> {
        let mut message = serde_json::from_str(text)?;
        match &mut message {
            FromBrowser::Paint { pixels, .. } if pixels.len() > PIXELS_LIMIT => {
                return Err(BadMessage::TooMany(pixels.len()));
            }
            FromBrowser::Merge { writes } if writes.len() > PIXELS_LIMIT => {
                return Err(BadMessage::TooMany(writes.len()));
            }
            FromBrowser::Hello { name, .. } => *name = clean(name).ok_or(BadMessage::NoName)?,
            _ => {}
        }
        Ok(message)
    }
}

impl FromServer {
    /// The message as text.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("numbers, strings and arrays are always JSON")
    }
}

/// The name with a number behind it, and not too long: for the second who asks for it.
#[must_use]
pub fn numbered(name: &str, number: usize) -> String {
    let number = format!(" {number}");
    let name: String = name.chars().take(NAME_LIMIT - number.len()).collect();
    format!("{}{number}", name.trim_end())
}

/// A name as others may be shown it: nothing that cannot be seen, white space joined, not too long. The page does the same before
/// it asks (`tidy`).
fn clean(name: &str) -> Option<String> {
    let words: String =
        name.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| is_visible(*c)).collect();
    let name: String = words.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    let name: String = name.chars().take(NAME_LIMIT).collect();
    let name = name.trim_end(); // cut behind a word, it ended with the space
    (!name.is_empty()).then(|| name.to_owned())
}

/// Not a control character, which could break a log line; not one of format (Unicode's category Cf), which could turn the reading
/// direction of what follows; and none that a font leaves out (Default_Ignorable_Code_Point), of which an invisible name can be
/// made. The ranges are those of Unicode 17, and the blank Braille pattern.
fn is_visible(c: char) -> bool {
    !c.is_control()
        && !matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}'
            | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::whiteboard::canvas::{CELLS, COLOURS};
    use proptest::prelude::*;

    prop_compose! {
        fn painted()(
            cell in 0..CELLS as u16,
            colour in 0..COLOURS,
            stamps in any::<(u64, u32, u64, u32)>(),
            at_ms in any::<u64>(),
        ) -> Painted {
            let stamp = |time, by| Stamp { time, by: Replica(by) };
            let write = Write {
                colour: colour.try_into().unwrap(),
                stamp: stamp(stamps.0, stamps.1),
                over: stamp(stamps.2, stamps.3),
                at_ms,
            };
            Painted::new(cell.try_into().unwrap(), write)
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(writes in prop::collection::vec(painted(), 0..20)) {
            let message = FromBrowser::Merge { writes: writes.clone() };
            let text = serde_json::to_string(&message).unwrap();
            prop_assert_eq!(FromBrowser::parse(&text).unwrap(), message);
            let message = FromServer::Painted { collisions: writes.iter().copied().zip(writes.clone()).collect(), writes };
            prop_assert_eq!(serde_json::from_str::<FromServer>(&message.to_json()).unwrap(), message);
        }

        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            let _ = FromBrowser::parse(&text);
        }

        #[test]
        fn no_mutilated_message_makes_it_panic(write in painted(), at in any::<prop::sample::Index>(), byte in 32u8..127) {
            let mut text = serde_json::to_string(&FromBrowser::Merge { writes: vec![write] }).unwrap().into_bytes();
            let at = at.index(text.len());
            text[at] = byte;
            let _ = FromBrowser::parse(std::str::from_utf8(&text).unwrap());
        }

        #[test]
        fn a_name_is_short_visible_and_stays_as_it_is(name in ".{0,60}") {
            if let Some(once) = clean(&name) {
                prop_assert!(once.chars().count() <= NAME_LIMIT && !once.chars().any(char::is_control));
                prop_assert_eq!(clean(&once), Some(once));
            }
        }
    }

    #[test]
    fn a_name_that_is_cut_behind_a_word_ends_with_the_word() {
        assert_eq!(clean("nineteen characters and more").as_deref(), Some("nineteen characters"));
    }

    #[test]
    fn what_is_off_the_canvas_or_too_much_is_refused() {
        for bad in [
            r#"{"type":"paint","seen":0,"pixels":[[3072,1]]}"#,
            r#"{"type":"paint","seen":0,"pixels":[[0,16]]}"#,
            r#"{"type":"paint","seen":-1,"pixels":[]}"#,
            r#"{"type":"merge","writes":[[0,1,2,3,4,5]]}"#,
            r#"{"type":"hello","name":"\ud83d","replica":1,"key":[1,2,3,4]}"#,
            r#"{"type":"hello","name":"Ann","replica":1}"#,
            r#"{"type":"hello","name":"Ann","replica":1,"key":[1,2,3]}"#,
            r#"{"type":"cursor","cell":1,"more":2}"#,
            r#"{"type":"dance"}"#,
            "[]",
            "",
        ] {
            assert!(FromBrowser::parse(bad).is_err(), "{bad}");
        }
        let many = FromBrowser::Paint {
            seen: 0,
            pixels: vec![(Cell::try_from(0).unwrap(), Colour::default()); 513],
        };
        let text = serde_json::to_string(&many).unwrap();
        assert!(matches!(FromBrowser::parse(&text), Err(BadMessage::TooMany(513))));
    }

    #[test]
    fn a_name_is_what_can_be_seen_of_it() {
        for unseen in [
            "",
            " \n",
            "\u{202e} \u{7}",
            "\u{200b}",
            "\u{2060}",
            "\u{ad}",
            "\u{e0041}",
            "\u{3164}",
            "\u{fe0f}",
        ] {
            assert_eq!(clean(unseen), None, "{}", unseen.escape_unicode());
            assert_eq!(clean(&format!(" A{unseen}nn ")).unwrap().replace(' ', ""), "Ann");
        }
        for seen in ["Ann", "Zoë", "Ann B", "\u{5d0}", "\u{732b}", "\u{1f98a}", "e\u{301}"] {
            assert_eq!(clean(seen).as_deref(), Some(seen));
        }
    }

    #[test]
    fn a_key_is_told_to_nobody() {
        let hello =
            FromBrowser::parse(r#"{"type":"hello","name":"Ann","replica":1,"key":[77001,2,3,4]}"#).unwrap();
        assert!(!format!("{hello:?}").contains("77001"));
    }

    #[test]
    fn the_bytes_are_these() {
        let paint = r#"{"type":"paint","seen":4,"pixels":[[65,3]]}"#;
        let parsed = FromBrowser::parse(paint).unwrap();
        assert_eq!(serde_json::to_string(&parsed).unwrap(), paint);
        let left = FromServer::Left { who: Replica(7) };
        assert_eq!(left.to_json(), r#"{"type":"left","who":7}"#);
    }
}
