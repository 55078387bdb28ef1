//! Components in containers. Row 5.8; notes, chapter 5, "From objects to components".
//!
//! ```text
//!   descriptor (TOML) ─► check ─► architecture ─┬─► graph, picture      what there is, and whether it fits together
//!                                              └─► deploy ─► a process for each node
//!
//!   browser ─► server ─► node ─► interceptors ─► component ─► interceptors ─► component (here, or on another node)
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | `descriptor` | the deployment descriptor: components, what each provides and requires, where it runs |
//! | `check` | missing, mistyped and circular dependencies are refused before anything starts |
//! | `contract` | what the programs really provide and require; it has to be what the descriptor says |
//! | `graph`, `picture` | the architecture as text, for Graphviz, as a picture |
//! | `deploy` | a process for each node, wired |
//! | `node`, `server`, `remote`, `message` | one process: its components, its port, the way to another one |
//! | `intercept` | around each invocation: authorisation, rate, deadline, undo |
//! | `program`, `programs` | what a component is, and the components: board, chat, store, and a page as the front end |

pub mod check;
pub mod contract;
pub mod deploy;
pub mod descriptor;
pub mod graph;
pub mod intercept;
pub mod message;
pub mod node;
pub mod picture;
pub mod program;
pub mod programs;
pub mod remote;
pub mod server;

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand, ValueEnum};
use common::support::cli::stdout;

use check::{Architecture, check};
use descriptor::{Descriptor, LENGTH_LIMIT};

/// A descriptor to begin with.
pub const EXAMPLE: &str = include_str!("container/example.toml");

const EXAMPLES: &str = "\
Examples:
  cargo ch5 container example > board.toml         a descriptor to begin with
  cargo ch5 container check board.toml             whether its parts fit together
  cargo ch5 container graph board.toml             the architecture as text
  cargo ch5 container graph --format svg board.toml > board.svg
  cargo ch5 container deploy board.toml            a process for each node, and a page";

/// Components: what each provides and requires, wired by a deployment descriptor
///
/// A descriptor names components, the interfaces that each provides and requires, and the nodes that they run on. Before anything
/// starts, a missing, mistyped or circular dependency is refused. A container then runs the components, and stands around each call:
/// log, authorisation, rate, deadline, undo.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ContainerArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print a descriptor to begin with
    #[command(after_help = "Example:\n  cargo ch5 container example > board.toml")]
    Example,
    /// Check that all that is required is provided
    #[command(after_help = "Example:\n  cargo ch5 container check board.toml")]
    Check {
        /// The descriptor
        file: PathBuf,
    },
    /// Draw the architecture
    #[command(after_help = "Examples:
  cargo ch5 container graph                        the example
  cargo ch5 container graph --format svg board.toml > board.svg")]
    Graph {
        /// The descriptor; the example where none is given
        file: Option<PathBuf>,
        /// How it is drawn
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Start all nodes, and wait for Ctrl-C
    #[command(
        after_help = "Example:\n  cargo ch5 container deploy board.toml\nIt prints the address of the page: open it in a browser."
    )]
    Deploy {
        /// The descriptor
        file: PathBuf,
    },
    /// Run one node; `deploy` does this
    #[command(hide = true)]
    Node(Box<deploy::NodeArgs>),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// Text
    Text,
    /// The language of Graphviz
    Dot,
    /// A picture
    Svg,
}

/// Runs the command.
///
/// # Errors
/// A descriptor that cannot be read, or whose parts do not fit together.
pub fn run(args: &ContainerArgs) -> anyhow::Result<ExitCode> {
    let mut out = stdout();
    match &args.command {
        Command::Example => write!(out, "{EXAMPLE}")?,
        Command::Check { file } => {
            let architecture = runnable(file)?;
            writeln!(
                out,
                "it fits together; the components start in this order: {}",
                architecture.order.join(", ")
            )?;
        }
        Command::Graph { file, format } => {
            let architecture = match file {
                Some(file) => architecture(file)?,
                None => checked(EXAMPLE)?,
            };
            let drawn = match format {
                Format::Text => graph::text(&architecture),
                Format::Dot => graph::dot(&architecture),
                Format::Svg => picture::svg(&architecture),
            };
            write!(out, "{drawn}")?;
        }
        Command::Deploy { file } => deploy::deploy(file, &runnable(file)?)?,
        Command::Node(args) => deploy::node(args, runnable(&args.file)?)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads and checks a descriptor.
fn architecture(path: &PathBuf) -> anyhow::Result<Architecture> {
    let cannot = || format!("cannot read {}", path.display());
    let file = std::fs::File::open(path).with_context(cannot)?;
    let mut text = String::new();
    let length = file.take(LENGTH_LIMIT + 1).read_to_string(&mut text).with_context(cannot)?;
    ensure!(length as u64 <= LENGTH_LIMIT, "{} is longer than {LENGTH_LIMIT} bytes", path.display());
    checked(&text).with_context(|| format!("{} is refused", path.display()))
}

/// The same, and its programs are what it says.
fn runnable(path: &PathBuf) -> anyhow::Result<Architecture> {
    let architecture = architecture(path)?;
    let differences = contract::differences(&architecture);
    ensure!(differences.is_empty(), "{} is refused: {}", path.display(), differences.join("\n"));
    Ok(architecture)
}

fn checked(text: &str) -> anyhow::Result<Architecture> {
    let descriptor = Descriptor::read(text)?;
    check(descriptor).map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("{}", faults.join("\n"))
    })
}
