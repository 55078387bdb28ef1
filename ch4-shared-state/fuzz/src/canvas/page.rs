//! What a page in a browser does, in a few lines: it keeps a canvas of its own.

use ch4_shared_state::whiteboard::canvas::{Canvas, Cell, Colour};
use ch4_shared_state::whiteboard::clock::{Clock, Replica, Stamp};
use ch4_shared_state::whiteboard::protocol::{FromBrowser, FromServer, Painted};
use ch4_shared_state::whiteboard::register::Write;
use ch4_shared_state::whiteboard::room::Policy;

/// A page.
pub struct Page {
    pub replica: Replica,
    /// It has said hello, and was answered.
    pub is_welcome: bool,
    mine: Mine,
}

/// What it shows, and what it has not told yet.
enum Mine {
    Server { canvas: Canvas<Write>, wishes: Vec<(Cell, Colour)> },
    Collaborative { canvas: Canvas<Write>, clock: Clock, untold: Vec<Painted> },
}

impl Page {
    pub fn new(policy: Policy, who: u32) -> Page {
        let mine = match policy {
            Policy::Server => Mine::Server { canvas: Canvas::default(), wishes: Vec::new() },
            Policy::Collaborative => {
                Mine::Collaborative { canvas: Canvas::default(), clock: Clock::default(), untold: Vec::new() }
            }
        };
        Page { replica: Replica(who), is_welcome: false, mine }
    }

    /// A stroke, connected or not.
    pub fn paint(&mut self, cell: Cell, colour: Colour) {
        match &mut self.mine {
            Mine::Server { wishes, .. } => wishes.push((cell, colour)),
            Mine::Collaborative { canvas, clock, untold } => {
                let stamp = Stamp { time: clock.tick(), by: self.replica };
                let write = Write { colour, stamp, over: canvas[cell].stamp, at_ms: 0 };
                canvas[cell].merge(write);
                untold.push(Painted::new(cell, write));
            }
        }
    }

    /// What there is to tell.
    pub fn flush(&mut self) -> Option<FromBrowser> {
        match &mut self.mine {
            Mine::Server { wishes, .. } if !wishes.is_empty() => {
                Some(FromBrowser::Paint { seen: 0, pixels: std::mem::take(wishes) })
            }
            Mine::Collaborative { untold, .. } if !untold.is_empty() => {
                Some(FromBrowser::Merge { writes: std::mem::take(untold) })
            }
            _ => None,
        }
    }

    /// The server says something.
    pub fn hear(&mut self, message: &FromServer) {
        match message {
            FromServer::Welcome { writes, time, .. } => {
                self.is_welcome = true;
                if let Mine::Server { canvas, .. } = &mut self.mine {
                    *canvas = Canvas::default();
                }
                self.take(writes);
                // Both sides tell what the other lacks.
                let mine = self.canvas();
                if let Mine::Collaborative { clock, untold, .. } = &mut self.mine {
                    clock.hear(*time);
                    *untold = mine.into_iter().filter(|painted| !writes.contains(painted)).collect();
                }
            }
            FromServer::Painted { writes, .. } => self.take(writes),
            _ => {}
        }
    }

    fn take(&mut self, writes: &[Painted]) {
        for painted in writes {
            match &mut self.mine {
                Mine::Server { canvas, .. } => canvas[painted.cell()] = painted.write(),
                // What the server has believed.
                Mine::Collaborative { canvas, clock, .. } => {
                    clock.hear(painted.write().stamp.time);
                    canvas[painted.cell()].merge(painted.write());
                }
            }
        }
    }

    /// Every pixel that was written.
    pub fn canvas(&self) -> Vec<Painted> {
        let (Mine::Server { canvas, .. } | Mine::Collaborative { canvas, .. }) = &self.mine;
        let written = canvas.iter().filter(|(_, write)| write.stamp.time > 0);
        written.map(|(cell, write)| Painted::new(cell, *write)).collect()
    }
}
