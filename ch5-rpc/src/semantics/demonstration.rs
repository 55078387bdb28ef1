//! `cargo ch5 semantics`: how often was each publish run, under each semantics, when this or that goes wrong?

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use anyhow::Context;
use common::support::cli::stdout;
use common::support::interrupt;

use super::args::{SemanticsArgs, SemanticsCommand};
use super::cell::Cell;
use super::measure::measure;
use super::not_promised::not_promised;
use super::report::{Findings, html, json};
use super::scenario::{Fault, Row};
use super::simulated::simulate;
use super::{call, serve, table_text};

/// Runs the command.
///
/// # Errors
/// A sentence about what went wrong.
pub fn run(args: &SemanticsArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        Some(SemanticsCommand::Serve(args)) => serve::run(args),
        Some(SemanticsCommand::Call(args)) => call::run(args),
        None => demonstrate(args),
    }
}

fn demonstrate(args: &SemanticsArgs) -> anyhow::Result<ExitCode> {
    let stop = interrupt::flag()?;
    // Files are opened before anything happens: at the end it would be too late to learn that one cannot be written.
    let create =
        |path: &PathBuf| File::create(path).with_context(|| format!("cannot write {}", path.display()));
    let mut json_file = args.json.as_ref().map(create).transpose()?;
    let mut report_file = args.report.as_ref().map(create).transpose()?;
    let mut out = stdout();
    writeln!(out, "How often was each publish run? {} calls a line, seed {}.", args.calls, args.seed)?;
    let mut cells = Vec::new();
    for fault in Fault::ALL {
        let of_fault = run_fault(args, fault, stop)?;
        write!(out, "\n{}", table_text::section(fault, &args.severity(), &of_fault))?;
        out.flush()?;
        cells.extend(of_fault);
    }
    // These need processes that can be killed.
    let not_promised = if args.r#virtual { Vec::new() } else { not_promised(stop)?.to_vec() };
    write!(out, "\n{}", table_text::not_promised(&not_promised))?;
    let broken: Vec<String> = cells.iter().flat_map(Cell::broken).collect();
    for sentence in &broken {
        writeln!(out, "BROKEN: {sentence}")?;
    }
    writeln!(out, "again: {}", args.again())?;
    out.flush()?;
    let findings = Findings { command: args.again(), severity: args.severity(), cells, not_promised };
    if let Some(file) = &mut json_file {
        file.write_all(json(&findings)?.as_bytes()).context("the figures are not complete")?;
    }
    if let Some(file) = &mut report_file {
        file.write_all(html(&findings).as_bytes()).context("the page is not complete")?;
    }
    Ok(if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// All semantics at once: each waits for its network most of the time.
fn run_fault(args: &SemanticsArgs, fault: Fault, stop: &AtomicBool) -> anyhow::Result<Vec<Cell>> {
    let severity = args.severity();
    if args.r#virtual {
        return Ok(Row::ALL.map(|row| simulate(row, fault, &severity, args.calls, args.seed)).into());
    }
    std::thread::scope(|scope| {
        let cell = |row| move || measure(row, fault, &severity, args.calls, args.seed, stop);
        let threads = Row::ALL.map(|row| scope.spawn(cell(row)));
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}
