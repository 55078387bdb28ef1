//! A line editor for a program that is spoken to while its user types: [`LineEditor`] reads lines, and [`Printer`], in another
//! thread, prints above the line that is being typed.
//!
//! rustyline has a printer for that. While a line is being edited it queues what is printed; between two lines it writes at once.
//! With keys typed ahead this changes the order: the editor takes them before it looks at the queue, so the first message waits
//! there through several lines, and the second is written between two of them.
//!
//! ```text
//!                  readline     first hint         Enter       readline returns
//!   main thread  ─────┼────────────┼════ editing ════┼────────────────┼─────
//!   terminal          │    raw ─────────────────────────── cooked     │
//!   printer       waits            │ prints, in line │ waits
//! ```
//!
//! This printer prints only while a line is being edited. So every message goes through the queue, and the queue keeps the order. The
//! editor itself tells where editing begins and ends: it asks its helper for a hint, and whether the line is complete.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Editor, ExternalPrinter, Helper};

/// How long the end of a line waits for a message that is on its way into the queue. When the queue is full, the message gets in only
/// while the next line is edited, so there is an end to waiting.
const ON_ITS_WAY: Duration = Duration::from_millis(50);

/// Reads lines from the terminal.
pub struct LineEditor {
    editor: Editor<Gate, DefaultHistory>,
    gate: Gate,
}

/// Prints above the line that is being typed.
pub struct Printer {
    printer: Box<dyn FnMut(String) -> rustyline::Result<()> + Send>,
    gate: Gate,
}

/// When the printer may print.
#[derive(Clone, Default)]
struct Gate(Arc<GateState>);

#[derive(Default)]
struct GateState {
    progress: Mutex<Progress>,
    changed: Condvar,
}

#[derive(Default)]
struct Progress {
    phase: Phase,
    /// A message is on its way into the queue.
    is_printing: bool,
}

#[derive(Default, PartialEq, Eq)]
enum Phase {
    /// Between two lines.
    #[default]
    Idle,
    /// A line is to be read. The terminal is perhaps not raw yet.
    Beginning,
    /// A line is being edited, and the terminal is raw.
    Editing,
    /// No more lines are read.
    Ended,
}

impl LineEditor {
    /// For the terminal that standard input is.
    ///
    /// # Errors
    /// It is no terminal, or one that cannot move its cursor.
    pub fn new() -> anyhow::Result<(LineEditor, Printer)> {
        let gate = Gate::default();
        let mut editor = Editor::new().context("the terminal cannot be used")?;
        editor.set_helper(Some(gate.clone()));
        let mut printer = editor.create_external_printer().context("the terminal cannot be used")?;
        let printer = Printer { printer: Box::new(move |words| printer.print(words)), gate: gate.clone() };
        Ok((LineEditor { editor, gate }, printer))
    }

    /// Reads a line, without its end. It goes into the history unless it is blank.
    ///
    /// # Errors
    /// `Eof` for Ctrl-D, `Interrupted` for Ctrl-C, and a terminal that cannot be read.
    pub fn readline(&mut self, prompt: &str) -> Result<String, ReadlineError> {
        self.gate.enter(Phase::Beginning);
        let line = self.editor.readline(prompt);
        self.gate.enter(Phase::Idle);
        if let Ok(line) = &line
            && !line.trim().is_empty()
        {
            let _ = self.editor.add_history_entry(line.trim());
        }
        line
    }

    /// Prints a line between two that are read.
    ///
    /// # Errors
    /// The terminal cannot be written to.
    pub fn say(&mut self, words: &str) -> anyhow::Result<()> {
        let mut printer = self.editor.create_external_printer().context("the terminal cannot be used")?;
        printer.print(format!("{words}\n")).context("the terminal cannot be written to")
    }
}

impl Drop for LineEditor {
    fn drop(&mut self) {
        self.gate.enter(Phase::Ended);
    }
}

impl Printer {
    /// Prints `words`, which end with a line break, when a line is being edited or none will be any more.
    ///
    /// # Errors
    /// The editor has ended, or the terminal cannot be written to.
    pub fn print(&mut self, words: String) -> rustyline::Result<()> {
        self.gate.wait_and_begin();
        let printed = (self.printer)(words);
        self.gate.printed();
        printed
    }
}

impl Gate {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.0.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, phase: Phase) {
        self.progress().phase = phase;
        self.0.changed.notify_all();
    }

    fn wait_and_begin(&self) {
        let is_shut = |progress: &mut Progress| matches!(progress.phase, Phase::Idle | Phase::Beginning);
        let progress = self.0.changed.wait_while(self.progress(), is_shut);
        progress.unwrap_or_else(PoisonError::into_inner).is_printing = true;
    }

    fn printed(&self) {
        self.progress().is_printing = false;
        self.0.changed.notify_all();
    }
}

/// The first hint of a line is asked for when the terminal is raw.
impl Hinter for Gate {
    type Hint = String;

    fn hint(&self, _line: &str, _position: usize, _context: &rustyline::Context<'_>) -> Option<String> {
        if self.progress().phase == Phase::Beginning {
            self.enter(Phase::Editing);
        }
        None
    }
}

/// Whether a line is complete is asked while the terminal is still raw.
impl Validator for Gate {
    fn validate(&self, _context: &mut ValidationContext) -> rustyline::Result<ValidationResult> {
        self.enter(Phase::Idle);
        let is_printing = |progress: &mut Progress| progress.is_printing;
        let waited = self.0.changed.wait_timeout_while(self.progress(), ON_ITS_WAY, is_printing);
        // What is still not in the queue waits for room there. It needs no second waiting.
        waited.unwrap_or_else(PoisonError::into_inner).0.is_printing = false;
        Ok(ValidationResult::Valid(None))
    }
}

impl Completer for Gate {
    type Candidate = String;
}

impl Highlighter for Gate {}

impl Helper for Gate {}
