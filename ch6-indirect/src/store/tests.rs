//! The log as a whole, on a disk that can do everything wrong.

mod a_crash_at_any_moment_loses_nothing_confirmed;
mod a_damaged_record_costs_itself;
mod a_full_disk_is_seen_before_loss;
mod every_store_keeps_the_same;
mod kill_9_at_any_instant_loses_nothing_confirmed;
mod the_log_stays_short;
mod world;
