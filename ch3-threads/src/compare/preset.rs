//! How long a comparison may take, and what each scenario's numbers are then.
//!
//! The notes' seconds are scaled. What is measured rather than waited for is not: there the times are our own, short
//! enough for every model to have its turn several times.

use std::time::Duration;

use common::loadgen::{Plan, Scenario};

/// Short by default, long with `--full`.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// How often each model is measured under each scenario.
    pub repetitions: u32,
    /// By what the notes' seconds are multiplied.
    pub time_scale: f64,
    /// Which numbers the other scenarios have.
    pub full: bool,
}

/// Inside 90 s on two processors.
pub const SHORT: Preset = Preset { repetitions: 3, time_scale: 0.02, full: false };
/// Inside 10 minutes.
pub const FULL: Preset = Preset { repetitions: 5, time_scale: 0.05, full: true };

/// Whether the clients of a scenario mostly wait: then several servers may run side by side without disturbing each
/// other.
pub fn mostly_waits(scenario: Scenario) -> bool {
    matches!(scenario, Scenario::Patience | Scenario::Stay | Scenario::Heavy)
}

impl Preset {
    /// The scenario's numbers with this preset.
    pub fn apply(self, plan: Plan) -> Plan {
        let ms = Duration::from_millis;
        match (plan.scenario, self.full) {
            (Scenario::Patience | Scenario::Stay | Scenario::Heavy, _) => {
                Plan { time_scale: self.time_scale, ..plan }
            }
            (Scenario::Factor, false) => plan,
            (Scenario::Factor, true) => Plan { clients: 32, ..plan },
            (Scenario::Echo, false) => Plan { duration: ms(300), warm_up: ms(100), timeout: ms(300), ..plan },
            (Scenario::Echo, true) => {
                Plan { duration: ms(2000), warm_up: ms(300), timeout: ms(1000), ..plan }
            }
            (Scenario::Connect, false) => Plan { connections: 250, timeout: ms(1000), ..plan },
            (Scenario::Connect, true) => Plan { connections: 1000, timeout: ms(2000), ..plan },
            (Scenario::Random, false) => Plan { clients: 2000, timeout: ms(2000), ..plan },
            (Scenario::Random, true) => plan,
            (Scenario::Crowd, false) => Plan { clients: 2000, timeout: ms(600), stay: ms(100), ..plan },
            (Scenario::Crowd, true) => Plan { clients: 5000, timeout: ms(2000), stay: ms(300), ..plan },
        }
    }
}
