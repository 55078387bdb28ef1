//! The programs of chapter 5, from outside. One binary, a module per behaviour.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod a_caller_is_told_done_not_done_or_unknown;
mod a_thousand_callers_find_a_table_that_does_not_grow;
mod fuzz_corpus;
mod semantics_runs_no_call_more_often_than_promised;
#[allow(dead_code, reason = "not every part of the chapter needs all of it")]
mod support;
