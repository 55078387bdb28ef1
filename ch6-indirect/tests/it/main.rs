//! The programs of chapter 6, from outside. One binary, a module per behaviour.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod a_bridge_joins_two_brokers;
mod a_client_that_misbehaves_does_not_grow_the_broker;
mod a_silent_client_is_cut;
mod a_stop_is_said_to_every_client;
mod an_alarm_holds_publishers_back;
mod bad_frames_end_one_connection_and_no_other;
mod client;
mod compare_counts_what_it_measures;
mod confirms_returns_and_acknowledgements_keep_their_order;
mod every_model_that_shares_memory_serves_the_broker;
mod fuzz_corpus;
mod group_members_agree_over_multicast;
mod inspect_shows_a_running_broker;
mod messages_come_whole;
mod messages_of_the_log_are_got_by_hand;
mod patterns_of_messaging_run_on_any_broker;
mod programs_of_others_see_what_rabbitmq_shows;
mod rabbitmqadmin_works_unmodified;
mod support;
mod the_board_goes_on_whoever_is_away;
mod the_handshake_is_that_of_a_broker;
mod the_page_is_no_reason_to_end_a_broker;
mod the_page_shows_what_the_broker_does;
mod users_come_in_with_a_password_and_over_tls;
mod watching;
mod what_a_message_went_through_can_be_seen;
mod what_is_confirmed_survives_a_crash;
