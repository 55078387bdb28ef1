//! What the clients of a scenario come for.

/// What a client comes for, and so which figure is the main one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Workload {
    /// It wants to be served and stays a while (Figures 4.5 to 4.11 of the notes).
    Stay,
    /// It sends one slow request (`simulating_many_requests.py` of the notes).
    Heavy,
    /// It sends requests as fast as they are answered.
    Throughput,
    /// It is one of thousands.
    Crowd,
}

impl Workload {
    /// The workload of the scenario with this name; one that is not known here is compared by its throughput.
    pub fn of(scenario: &str) -> Self {
        match scenario {
            "patience" | "stay" => Self::Stay,
            "heavy" => Self::Heavy,
            "crowd" | "random" => Self::Crowd,
            _ => Self::Throughput,
        }
    }

    /// Whether its times are the notes' seconds, scaled.
    pub fn is_scaled(self) -> bool {
        matches!(self, Self::Stay | Self::Heavy)
    }

    /// What its ranks go by.
    pub fn ranked_by(self) -> &'static str {
        match self {
            Self::Throughput => "clients served, then throughput",
            Self::Stay | Self::Heavy | Self::Crowd => "clients served, then the median wait",
        }
    }
}
