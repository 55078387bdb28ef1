//! Messages of the guess-word game, from either side.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| common_fuzz::text_services::guessword(bytes));
