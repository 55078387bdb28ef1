//! What a comparison found: one [`Row`] per scenario and model, and beside it the timeline that the report draws.
//!
//! The rows are what `--json` writes, field for field; the names of the fields are a contract with those who read them.

use serde::Serialize;

/// A whole comparison: where and how it was made, and its rows in scenario order, then model order.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// The command line that makes this comparison again.
    pub command: String,
    /// When it was made, seconds since 1970-01-01 UTC.
    pub made_at: u64,
    /// Processor name, cores, kernel.
    pub machine: String,
    /// The seed of every random decision in it.
    pub seed: u64,
    /// By what the notes' seconds were multiplied; 1.0 is the notes' own pace.
    pub time_scale: f64,
    /// How long the comparison took, seconds.
    pub took_s: f64,
    /// A word per scenario, in the order of the rows.
    pub scenarios: Vec<ScenarioNote>,
    /// One row per scenario and model.
    pub rows: Vec<Row>,
}

/// What a scenario asks, for the heading of its section.
#[derive(Debug, Clone, Serialize)]
pub struct ScenarioNote {
    /// The name on the command line: `patience`, `echo`, …
    pub name: String,
    /// The scenario in one sentence with its real numbers, as it was run (scaled).
    pub about: String,
    /// The question of the lecture that it answers.
    pub question: String,
}

/// One model under one scenario: medians over the repetitions.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Row {
    /// The scenario's name.
    pub scenario: String,
    /// The model's name, or for `--with` the user's command.
    pub model: String,
    /// The service that ran.
    pub service: String,
    /// What the model is, in a line (from its `//!`).
    pub about: String,
    /// Clients that took part.
    pub clients: u64,
    /// Clients that were served to the end of what they came for.
    pub served: u64,
    /// Clients whose patience ended first.
    pub gave_up: u64,
    /// Clients that were turned away before they were served: no connection, or one that the server reset or closed.
    pub refused: u64,
    /// Clients that were being served when the connection was reset or closed; also those that were turned away when the server died.
    pub lost: u64,
    /// Clients that got wrong bytes: lost, doubled, reordered, or meant for another client.
    pub wrong: u64,
    /// Requests answered, all clients together.
    pub requests: u64,
    /// Requests of `echo` that were sent and not answered.
    pub unanswered: Option<u64>,
    /// Requests of `echo` in the open loop that were due and never sent.
    pub never_sent: Option<u64>,
    /// From the wish to connect until service began, milliseconds.
    pub wait_ms: Option<Percentiles>,
    /// From the intended send time of a request until its whole answer, microseconds.
    pub latency_us: Option<Percentiles>,
    /// Requests (or, where each connection is one request, connections) per second.
    pub throughput_per_s: f64,
    /// What it cost the server.
    pub server: ServerCost,
    /// How often it was measured; every figure above is the median of so many.
    pub repetitions: u32,
    /// The seed of the first repetition.
    pub seed: u64,
    /// Why there is nothing above, where the model could not run here.
    pub skipped: Option<String>,
    /// The fraction of all processors that other programs used meanwhile.
    pub foreign: Option<f64>,
    /// Lowest and highest over the repetitions.
    pub spread: Spreads,
    /// What each repetition found.
    pub runs: Vec<Repetition>,
    /// The latency curve: percentile 0–100 against microseconds, of the repetition with the median throughput.
    pub latency_curve: Vec<(f64, f64)>,
    /// Every client beside the server's lanes, of one repetition.
    #[serde(skip)]
    pub timeline: Option<Timeline>,
}

/// What one repetition found, of what is compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Repetition {
    /// [`Row::seed`] of this repetition.
    pub seed: u64,
    /// [`Row::served`].
    pub served: u64,
    /// [`Row::gave_up`].
    pub gave_up: u64,
    /// [`Row::refused`].
    pub refused: u64,
    /// [`Row::lost`].
    pub lost: u64,
    /// [`Row::wrong`].
    pub wrong: u64,
    /// [`Row::requests`].
    pub requests: u64,
    /// [`Row::unanswered`].
    pub unanswered: Option<u64>,
    /// [`Row::never_sent`].
    pub never_sent: Option<u64>,
    /// [`Row::throughput_per_s`].
    pub throughput_per_s: f64,
    /// [`Row::wait_ms`].
    pub wait_ms: Option<Percentiles>,
    /// [`Row::latency_us`].
    pub latency_us: Option<Percentiles>,
    /// [`Row::server`].
    pub server: ServerCost,
    /// [`Row::foreign`].
    pub foreign: Option<f64>,
}

/// Four points of a distribution.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Percentiles {
    /// Half are below.
    pub p50: f64,
    /// Nine of ten are below.
    pub p90: f64,
    /// Ninety-nine of a hundred are below.
    pub p99: f64,
    /// The worst.
    pub max: f64,
}

/// What the server used, children included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct ServerCost {
    /// User and system time, milliseconds. 0: it was not measured, and JSON has `null`.
    #[serde(serialize_with = "unless_zero")]
    pub cpu_ms: f64,
    /// Highest sum of resident memory over its processes, KiB (shared file pages counted once); 0 as above.
    #[serde(serialize_with = "unless_zero")]
    pub peak_rss_kib: u64,
    /// Most threads alive at once, all processes together; 0 as above.
    #[serde(serialize_with = "unless_zero")]
    pub threads: u64,
    /// Most processes alive at once; 0 as above.
    #[serde(serialize_with = "unless_zero")]
    pub processes: u64,
    /// Voluntary and involuntary context switches; 0 as above.
    #[serde(serialize_with = "unless_zero")]
    pub context_switches: u64,
}

/// Lowest and highest value over the repetitions of what is compared; `None` where it was not measured.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Spreads {
    /// Of [`Row::served`].
    pub served: Option<(f64, f64)>,
    /// Of [`Row::throughput_per_s`].
    pub throughput_per_s: Option<(f64, f64)>,
    /// Of the median of [`Row::wait_ms`].
    pub wait_p50_ms: Option<(f64, f64)>,
    /// Of the median of [`Row::latency_us`].
    pub latency_p50_us: Option<(f64, f64)>,
    /// Of the 99th percentile of [`Row::latency_us`].
    pub latency_p99_us: Option<(f64, f64)>,
    /// Of [`ServerCost::cpu_ms`].
    pub cpu_ms: Option<(f64, f64)>,
}

/// Who waited, who was served, and by whom. Times are milliseconds since the first client set out.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Timeline {
    /// How long the whole picture lasts.
    pub length_ms: f64,
    /// One line per client.
    pub clients: Vec<ClientLine>,
    /// One lane per thread, process or loop of the server.
    pub lanes: Vec<Lane>,
}

/// The life of one client.
#[derive(Debug, Clone, Serialize)]
pub struct ClientLine {
    /// `client-3`.
    pub name: String,
    /// When it set out to connect.
    pub began_ms: f64,
    /// When service began (for a request: when its answer was there), if it did.
    pub served_ms: Option<f64>,
    /// When it was gone.
    pub ended_ms: f64,
    /// How it ended.
    pub outcome: ClientOutcome,
}

/// How a client ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientOutcome {
    /// It got what it came for.
    Served,
    /// Its patience ended.
    GaveUp,
    /// The server turned it away before it was served.
    Refused,
    /// The connection was reset or closed while it was being served.
    Lost,
    /// It got wrong bytes.
    Deceived,
}

/// One thread, process or event loop of the server.
#[derive(Debug, Clone, Serialize)]
pub struct Lane {
    /// `worker-3`, `child-2 (pid 4711)`, `loop`.
    pub name: String,
    /// What it did, in order of time.
    pub slices: Vec<Slice>,
}

/// A stretch of time in a lane.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Slice {
    /// Its beginning.
    pub from_ms: f64,
    /// Its end.
    pub to_ms: f64,
    /// What it was.
    pub what: SliceKind,
    /// Whom it was for: the index into [`Timeline::clients`].
    pub client: Option<usize>,
}

/// What a lane did in a slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SliceKind {
    /// A connection was held by this lane, from its acceptance to its end.
    Connection,
    /// A request was being handled.
    Request,
    /// One turn of an event loop: from the wake-up until it waits again.
    Turn,
}

/// What was not measured is `null` and not 0.
fn unless_zero<N, S>(value: &N, serializer: S) -> Result<S::Ok, S::Error>
where
    N: Serialize + Default + PartialEq,
    S: serde::Serializer,
{
    Some(value).filter(|value| **value != N::default()).serialize(serializer)
}
