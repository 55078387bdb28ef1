//! The programs of chapter 2, from outside. One binary, a module per behaviour.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod a_bad_link_is_bad_in_the_same_way_again;
mod a_client_in_another_language_is_served;
mod a_command_line_is_read_well;
mod a_connection_goes_through_its_states;
mod a_datagram_comes_whole_or_cut;
mod a_group_hears_its_sender;
mod a_unix_socket_has_a_name_for_an_address;
mod an_unproved_address_gets_little;
mod board_client_tells_what_is_on_the_board;
mod board_over_tcp_answers_as_the_notes_have_it;
mod board_over_udp_answers_as_the_notes_have_it;
mod ctrl_c_ends_an_experiment_with_130;
mod dissector_reads_a_capture;
mod dissector_reads_what_sessions_send;
mod files_come_back_as_they_were_sent;
mod files_leave_nothing_unfinished;
mod files_refuse_what_would_harm;
mod fuzz_corpus;
mod half_a_message_is_not_a_message;
mod headers_are_read_from_a_capture;
mod long_work_tells_how_far_it_is;
mod markers_put_parts_in_order;
mod no_answer_is_answered;
mod no_terminal_obeys_a_peer;
mod session_runs_each_request_once;
mod session_serves_an_original_client;
mod session_shares_the_link;
mod session_survives_a_bad_network;
mod session_throughput;
mod session_withstands_attacks;
mod sessions_carry_what_no_datagram_can;
mod sessions_come_through_a_bad_link;
mod sessions_fit_a_narrow_path;
mod show_tells_the_facts;
mod support;
mod the_kernel_shows_what_a_socket_is;
mod virtual_time;
