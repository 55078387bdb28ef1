//! Sequence markers: parts of a big message, in any order.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ch2_sockets_fuzz::parts(bytes));
