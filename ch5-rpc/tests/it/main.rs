//! The programs of chapter 5, from outside. One binary, a module per behaviour.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod a_bad_client_harms_nobody;
mod a_call_ends_by_its_deadline;
mod a_call_whose_answer_is_lost_is_not_made_again;
mod a_caller_is_told_done_not_done_or_unknown;
mod a_chat_is_found_and_talked_in;
mod a_container_runs_what_its_descriptor_says;
mod a_failed_call_says_what_has_happened;
mod a_half_sent_call_holds_nobody_up;
mod a_name_lives_as_long_as_its_owner_renews_it;
mod a_stop_answers_what_is_in_flight;
mod a_stub_without_idl_calls_any_server;
mod a_thousand_callers_find_a_table_that_does_not_grow;
mod a_thousand_callers_stay_within_the_limits;
mod anatomy_takes_a_real_call_apart;
mod boards;
mod calls;
mod every_transport_carries_the_same_calls;
mod fuzz_corpus;
mod long_answers_are_not_held_in_memory;
mod many_users_talk_at_once;
mod one_rpc_service_runs_under_every_model;
mod only_harmless_calls_are_repeated;
mod our_proxy_calls_objects_in_python;
mod probe;
mod pyros_own_tools_use_the_name_server;
mod python_calls_the_board;
mod python_programs_use_the_chat;
mod remote;
mod remote_objects_are_served_under_every_model_that_shares_memory;
mod semantics_runs_no_call_more_often_than_promised;
mod support;
mod the_board_client_says_what_is_done_and_what_is_not_known;
mod the_chat_client_talks_at_a_terminal;
mod the_end_of_a_client_ends_its_calls;
