//! `show`, `compare`, logs and pushed bytes, from outside. One binary, a module per behaviour; what every model has in common is in
//! `conformance`.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod a_log_that_cannot_be_written_is_lost;
mod a_long_run_says_how_far_it_is;
mod a_port_is_one_servers;
mod a_run_says_how_far_it_is;
mod a_unix_socket_is_served_by_every_model;
mod compare;
mod numbers_without_sense_are_refused;
mod ps_sees_kernel_threads_and_no_tasks;
mod pushes;
mod show;
mod tasks_are_shown_when_they_really_ran;
mod ten_thousand_get_two_points_each;
mod the_labs_faults_can_be_seen;
mod what_the_kernel_refuses_is_told_and_others_are_served;
