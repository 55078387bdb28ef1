//! Publishers are held back while an alarm is on.

use super::Broker;
use super::output::Output;

impl Broker {
    /// Tells publishers when an alarm begins and when it ends.
    pub(super) fn sound_alarm(&mut self) {
        let reason = self.memory.alarm();
        if reason == self.alarm {
            return;
        }
        self.alarm = reason;
        for (id, connection) in &mut self.connections {
            if reason.is_some() && connection.is_publisher || connection.is_blocked {
                connection.is_blocked = reason.is_some();
                self.outbox.push(Output::Blocked { connection: *id, reason });
            }
        }
    }
}
